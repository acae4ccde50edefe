"""The standing of a play among the studied plays: the share of them that did worse, by investigator and figure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import inf, isnan, nan

import pandas as pd

from simulator.incident.incident_score import Score
from simulator.intervals import Interval, share_interval

#: Fewer plays of an investigator with an equal cause than this say little; all causes stand in for them.
FEWEST = 30


@dataclass(frozen=True)
class StandingFigure:
    """A figure by its column in players.csv; less is better, and an event that never came is the worst.

    worse: the words for a worse play, behind a share of plays
    """

    column: str
    label: str
    worse: str
    unit: str


FIGURES = (
    StandingFigure("detected_h", "Time to the page", "were paged later or never", "h"),
    StandingFigure("diagnosed_h", "Time to the right diagnosis", "took longer or never named the cause", "h"),
    StandingFigure("kept", "Harm that was left", "left more harm", "%"),
    StandingFigure("brier", "Brier score", "scored worse", ""),
    StandingFigure("usd", "Money spent", "spent more", "USD"),
    StandingFigure("total_usd", "Harm and money", "cost more", "USD"),
)


@dataclass(frozen=True)
class PeerStanding:
    """The share of an investigator's plays that did worse than the person, in one figure; equal plays did not.

    equal: plays with an equal figure; plays: all plays compared with
    """

    figure: StandingFigure
    player: str
    worse: int
    equal: int
    plays: int

    @property
    def share(self) -> Interval:
        """The share with its exact binomial interval."""
        return share_interval(self.worse, self.plays)


@dataclass(frozen=True, eq=False)
class Peers:
    """The studied plays that a play is compared with; of_cause: whether all of them have its cause."""

    rows: pd.DataFrame
    of_cause: bool

    @classmethod
    def of(cls, players: pd.DataFrame, cause: str) -> Peers:
        """Choose the plays with this cause, or all where an investigator has fewer than FEWEST; players: players.csv."""
        same = players[players["cause"] == cause]
        fewest = min((int((same["player"] == player).sum()) for player in players["player"].unique()), default=0)
        return cls(same, True) if fewest >= FEWEST else cls(players, False)


def kept_share(score: Score, harmless: bool) -> float:
    """Return the share of the harm without any action that was still done; NaN for a cause that does none."""
    return nan if harmless or score.untouched <= 0 else score.excess / score.untouched


def figures_of(score: Score, harmless: bool) -> dict[str, float]:
    """Return a play's figures by their columns; harmless: whether its cause does no harm, so that none can be left."""
    return {
        "detected_h": score.detected_h,
        "diagnosed_h": score.diagnosed_h,
        "kept": kept_share(score, harmless),
        "brier": score.brier,
        "usd": score.usd,
        "total_usd": score.total_usd,
    }


def standings(peers: Peers, own: Mapping[str, float]) -> Iterator[PeerStanding]:
    """Yield the standing in each figure, by investigator; own: see `figures_of`.

    A figure that the play or an investigator's plays cannot have is left out: the harm of a harmless cause.
    """
    for figure in FIGURES:
        for player, rows in peers.rows.groupby("player", sort=False):
            values = rows[figure.column]
            if figure.column == "kept":
                values = values.dropna()
                if isnan(own["kept"]):
                    continue
            if len(values):
                mine, others = _never_is_worst(own[figure.column]), values.map(_never_is_worst)
                yield PeerStanding(figure, str(player), int((others > mine).sum()), int((others == mine).sum()), len(values))


def _never_is_worst(value: float) -> float:
    return inf if isnan(value) else float(value)
