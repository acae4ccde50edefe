"""What each look is expected to tell: how often each cause brings which sign, and what follows from that (Bayes).

Signs are taken for independent once the cause is known. How often a cause brings a sign is counted in incidents that were
simulated beforehand (`simulator.incident.rehearsal`), on seeds that no test of an investigator uses.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator.case.schema import Scenario
from simulator.errors import InputError
from simulator.evidence.evidence_files import COUNT, check_ranges, read_table
from simulator.incident.play import NotebookEntry
from simulator.incident.player_actions import Action, LookAction
from simulator.incident.section import Incident
from simulator.incident.step_kinds import SlicesLook
from simulator.paths import INCIDENTS

Floats = NDArray[np.float64]

#: The question that the page itself answers: what rang.
PAGE = "page"
COMPLAINT = "complaint"
#: Beside the causes of a case: a monitor rang by chance, and nothing has happened yet.
FALSE_ALARM = "false_alarm"
#: Whether the first page came before anything had happened, which says how likely a false alarm is to begin with.
FIRST, EARLY, IN_TIME = "first", "early", "in time"
#: The figures by which slices are looked at.
SLICED = ("found", "sharpness", "bytes", "brightness")
#: Added to each count of a sign, so that what was never seen is unlikely and not impossible (Jeffreys 1946).
_UNSEEN = 0.5
COLUMNS = ["cause", "shape", "question", "sign", "count"]


class BeliefError(InputError):
    """The table of signs cannot be used; the message says why."""


def questions(spec: Incident) -> dict[str, LookAction]:
    """Every look that the signs are known of, by the name of the question."""
    found: dict[str, LookAction] = {}
    for name, look in spec.looks.items():
        if isinstance(look, SlicesLook):
            found |= {f"{name}/{each}": LookAction(kind="look", look=name, statistic=each) for each in SLICED}
        else:
            found[name] = LookAction(kind="look", look=name)
    return found


def question_of(spec: Incident, action: Action) -> str | None:
    """The question that an action asks; None if its signs are not known: of one site, or of another figure."""
    if not isinstance(action, LookAction) or action.site is not None:
        return None
    name = f"{action.look}/{action.statistic}" if isinstance(spec.looks[action.look], SlicesLook) else action.look
    return name if name in questions(spec) else None


def answered(spec: Incident, note: NotebookEntry) -> tuple[str, str] | None:
    """The question that a line of the notebook answers, and the sign; None where it answers none."""
    if note.ring is not None:
        return PAGE, note.ring.watch.statistic
    if note.complaint:
        return PAGE, COMPLAINT
    question = question_of(spec, note.action)
    return None if question is None or note.finding is None else (question, note.finding.sign)


@dataclass(frozen=True, eq=False)
class Beliefs:
    """How likely each cause brings each sign.

    chances: by question, the signs and P(sign | cause), shape (causes, signs)
    false_alarms: how often the first page comes before anything has happened
    """

    causes: list[str]
    chances: dict[str, tuple[list[str], Floats]]
    false_alarms: float = 0.0

    @classmethod
    def of(cls, counts: pd.DataFrame) -> Beliefs:
        """From rows of `COLUMNS`; a sign that was never seen has a place of its own, the last."""
        first = counts[counts["question"] == FIRST].groupby("sign")["count"].sum()
        early = float(first.get(EARLY, 0)) / max(float(first.sum()), 1.0)
        causes, chances = sorted(counts["cause"].unique()), {}
        for question, rows in counts[counts["question"] != FIRST].groupby("question"):
            table = rows.pivot_table("count", "cause", "sign", "sum", fill_value=0).reindex(causes, fill_value=0)
            full = np.hstack([table.to_numpy(float), np.zeros((len(causes), 1))]) + _UNSEEN
            chances[str(question)] = [*map(str, table.columns)], full / full.sum(axis=1, keepdims=True)
        return cls(causes, chances, early)

    @cached_property
    def prior(self) -> Floats:
        """Every cause as likely as any other, and a false alarm as likely as it was, shape (causes,)."""
        alarm = np.array(self.causes) == FALSE_ALARM
        if not alarm.any() or not self.false_alarms:
            return np.full(len(self.causes), 1 / len(self.causes))
        return np.where(alarm, self.false_alarms, (1 - self.false_alarms) / (~alarm).sum())

    def likelihood(self, question: str, sign: str) -> Floats:
        """P(sign | cause) of each cause, shape (causes,)."""
        signs, chances = self.chances[question]
        return chances[:, signs.index(sign) if sign in signs else len(signs)]

    def after(self, signs: Iterable[tuple[str, str]], prior: Floats | None = None) -> Floats:
        """How likely each cause is after these questions were answered so, shape (causes,); each question counts once."""
        found = (self.prior if prior is None else prior).copy()
        for question, sign in dict(signs).items():
            if question in self.chances:
                found = found * self.likelihood(question, sign)
                found /= found.sum()
        return found

    def bits(self, question: str, now: Floats) -> float:
        """The bits of information that a question is expected to give about the cause, as likely as each is now.

        The mutual information of cause and sign (Shannon 1948; Lindley 1956 for the choice of an experiment).
        """
        _, chances = self.chances[question]
        joint = now[:, None] * chances
        signs = joint.sum(axis=0)
        return entropy(now) + entropy(signs) - entropy(joint.ravel())


def entropy(shares: Floats) -> float:
    """In bits, shape (n,)."""
    there = shares[shares > 0]
    return float(-(there * np.log2(there)).sum())


def load_beliefs(scenario: Scenario, folder: Path = INCIDENTS) -> Beliefs | None:
    """What was rehearsed of a case; None if nothing was. Raises BeliefError for a table that cannot be read."""
    path = folder / scenario.id / "signs.csv"
    if not path.is_file():
        return None
    counts = read_table(path, COLUMNS, BeliefError)
    check_ranges(path, counts, {"count": COUNT}, BeliefError)
    assert scenario.incident is not None
    known = counts[counts["cause"].isin([FALSE_ALARM, *scenario.incident.causes])]
    return Beliefs.of(known) if len(known) else None
