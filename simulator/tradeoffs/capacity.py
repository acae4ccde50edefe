"""Capacity of a design: the highest rate within its objectives, the fewest servers for it, its cost against the load."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from simulator.case.choices import Choice, Number, Pick
from simulator.case.designs import TRAFFIC
from simulator.explain.claims import Claim, about_run, claims_json, figure, on_metric
from simulator.intervals import Estimate
from simulator.metrics.summary import NO_FIGURE, Standing
from simulator.phrases import Slot, phrase
from simulator.processes import over_threads
from simulator.sweeps.design_space import DesignPoint
from simulator.sweeps.outcome_cache import DesignOutcome, OutcomeCache
from simulator.sweeps.sweep import ReportProgress, Submit, Sweep, SweepRequest, once, silent, swept
from simulator.tradeoffs.breakeven import TOLERANCE, Crossing, crossing
from simulator.tradeoffs.breakeven_claims import Answer, BreakevenClaim
from simulator.units import spoken_within

#: The least and the most traffic that is tried, in times of the case's own. Each doubling takes as long as all before it.
RANGE = 1 / 16, 8.0

#: The loads whose cost is reported, in parts of the capacity.
LOADS = 0.25, 0.5, 0.75, 0.9, 1.0, 1.1, 1.25

#: The fields that hold the number of servers of a stage.
_SERVERS = ("replicas", "people")


def capacity_work(request: SweepRequest, claims: Sequence[BreakevenClaim]) -> tuple[int, float]:
    """Return about how many designs a study of the capacity runs, and the work of one in runs of the design at hand."""
    servers = sum(_is_servers(choice) for choice in request.scenario.choices.values())
    return 15 + 8 * len(claims) + 3 * servers, 1.5


def _is_servers(choice: Choice) -> bool:
    return isinstance(choice, Number) and any(place.rpartition(".")[2] in _SERVERS for place in choice.set)


@dataclass(frozen=True)
class CapacityLimit:
    """The range of traffic within which an objective is met.

    lower, upper: where it turns, in times of the case's traffic; None where runs show no turn within the range
    met: the least and the most traffic at which a run shows that it is met; open: whether runs leave it undecided beyond that
    failing: the least and the most traffic below `met` at which a run shows that it is not met; None for none
    """

    claim: BreakevenClaim
    lower: Crossing | None
    upper: Crossing | None
    met: tuple[float, float] = RANGE
    open: bool = False
    failing: tuple[float, float] | None = None

    @property
    def least(self) -> float:
        return 0.0 if self.lower is None else self.lower.at

    @property
    def most(self) -> float:
        return inf if self.upper is None else self.upper.at

    @property
    def open_claim(self) -> Claim:
        """Claim up to what traffic the objective is met, where runs leave it undecided beyond that."""
        words = phrase("capacity.open", claim=self.claim.words, most=self.met[1])
        return self.limit(self.met[1], words, "traffic, known to be met")

    @property
    def failing_claim(self) -> Claim | None:
        """Claim that too little traffic fails the objective, where runs do not show the place of the turn."""
        if self.failing is None or self.lower is not None:
            return None
        failing = list(dict.fromkeys(f"{times:.3g}" for times in self.failing))
        words = phrase("capacity.failing", claim=self.claim.words, failing=failing, least=self.met[0])
        return self.limit(self.failing[1], words, "traffic, known to be too little")

    def limit(self, times: float, words: str, population: str, where: Crossing | None = None, *parts: Claim) -> Claim:
        """Claim the traffic that limits the objective, in times of the case's own."""
        bounds = (where.low, where.high) if where else None
        more = {"interval": bounds, "unit": "times", "population": population, "parts": parts}
        return on_metric(self.claim.metric, "limits", times, words, **more)

    def to_json(self) -> dict[str, Any]:
        sides = {"from": self.lower, "to": self.upper}
        turns = {name: {"times": side.at} | _bounds(side) for name, side in sides.items() if side}
        return {"metric": self.claim.metric.name, "answer": self.claim.words, **turns}


@dataclass(frozen=True)
class UnmetObjective:
    """An objective that no run, or one alone by chance, shows to be met; answers: by the traffic, in times of the case's."""

    claim: BreakevenClaim
    answers: Mapping[float, Answer]

    @property
    def fails(self) -> bool:
        """True if runs show at any traffic that the objective is not met."""
        return all(answer.fails for answer in self.answers.values())

    def to_json(self) -> dict[str, str]:
        return {"metric": self.claim.metric.name, "answer": self.claim.words}

    @property
    def statement(self) -> Claim:
        """Claim the verdict at the traffic of the case, beside those at the other loads."""
        standings = [answer.standing for answer in self.answers.values()]
        slots: dict[str, Slot] = {"met": standings.count("met"), "loads": len(standings), "says": self.answers[1.0].says}
        key = "capacity.never" if set(standings) == {"not met"} else "capacity.unmet"
        words = phrase(key, claim=self.claim.words, **slots)
        return on_metric(self.claim.metric, "verdict", self.answers[1.0].standing, words)


@dataclass(frozen=True)
class LeastServers:
    """The fewest servers of a stage with which every objective that is met now is still met.

    below: the fault of the next pick down, in words; empty if there is none
    """

    choice: str
    label: str
    now: Pick
    pick: Pick
    below: str

    @property
    def claim(self) -> Claim:
        """Claim the fewest: `Replicas: 2 keep every objective that is met, and this design has 3; ...`."""
        pick, now = (f"{pick:g}" if isinstance(pick, int | float) else str(pick) for pick in (self.pick, self.now))
        slots: dict[str, Slot] = {"one": pick == "1", "same": pick == now, "below": self.below}
        words = phrase("capacity.fewest", label=self.label, pick=pick, now=now, **slots)
        return Claim(f"fewest {self.choice}", "is", self.pick, words=words)


#: The verdicts that say that an objective is not known to be met, each a column of the table of loads.
UNMET: tuple[Standing, ...] = ("not met", "not proven", "no figure")


@dataclass(frozen=True)
class LoadPoint:
    """The outcome of a design at some traffic, in times of the case's own."""

    times: float
    outcome: DesignOutcome

    def shortfalls(self, claims: Sequence[BreakevenClaim], names: Sequence[str] = ()) -> tuple[str, ...]:
        """Name the objectives of each verdict of UNMET, those without a figure with the reason. names: other than the words"""
        by_claim = [(f"{name}{self.why_none(claim)}", claim.verdict(self.outcome).standing)
                    for claim, name in zip(claims, names or [claim.words for claim in claims], strict=True)]  # fmt: skip
        words = {outcome: [name for name, standing in by_claim if standing == outcome] for outcome in UNMET}
        return tuple("; ".join(words[outcome]) for outcome in UNMET)

    def why_none(self, claim: BreakevenClaim) -> str:
        """Return why the run has no figure for an objective, as the end of its words; empty where it has one."""
        why = self.outcome.missing_reasons.get(claim.metric.name, "")
        return "" if why in ("", NO_FIGURE) else f" ({why})"

    def without_figure(self, claim: BreakevenClaim) -> Claim:
        """Claim that the run has no figure for an objective, and why: `... has no figure at 0.0625 times ...`."""
        words = phrase("capacity.no_figure", claim=claim.words, times=self.times, why=self.why_none(claim))
        return figure(claim.metric, None, words, run=self.outcome.run_hash)


@dataclass(frozen=True)
class Capacity:
    """The capacity of a design.

    objectives: every one, as a statement that may turn; limits: of each that is met at some traffic; unmet: the others
    growing: stages whose queues grow without end at the traffic of the case
    rate: requests that the case brings, per second on average
    """

    request: SweepRequest
    objectives: Sequence[BreakevenClaim]
    limits: Sequence[CapacityLimit]
    unmet: Sequence[UnmetObjective]
    rate: float
    least_servers: Sequence[LeastServers]
    loads: Sequence[LoadPoint]
    growing: Sequence[str] = ()

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
        return [claim.words for claim in self.claims]

    @property
    def claims(self) -> list[Claim]:
        """The capacity: the first objective that is not met as traffic grows, and those not met below."""
        first, least = self.binding, self.least
        claims = [self._most(first, first.upper) if first and first.upper else self._unlimited]
        if least and least.lower:
            claims.append(self._needs(least, least.lower))
        claims += [limit.open_claim for limit in self.limits if limit.open]
        claims += [claim for limit in self.limits if (claim := limit.failing_claim)]
        claims += [objective.statement for objective in self.unmet]
        claims += self._without_figure
        if self.growing:
            words = phrase("capacity.grows_now", growing=phrase("capacity.growing", stage=self.growing[0]))
            claims.append(Claim(f"queue of {self.growing[0]}", "is", "growing", words=words))
        now = next(load.outcome for load in self.loads if load.times == 1)
        return about_run(claims, now.run_hash, self.request.scenario_hash)

    @property
    def _without_figure(self) -> list[Claim]:
        """Claim why an objective has no figure at the least traffic, so that nothing is known of too little traffic."""
        least = min(self.loads, key=lambda load: load.times)
        return [
            least.without_figure(claim) for claim in self.objectives if claim.verdict(least.outcome).standing == "no figure"
        ]

    @property
    def _unlimited(self) -> Claim:
        most, key = None, "capacity.unlimited" if self.limits else "capacity.unknown"
        if self.limits and not any(limit.open for limit in self.limits):
            most, key = max(load.times for load in self.loads), "capacity.stays_met"
        words = phrase(key, most=most)
        return Claim("capacity", "limits", most, unit="times", population="traffic, known to be met", words=words)

    def _most(self, limit: CapacityLimit, where: Crossing) -> Claim:
        unsure = where.low <= 1 <= where.high
        room = phrase("capacity.room", unsure=unsure, more=where.at > 1, share=abs(where.at - 1))
        words = phrase("capacity.most", claim=limit.claim.words, at=self._times(where), room=room)
        sure = [on_metric(limit.claim.metric, "rules out", "met", words)] if where.high < 1 else []
        sure += [on_metric(limit.claim.metric, "verdict", "met", words)] if where.low > 1 and limit.lower is None else []
        return limit.limit(where.at, words, "traffic, at most", where, *sure)

    def _needs(self, limit: CapacityLimit, where: Crossing) -> Claim:
        words = phrase("capacity.needs", claim=limit.claim.words, at=self._times(where))
        sure = [on_metric(limit.claim.metric, "rules out", "met", words)] if where.low > 1 else []
        return limit.limit(where.at, words, "traffic, at least", where, *sure)

    def _times(self, where: Crossing) -> str:
        bounds = [f"{bound:.3g}" if abs(bound) < inf else "unknown" for bound in (where.low, where.high)]
        per_day, many = where.at * self.rate * 86_400, self.request.scenario.unit.many
        return phrase("capacity.times", times=where.at, bounds=bounds, per_day=per_day, many=many)

    def to_json(self) -> dict[str, Any]:
        return {
            "rate_per_s": self.rate,
            "limits": [limit.to_json() for limit in self.limits],
            "never": [objective.to_json() for objective in self.unmet if objective.fails],
            "undecided": [objective.to_json() for objective in self.unmet if not objective.fails],
            "growing": list(self.growing),
            "fewest": [
                {"choice": least.choice, "now": least.now, "fewest": least.pick, "fails_below": least.below}
                for least in self.least_servers
            ],
            "loads": [
                {
                    "times": load.times,
                    "verdicts": {claim.metric.name: claim.verdict(load.outcome).standing for claim in self.objectives},
                    "metrics": {name: estimate.to_json() for name, estimate in load.outcome.metrics.items()},
                }
                for load in self.loads
            ],
            "sentences": self.sentences,
            "claims": claims_json([*self.claims, *(least.claim for least in self.least_servers)]),
        }


def _bounds(turn: Crossing) -> dict[str, float]:
    return {name: bound for name, bound in (("low", turn.low), ("high", turn.high)) if abs(bound) < inf}


class Loading:
    """Trials of a design at other traffic, and with other numbers of servers."""

    def __init__(
        self, request: SweepRequest, claims: Sequence[BreakevenClaim], submit: Submit, cache: OutcomeCache | None = None
    ) -> None:
        self.request, self.claims = request, claims
        self._submit, self._cache = once(submit), cache
        self._known: dict[str, DesignOutcome] = {}

    def find(self, report: ReportProgress = silent) -> Capacity:
        """Find the capacity of the design; raises InputError for one outside of the brief."""
        self.request.check_brief()
        report("doubling and halving the traffic", 0, 0)
        base = self._run([self.request.base])[0]
        steps, by_claim = self._steps(), list[CapacityLimit | None]()
        what = "looking for the traffic that fails each objective"
        report(what, 0, len(self.claims))
        for limit in over_threads(lambda claim: self._limit(claim, steps), self.claims, len(self.claims) or 1):
            by_claim.append(limit)
            report(what, len(by_claim), len(self.claims))
        limits = [limit for limit in by_claim if limit is not None]
        most = min((limit.most for limit in limits), default=inf)
        times = sorted({*steps, *(part * most for part in LOADS if most < inf)})
        report("running the load up to the capacity and beyond", 0, 0)
        loads = [LoadPoint(at, outcome) for at, outcome in zip(times, self._run([self._at(at) for at in times]), strict=True)]
        unmet = [
            UnmetObjective(claim, {at: self._answer(claim, at) for at in times})
            for claim, limit in zip(self.claims, by_claim, strict=True)
            if limit is None
        ]
        report("looking for the fewest servers", 0, 0)
        rate = base.requests / base.replications / self.request.plan(self.request.base).arrivals_end_s
        servers = [] if base.growing else self._fewest(base)
        return Capacity(self.request, self.claims, limits, unmet, rate, servers, loads, base.growing)

    def _steps(self) -> list[float]:
        """Return traffic in doublings: up until a run shows that an objective fails that was met, down until all are met.

        No further up: what is overloaded runs long, and the first objective to fail says how much is carried.
        """
        steps = [1.0]
        while steps[-1] < RANGE[1] and any(self._met(steps[0])) and not self._lost(steps):
            steps.append(2 * steps[-1])
        while steps[0] > RANGE[0] and not all(self._met(steps[0])):
            steps.insert(0, steps[0] / 2)
        return steps

    def _met(self, times: float) -> list[bool]:
        return [_is_met(self._answer(claim, times)) for claim in self.claims]

    def _lost(self, steps: Sequence[float]) -> bool:
        return any(
            self._answer(claim, steps[-1]).fails and any(_is_met(self._answer(claim, times)) for times in steps[:-1])
            for claim in self.claims
        )

    def _limit(self, claim: BreakevenClaim, steps: Sequence[float]) -> CapacityLimit | None:
        """Find the traffic between which runs show that an objective is met; None where no step shows it.

        A turn that no run resolves on both its sides is none: plain values turn by chance. Of many steps one alone may show by
        chance that an objective is met.
        """
        answers = [self._answer(claim, times) for times in steps]
        met = [place for place, answer in enumerate(answers) if _is_met(answer)]
        by_chance = len(met) == 1 < len(answers) - 1 and not any(answer.fails for answer in answers)
        if not met or by_chance:
            return None
        first, last = met[0], met[-1]
        below = next((place for place in range(first - 1, -1, -1) if not answers[place].holds), None)
        above = next((place for place in range(last + 1, len(steps)) if not answers[place].holds), None)
        lower = None if below is None else self._resolved(claim, steps[below], steps[first])
        upper = None if above is None else self._resolved(claim, steps[last], steps[above])
        undecided = upper is None and last + 1 < len(steps)
        fails = [times for times, answer in zip(steps[:first], answers, strict=False) if answer.fails]
        failing = (fails[0], fails[-1]) if fails else None
        return CapacityLimit(claim, lower, upper, (steps[first], steps[last]), undecided, failing)

    def _resolved(self, claim: BreakevenClaim, low: float, high: float) -> Crossing | None:
        turn = self._crossing(claim, low, high)
        return turn if turn is not None and turn.is_bounded else None

    def _answer(self, claim: BreakevenClaim, times: float, seed: int | None = None) -> Answer:
        return claim.answer(self._run([self._at(times)], seed))

    def _crossing(self, claim: BreakevenClaim, low: float, high: float) -> Crossing | None:
        width = TOLERANCE * (high - low)
        low, high = self._sure(claim, low, 0.5), self._sure(claim, high, 2.0)
        again = lambda times: self._answer(claim, times, self.request.other_seed)  # noqa: E731
        return crossing(lambda times: self._answer(claim, times), again, low, high, width / (high - low))

    def _sure(self, claim: BreakevenClaim, times: float, step: float) -> float:
        now = self._answer(claim, times)
        while not self._answer(claim, times).sure and RANGE[0] <= times * step <= RANGE[1]:
            if self._answer(claim, times * step).holds != now.holds:
                break
            times *= step
        return times

    def _fewest(self, now: DesignOutcome) -> list[LeastServers]:
        scenario, design = self.request.scenario, self.request.scenario.defaults() | dict(self.request.picks)
        held = [claim for claim in self.claims if _is_met(claim.answer([now]))]
        return [
            self._fewest_of(name, choice, design[name], held)
            for name, choice in scenario.choices.items()
            if isinstance(choice, Number) and _is_servers(choice) and held
        ]

    def _fewest_of(self, name: str, choice: Number, now: Pick, held: Sequence[BreakevenClaim]) -> LeastServers:
        picks = sorted((pick for pick in choice.picks() if float(pick) <= float(now)), key=float)

        def failing(pick: Pick) -> str:
            outcome = self._run([DesignPoint({**self.request.picks, name: pick}, dict(self.request.figures))])[0]
            if outcome.growing:
                return phrase("capacity.growing", stage=outcome.growing[0])
            answers = ((claim, claim.answer([outcome])) for claim in held)
            return next((f"“{claim.words}” {answer.says}" for claim, answer in answers if not _is_met(answer)), "")

        low, high, below = -1, len(picks) - 1, ""  # the first that fails is at `low`, the last that does at `high`
        while high - low > 1:
            middle = (low + high) // 2
            if why := failing(picks[middle]):
                low, below = middle, why
            else:
                high = middle
        return LeastServers(name, choice.label, now, picks[high], below)

    def _at(self, times: float) -> DesignPoint:
        figures = {place: figure for place, figure in self.request.figures.items() if place != TRAFFIC}
        return DesignPoint(dict(self.request.picks), figures if times == 1 else {**figures, TRAFFIC: times})

    def _run(self, points: Sequence[DesignPoint], seed: int | None = None) -> list[DesignOutcome]:
        missing = {repr((point, seed)): point for point in points if repr((point, seed)) not in self._known}
        outcomes = swept(Sweep(self.request, self._submit, self._cache, list(missing.values()), seed=seed))
        self._known |= dict(zip(missing, outcomes, strict=True))
        return [self._known[repr((point, seed))] for point in points]


def _is_met(answer: Answer) -> bool:
    return answer.standing == "met"


@dataclass(frozen=True)
class Nine:
    """The cheapest design of a sweep that reaches a share; place: None where none does."""

    share: float
    place: int | None
    usd: Estimate | None

    @property
    def words(self) -> str:
        """The cost in words: `21,400 USD for 99% or more`."""
        share = f"{100 * self.share:g}%"
        if self.usd is None:
            return f"none reaches {share}"
        return f"{spoken_within(self.usd.value, self.usd.low, self.usd.high, 'USD')[0]} for {share} or more"


def by_the_nine(
    outcomes: Sequence[DesignOutcome], metric: str, cost: str, asked: Sequence[float] = (), nines: int = 4
) -> list[Nine]:
    """Return the least cost of each further nine of a share among designs, by their plain values, up to the first out of reach.

    asked: shares that objectives ask for, which stand among the nines
    """
    nines_ = []
    for share in sorted({*asked, *(1 - 10.0**-count for count in range(1, nines + 1))}):
        fit = [
            place
            for place, outcome in enumerate(outcomes)
            if (outcome.value(metric) or 0.0) >= share and outcome.value(cost) is not None
        ]
        best = min(fit, key=lambda place: outcomes[place].value(cost) or 0.0, default=None)
        nines_.append(Nine(share, best, None if best is None else outcomes[best].metrics[cost]))
        if best is None:
            break
    return nines_
