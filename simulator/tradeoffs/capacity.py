"""How much a design carries: the highest rate within its objectives, the fewest servers for it, its cost against the load."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import inf
from typing import Any

from simulator.case.choices import Number, Pick
from simulator.case.load import TRAFFIC
from simulator.intervals import Estimate
from simulator.tradeoffs.breakeven import TOLERANCE, BreakevenClaim, Crossing, Gap, crossing
from simulator.tradeoffs.design_outcomes import DesignOutcome
from simulator.tradeoffs.design_space import DesignPoint
from simulator.tradeoffs.outcome_cache import OutcomeCache
from simulator.tradeoffs.sweep import Submit, Sweep, SweepRequest, Tell, silent, swept
from simulator.units import significant, spoken

#: The least and the most traffic that is tried, in times of the case's own.
RANGE = 1 / 16, 16.0

#: The traffic at which the cost is told, in parts of the capacity.
LOADS = 0.25, 0.5, 0.75, 0.9, 1.0, 1.1, 1.25

#: The fields that say how many servers a stage has.
_SERVERS = ("replicas", "people")


@dataclass(frozen=True)
class CapacityLimit:
    """From which traffic on, and up to which, an objective is met.

    lower, upper: where it turns, in times of the case's traffic; None where it does not within the range
    """

    answer: BreakevenClaim
    lower: Crossing | None
    upper: Crossing | None

    @property
    def least(self) -> float:
        """The least traffic at which it is met, by the plain values: 0 where it is at any."""
        return 0.0 if self.lower is None else self.lower.at

    @property
    def most(self) -> float:
        """The most traffic at which it is met, by the plain values: infinite where it is at any."""
        return inf if self.upper is None else self.upper.at

    def to_json(self) -> dict[str, Any]:
        """As `casesim capacity --json` prints it; what is not within the range is left out."""
        sides = {"from": self.lower, "to": self.upper}
        told = {name: {"times": one.at} | _bounds(one) for name, one in sides.items() if one}
        return {"metric": self.answer.metric.name, "answer": self.answer.words, **told}


@dataclass(frozen=True)
class Fewest:
    """The fewest servers of a stage with which every objective that is met now is still met.

    below: what fails with the next pick down, empty if there is none
    """

    choice: str
    label: str
    now: Pick
    pick: Pick
    below: str

    @property
    def sentence(self) -> str:
        """In words: `Replicas: 2 are enough for all that is met now, and this design has 3; ...`."""
        pick, now = (f"{one:g}" if isinstance(one, int | float) else str(one) for one in (self.pick, self.now))
        enough = f"{self.label}: {pick} {'is' if pick == '1' else 'are'} enough for all that is met now"
        has = "as in this design" if pick == now else f"and this design has {now}"
        return f"{enough}, {has}; " + (f"with one fewer, “{self.below}” fails." if self.below else "there can be no fewer.")


@dataclass(frozen=True)
class LoadPoint:
    """What a design comes to at some traffic, in times of the case's own."""

    times: float
    outcome: DesignOutcome


@dataclass(frozen=True)
class Capacity:
    """What a design carries.

    limits: each objective that is met at some traffic; never: objectives that are met at none
    rate: requests that the case brings, per second on average
    """

    asked: SweepRequest
    limits: Sequence[CapacityLimit]
    never: Sequence[BreakevenClaim]
    rate: float
    fewest: Sequence[Fewest]
    loads: Sequence[LoadPoint]

    @property
    def binding(self) -> CapacityLimit | None:
        """The objective that fails first as traffic grows; None where none does within the range."""
        return min((limit for limit in self.limits if limit.upper), key=lambda limit: limit.most, default=None)

    @property
    def least(self) -> CapacityLimit | None:
        """The objective that needs the most traffic to be met; None where none needs any."""
        return max((limit for limit in self.limits if limit.lower), key=lambda limit: limit.least, default=None)

    @property
    def sentences(self) -> list[str]:
        """How much it carries, what fails first, and what fails below, in words."""
        if not self.limits:
            return ["No objective is met at any traffic that was tried, so there is no capacity to tell."]
        first, least = self.binding, self.least
        told = [self._most(first, first.upper) if first and first.upper else self._unlimited]
        if least and least.lower:
            told.append(f"“{least.answer.words}” needs at least {self._times(least.lower)}.")
        told += [f"“{answer.words}” fails at any traffic that was tried." for answer in self.never]
        return told

    @property
    def _unlimited(self) -> str:
        return f"No objective that is met fails up to {self.loads[-1].times:g} times the traffic of the case."

    def _most(self, limit: CapacityLimit, where: Crossing) -> str:
        told = f"“{limit.answer.words}” fails first as traffic grows, beyond {self._times(where)}"
        if where.at >= 1:
            return f"{told}: {where.at - 1:.0%} headroom."
        return f"{told}: that is {1 - where.at:.0%} less than comes now."

    def _times(self, where: Crossing) -> str:
        bounds = [f"{bound:.3g}" if abs(bound) < inf else "unknown" for bound in (where.low, where.high)]
        per_day = significant(where.at * self.rate * 86_400)
        many = self.asked.scenario.unit.many
        return f"{where.at:.3g} times the traffic of the case (95% interval {bounds[0]} to {bounds[1]}), {per_day} {many} a day"

    def to_json(self) -> dict[str, Any]:
        """As `casesim capacity --json` prints it."""
        return {
            "rate_per_s": self.rate,
            "limits": [one.to_json() for one in self.limits],
            "never": [{"metric": one.metric.name, "answer": one.words} for one in self.never],
            "fewest": [
                {"choice": one.choice, "now": one.now, "fewest": one.pick, "fails_below": one.below} for one in self.fewest
            ],
            "loads": [
                {"times": load.times, "metrics": {name: _told(found) for name, found in load.outcome.metrics.items()}}
                for load in self.loads
            ],
            "sentences": self.sentences,
        }


def _bounds(found: Crossing) -> dict[str, float]:
    return {name: bound for name, bound in (("low", found.low), ("high", found.high)) if abs(bound) < inf}


def _told(found: Estimate) -> dict[str, float]:
    return {"value": found.value, "low": found.low, "high": found.high}


class Loading:
    """Tries a design at other traffic, and with other numbers of servers."""

    def __init__(
        self, asked: SweepRequest, answers: Sequence[BreakevenClaim], submit: Submit, kept: OutcomeCache | None = None
    ) -> None:
        """asked: the design, with the metrics of all answers among its metrics; answers: the objectives in question"""
        self.asked, self.answers = asked, answers
        self._submit, self._kept = submit, kept
        self._known: dict[str, DesignOutcome] = {}

    def find(self, tell: Tell = silent) -> Capacity:
        """What the design carries."""
        tell("doubling and halving the traffic", 0, 0)
        base = self._run([self.asked.base])[0]
        steps, found, what = (
            self._steps(),
            list[CapacityLimit | None](),
            "looking for the traffic at which each objective fails",
        )
        tell(what, 0, len(self.answers))
        with ThreadPoolExecutor(len(self.answers) or 1) as threads:
            for limit in threads.map(lambda answer: self._limit(answer, steps), self.answers):
                found.append(limit)
                tell(what, len(found), len(self.answers))
        limits = [limit for limit in found if limit is not None]
        most = min((limit.most for limit in limits), default=inf)
        times = [part * most for part in LOADS] if most < inf else steps
        tell("running the load up to the capacity and beyond", 0, 0)
        loads = [LoadPoint(at, outcome) for at, outcome in zip(times, self._run([self._at(at) for at in times]), strict=True)]
        never = [answer for answer, limit in zip(self.answers, found, strict=True) if limit is None]
        tell("looking for the fewest servers", 0, 0)
        rate = base.requests / base.replications / self.asked.plan(self.asked.base).arrivals_end_s
        return Capacity(self.asked, limits, never, rate, self._fewest(base), loads)

    def _steps(self) -> list[float]:
        """Traffic in doublings: up from the case's own until an objective fails that was met, down until all are met.

        No further up: what is overloaded runs long, and the first objective to fail says how much is carried.
        """
        steps = [1.0]
        while steps[-1] < RANGE[1] and any(self._met(steps[-1])) and not self._lost(steps):
            steps.append(2 * steps[-1])
        while steps[0] > RANGE[0] and not all(self._met(steps[0])):
            steps.insert(0, steps[0] / 2)
        return steps

    def _met(self, times: float) -> list[bool]:
        return [self._gap(answer, times).holds for answer in self.answers]

    def _lost(self, steps: Sequence[float]) -> bool:
        """Whether the last doubling has lost an objective."""
        return len(steps) > 1 and any(
            before and not now for before, now in zip(self._met(steps[-2]), self._met(steps[-1]), strict=True)
        )

    def _limit(self, answer: BreakevenClaim, steps: Sequence[float]) -> CapacityLimit | None:
        """Between which traffic an objective is met: around the steps at which it is; None where it is at none."""
        met = [place for place, times in enumerate(steps) if self._gap(answer, times).holds]
        if not met:
            return None
        lower = self._crossing(answer, steps[met[0] - 1], steps[met[0]]) if met[0] > 0 else None
        upper = self._crossing(answer, steps[met[-1]], steps[met[-1] + 1]) if met[-1] + 1 < len(steps) else None
        return CapacityLimit(answer, lower, upper)

    def _gap(self, answer: BreakevenClaim, times: float, seed: int | None = None) -> Gap:
        return answer.gap(self._run([self._at(times)], seed))

    def _crossing(self, answer: BreakevenClaim, low: float, high: float) -> Crossing | None:
        """Where an objective turns between two steps, in a range that reaches as far as it takes to be sure on both sides."""
        width = TOLERANCE * (high - low)
        low, high = self._sure(answer, low, 0.5), self._sure(answer, high, 2.0)
        again = lambda times: self._gap(answer, times, self.asked.other_seed)  # noqa: E731
        return crossing(lambda times: self._gap(answer, times), again, low, high, width / (high - low))

    def _sure(self, answer: BreakevenClaim, times: float, step: float) -> float:
        """The nearest traffic, a step or several away, at which runs are sure of what they say here; as far as they say so."""
        now = self._gap(answer, times)
        while not self._gap(answer, times).sure and RANGE[0] <= times * step <= RANGE[1]:
            if self._gap(answer, times * step).holds != now.holds:
                break
            times *= step
        return times

    def _fewest(self, now: DesignOutcome) -> list[Fewest]:
        scenario, design = self.asked.scenario, self.asked.scenario.defaults() | dict(self.asked.picks)
        held = [answer for answer in self.answers if answer.gap([now]).holds]
        found = []
        for name, choice in scenario.choices.items():
            if isinstance(choice, Number) and any(place.rpartition(".")[2] in _SERVERS for place in choice.set) and held:
                found.append(self._fewest_of(name, choice, design[name], held))
        return found

    def _fewest_of(self, name: str, choice: Number, now: Pick, held: Sequence[BreakevenClaim]) -> Fewest:
        picks = sorted((pick for pick in choice.picks() if float(pick) <= float(now)), key=float)

        def failing(pick: Pick) -> str:
            outcome = self._run([DesignPoint({**self.asked.picks, name: pick}, dict(self.asked.figures))])[0]
            return next((answer.words for answer in held if not answer.gap([outcome]).holds), "")

        low, high, below = -1, len(picks) - 1, ""  # the first that fails is at `low`, the last that does at `high`
        while high - low > 1:
            middle = (low + high) // 2
            if why := failing(picks[middle]):
                low, below = middle, why
            else:
                high = middle
        return Fewest(name, choice.label, now, picks[high], below)

    def _at(self, times: float) -> DesignPoint:
        return DesignPoint(dict(self.asked.picks), {**self.asked.figures, TRAFFIC: times})

    def _run(self, points: Sequence[DesignPoint], seed: int | None = None) -> list[DesignOutcome]:
        missing = {repr((point, seed)): point for point in points if repr((point, seed)) not in self._known}
        found = swept(Sweep(self.asked, self._submit, self._kept, list(missing.values()), seed=seed))
        self._known |= dict(zip(missing, found, strict=True))
        return [self._known[repr((point, seed))] for point in points]


@dataclass(frozen=True)
class Nine:
    """The cheapest design of a sweep that reaches a share; place: None where none does."""

    share: float
    place: int | None
    usd: Estimate | None

    @property
    def words(self) -> str:
        """In words: `99%: 21,400 USD`."""
        told = "no design of this sweep reaches it" if self.usd is None else spoken(self.usd.value, "USD")
        return f"{100 * self.share:g}%: {told}"


def by_the_nine(outcomes: Sequence[DesignOutcome], metric: str, cost: str, nines: int = 4) -> list[Nine]:
    """What each further nine of a share costs at least among designs, by their plain values."""
    found = []
    for share in (1 - 10.0**-count for count in range(1, nines + 1)):
        fit = [
            place for place, one in enumerate(outcomes) if (one.value(metric) or 0.0) >= share and one.value(cost) is not None
        ]
        best = min(fit, key=lambda place: outcomes[place].value(cost) or 0.0, default=None)
        found.append(Nine(share, best, None if best is None else outcomes[best].metrics[cost]))
    return found
