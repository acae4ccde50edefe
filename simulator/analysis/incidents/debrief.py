"""The path of a person beside the most informative one: what each look was expected to tell, and what it told."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.analysis.incidents.actions import Action, LookAction
from simulator.analysis.incidents.beliefs import PAGE, Beliefs, answered, questions
from simulator.analysis.incidents.play import Play
from simulator.scenario.incident import Incident


@dataclass(frozen=True)
class Step:
    """One look of the person's, or the page: the bits it was expected to tell, and the look that would have told most.

    bits: None where it is not known: of one site alone, or of another figure; told: how likely the true cause is after it
    """

    label: str
    at_s: float
    bits: float | None
    best: str
    best_bits: float
    sign: str
    told: float


def path(play: Play, beliefs: Beliefs) -> list[Step]:
    """Every look of an incident with a cause, in order; each question counts the first time that it is asked."""
    spec, steps, asked = play.spec, list[Step](), dict[str, str]()
    for note in play.notes:
        found = answered(spec, note)
        if found is None and not isinstance(note.action, LookAction):
            continue
        now = beliefs.after(asked.items())
        question = found[0] if found else None
        known = question is not None and question in beliefs.chances and question not in asked
        bits = beliefs.bits(question, now) if known and question is not None else None
        left = {name: beliefs.bits(name, now) for name in questions(spec) if name not in asked and name in beliefs.chances}
        best = max(left, key=lambda name: left[name], default="")
        if found and found[0] not in asked:
            asked[found[0]] = found[1]
        after = beliefs.after(asked.items())
        true = float(after[beliefs.causes.index(play.secret.cause)]) if play.secret.cause in beliefs.causes else 0.0
        sign = found[1] if found else note.finding.sign if note.finding else ""
        label = question_label(spec, question or _asked(note.action))
        steps.append(Step(label, note.at_s, bits, question_label(spec, best), left.get(best, 0.0), sign, true))
    return steps


def _asked(action: Action) -> str:
    return action.look if isinstance(action, LookAction) else PAGE


def question_label(spec: Incident, question: str) -> str:
    """A question as the screen calls it."""
    if question == PAGE:
        return "What rang"
    look, _, statistic = question.partition("/")
    label = spec.looks[look].label if look in spec.looks else look
    return f"{label}: {statistic}" if statistic else label
