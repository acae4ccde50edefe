"""How an incident went: times, answer, and the harm that the cause did, with the actions taken and without."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.incident.beliefs import PAGE, Beliefs, answered, questions
from simulator.incident.frame_statistics import Insides
from simulator.incident.play import Play
from simulator.incident.player_actions import Action, DiagnoseAction, LookAction, WaitAction
from simulator.incident.secret import HOUR_S
from simulator.incident.section import Incident
from simulator.incident.step_kinds import NothingFix, UndoFix

Floats = NDArray[np.float64]

#: A fix that takes away less of the excess harm from then on did not help.
HELPS = 0.2


@dataclass(frozen=True)
class TriedFix:
    """A fix that was shipped: its name, from when on (s), and the share of the excess harm that it took away since then.

    Of a cause that does no harm the share is not a number: there is nothing to take away.
    """

    name: str
    at_s: float
    took_away: float
    right: bool


@dataclass(frozen=True)
class Score:
    """Times in hours from the onset, NaN where it did not happen; harm in units of the least object.

    excess, untouched: harm beyond that of the same system without the cause, with the actions taken and with none
    brier: (confidence - 1)^2 if the diagnosis is right, confidence^2 if not; without one it is as if nothing was known, 0.25
    """

    cause: str
    diagnosis: str | None
    confidence: float
    right: bool
    detected_h: float
    diagnosed_h: float
    mitigated_h: float
    false_alarms: int
    fixes: tuple[TriedFix, ...]
    labels: int
    usd: float
    excess: float
    untouched: float
    brier: float

    @property
    def wrong_fixes(self) -> int:
        """Fixes that did not help."""
        return sum(not one.right for one in self.fixes)


def score(play: Play) -> Score:
    """How it went, with the stream run on to its end; the secret needs a cause."""
    secret, spec = play.secret, play.spec
    cause = secret.of(spec)
    assert secret.cause is not None and cause is not None
    harms = [Excess.of(play.insides(count)) for count in range(len(play.shipped) + 1)]
    tried = _tried(play, harms, cause.harmless)
    told = [note for note in play.notes if isinstance(note.action, DiagnoseAction)]
    last = told[-1] if told else None
    named = last.action.cause if last and isinstance(last.action, DiagnoseAction) else None
    sure = last.action.confidence if last and isinstance(last.action, DiagnoseAction) else 0.5
    right = named == secret.cause
    return Score(
        cause=secret.cause,
        diagnosis=named,
        confidence=sure,
        right=right,
        detected_h=_hours(play, _detected_s(play)),
        diagnosed_h=_hours(play, last.until_s if last and right else np.nan),
        mitigated_h=_hours(play, min((one.at_s for one in tried if one.right), default=np.nan)),
        false_alarms=sum(n.ring is not None and n.ring.at_s < secret.onset_s for n in play.notes),
        fixes=tried,
        labels=play.labels,
        usd=play.usd,
        excess=harms[-1].since(secret.onset_s),
        untouched=harms[0].since(secret.onset_s),
        brier=(sure - right) ** 2 if last else 0.25,
    )


@dataclass(frozen=True, eq=False)
class Excess:
    """When each frame came (s), and the harm in it beyond that of the same system without the cause, shapes (n,)."""

    at_s: Floats
    harm: Floats

    @classmethod
    def of(cls, insides: Insides) -> Excess:
        """Of all frames."""
        return cls(insides.frames.at_s, insides.excess())

    def since(self, from_s: float) -> float:
        """All of it from a time (s) on."""
        return float(self.harm[self.at_s >= from_s].sum())


def _tried(play: Play, harms: list[Excess], harmless: bool) -> tuple[TriedFix, ...]:
    """Each fix, judged by the run with it and the run with those before it alone."""
    found = []
    for place, one in enumerate(play.shipped):
        before, after = harms[place].since(one.at_s), harms[place + 1].since(one.at_s)
        took = (before - after) / before if before > 0 else np.nan
        fix = play.spec.fixes[one.name]
        nothing = isinstance(fix, NothingFix) or (isinstance(fix, UndoFix) and fix.enters == ["labels"])
        found.append(TriedFix(one.name, one.at_s, float(took), nothing if harmless else bool(took >= HELPS)))
    return tuple(found)


def _detected_s(play: Play) -> float:
    """When the person first learned of it: by a monitor that rang, or a complaint, at or after the onset."""
    waited = [note for note in play.notes if isinstance(note.action, WaitAction) and (note.ring or note.complaint)]
    return min((note.until_s for note in waited if note.until_s >= play.secret.onset_s), default=np.nan)


def _hours(play: Play, at_s: float) -> float:
    return float((at_s - play.secret.onset_s) / HOUR_S)


@dataclass(frozen=True)
class DebriefStep:
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


def path(play: Play, beliefs: Beliefs) -> list[DebriefStep]:
    """Every look of an incident with a cause, in order; each question counts the first time that it is asked."""
    spec, steps, asked = play.spec, list[DebriefStep](), dict[str, str]()
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
        steps.append(DebriefStep(label, note.at_s, bits, question_label(spec, best), left.get(best, 0.0), sign, true))
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
