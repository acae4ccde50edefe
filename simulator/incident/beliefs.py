"""The information of each look: how often each cause brings each sign in each shape, and the probabilities that follow (Bayes).

Signs are taken for independent given the cause and its shape. Their frequencies are counted in incidents that were simulated
beforehand (`python -m campaigns.incidents rehearse`), on seeds that no test of an investigator uses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator.arrays import Floats
from simulator.case.schema import Scenario
from simulator.evidence.evidence_tables import COUNT, Table, columns
from simulator.incident.player_actions import LookAction, NotebookEntry
from simulator.incident.section import Incident
from simulator.paths import INCIDENTS

#: The question that the page itself answers: the figure that rang.
PAGE = "page"
COMPLAINT = "complaint"
#: The cause that stands for a page without anything behind it: nothing has happened, or nothing yet.
FALSE_ALARM = "nothing"
#: Signs of the first page, before or after the onset; they give the prior probability of a false alarm.
FIRST, EARLY, IN_TIME = "first", "early", "in time"
#: Minutes to think, added to those of each look.
_THINKING = 10.0
#: Added to each count of a sign, so that an unseen sign is unlikely and not impossible (Jeffreys 1946).
_UNSEEN = 0.5
SIGNS = Table("signs.csv", columns("cause shape question sign") | columns("count", COUNT))


def questions(spec: Incident) -> dict[str, LookAction]:
    """Return every look with known signs, by the name of its question."""
    return {
        question: LookAction.model_validate({"kind": "look", "look": name, **inputs})
        for name, look in spec.looks.items()
        for question, inputs in look.questions(name).items()
    }


def minutes_of(spec: Incident, look: LookAction) -> float:
    """Return the minutes of a look and of the thought before it."""
    return _THINKING + spec.look_cost(spec.looks[look.look], look.frames)[0]


def answered(spec: Incident, note: NotebookEntry) -> tuple[str, str] | None:
    """Return the question that a line of the notebook answers, and the sign; None for lines without known signs."""
    if note.ring is not None:
        return PAGE, note.ring.watch.statistic
    if note.complaint:
        return PAGE, COMPLAINT
    return (note.question, note.finding.sign) if note.finding and note.question in questions(spec) else None


@dataclass(frozen=True, eq=False)
class Beliefs:
    """The probability of each sign, given each cause and shape.

    causes: the cause of each place of an array of probabilities; a cause has a place for each of its shapes
    chances: by question, the signs and P(sign | cause and shape), shape (places, signs)
    false_alarms: the share of first pages before the onset
    often: how often each cause comes; its shapes come equally often
    """

    causes: list[str]
    chances: dict[str, tuple[list[str], Floats]]
    false_alarms: float = 0.0
    often: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, counts: pd.DataFrame, often: Mapping[str, float] | None = None) -> Beliefs:
        """Estimate them from rows of `SIGNS`; unseen signs share the last place; often: of each cause, 1 for others."""
        first = counts[counts["question"] == FIRST].groupby("sign")["count"].sum()
        early = float(first.get(EARLY, 0)) / max(float(first.sum()), 1.0)
        places = pd.MultiIndex.from_frame(counts[["cause", "shape"]]).unique().sort_values()
        causes, chances = [str(cause) for cause, _ in places], {}
        rows = counts[counts["question"] != FIRST]
        place, count = places.get_indexer(pd.MultiIndex.from_frame(rows[["cause", "shape"]])), rows["count"].to_numpy(float)
        question, sign = (rows[name].astype(str).to_numpy(str) for name in ("question", "sign"))
        for name in np.unique(question):
            asked = question == name
            signs, column = np.unique(sign[asked], return_inverse=True)
            cell = place[asked] * (len(signs) + 1) + column  # the last column is that of unseen signs
            full = np.bincount(cell, count[asked], len(causes) * (len(signs) + 1)).reshape(len(causes), -1)
            chances[str(name)] = [*map(str, signs)], _chances(full.astype(float), np.unique(causes, return_inverse=True)[1])
        return cls(causes, chances, early, often or {})

    @cached_property
    def prior(self) -> Floats:
        """The probability of each place at a page before any sign, shape (places,).

        Of the other causes' first pages a share comes before the onset, when nothing has happened yet.
        """
        alarm = np.array(self.causes) == FALSE_ALARM
        early = np.where(alarm, 0.0, self.false_alarms * self.later).sum()
        nothing = self.later * (1 + early / max(float(self.later[alarm].sum()), 1e-9))
        shares = np.where(alarm, nothing, (1 - self.false_alarms) * self.later)
        return np.asarray(shares / shares.sum())

    @cached_property
    def later(self) -> Floats:
        """The probability of each place some days after the first page, when an early one is over, shape (places,)."""
        often = np.array([self.often.get(name, 1.0) / self.causes.count(name) for name in self.causes])
        return np.asarray(often / often.sum())

    def after(self, signs: Iterable[tuple[str, str]], prior: Floats | None = None) -> Floats:
        """Return the probability of each place after these questions and signs, shape (places,); each question counts once."""
        shares = (self.prior if prior is None else prior).copy()
        for question, sign in dict(signs).items():
            if question in self.chances:
                known, chances = self.chances[question]
                shares = shares * chances[:, known.index(sign) if sign in known else len(known)]
                shares /= shares.sum()
        return shares

    def by_cause(self, now: Floats) -> dict[str, float]:
        """Return the probability of each cause, over its shapes."""
        names, place = self.names
        return dict(zip(names, np.bincount(place, now).tolist(), strict=True))

    def likeliest(self, now: Floats) -> tuple[str, float]:
        """Return the likeliest cause and its probability."""
        return max(self.by_cause(now).items(), key=lambda pair: pair[1])

    @cached_property
    def names(self) -> tuple[list[str], NDArray[np.int64]]:
        """The causes, each once, and the number of the cause of each place."""
        names = list(dict.fromkeys(self.causes))
        return names, np.array([names.index(name) for name in self.causes])

    def bits(self, question: str, now: Floats) -> float:
        """Return the expected information of a question about the cause, in bits, given the present probabilities.

        The mutual information of cause and sign (Shannon 1948; Lindley 1956 for the choice of an experiment).
        """
        names, place = self.names
        _, chances = self.chances[question]
        joint = np.zeros((len(names), chances.shape[1]))
        np.add.at(joint, place, now[:, None] * chances)
        return entropy(joint.sum(axis=1)) + entropy(joint.sum(axis=0)) - entropy(joint.ravel())


def _chances(counts: Floats, cause: NDArray[np.int64]) -> Floats:
    """Return the chance of each sign in each shape: the mean of that of the shape and of that of its cause over all shapes.

    A shape alone has few incidents, and most signs do not depend on it. cause: the number of the cause of each row
    """
    of_cause = np.zeros((cause.max() + 1, counts.shape[1]))
    np.add.at(of_cause, cause, counts)
    of_shape, of_cause = ((each + _UNSEEN) / (each + _UNSEEN).sum(axis=1, keepdims=True) for each in (counts, of_cause))
    return np.asarray((of_shape + of_cause[cause]) / 2)


def entropy(shares: Floats) -> float:
    """Return the entropy of probabilities in bits, shape (n,)."""
    there = shares[shares > 0]
    return float(-(there * np.log2(there)).sum())


def many_brier(shares: Mapping[str, float], truth: Mapping[str, float]) -> float:
    """Return the Brier score of probabilities of several causes (Brier 1950): from 0, the best, to 2.

    truth: 1 for the true cause, or halves for two at once. A part of the shares that no cause has is a further cause, which is
    never true.
    """
    rest = max(1 - sum(shares.values()), 0.0)
    return sum((shares.get(name, 0.0) - truth.get(name, 0.0)) ** 2 for name in dict.fromkeys([*shares, *truth])) + rest**2


def load_beliefs(scenario: Scenario, folder: Path = INCIDENTS) -> Beliefs | None:
    """Read the rehearsed signs of a case; None if there are none. Raises EvidenceError for a table that cannot be read."""
    if not (folder / scenario.id / SIGNS.file).is_file():
        return None
    counts = SIGNS.read(folder / scenario.id)
    assert scenario.incident is not None
    causes = scenario.incident.causes
    comes = [
        name in causes and shape in causes[name].shapes for name, shape in zip(counts["cause"], counts["shape"], strict=True)
    ]
    known = counts[comes]
    return Beliefs.of(known, {name: cause.often for name, cause in causes.items()}) if len(known) else None
