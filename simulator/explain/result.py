"""A result: the summary of a run with its meaning, that is the reasons of its verdicts, its bottleneck, limits and challenge.

The challenge says how many objectives are met, and which evidence among what decides them is the weakest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import tee
from typing import Any

from simulator.engine.compiled_plan import Plan, changes_of
from simulator.evidence.catalogue import field_drop_of
from simulator.explain.advice import Advice, AdviceTrials, Move
from simulator.explain.bottleneck import Bottleneck, bottleneck_of, part_in_sentence, part_label, price_is_assumed
from simulator.explain.causes import cause_of
from simulator.explain.claims import Claim, about_run, asked_of, claims_json, figure, on_metric, on_verdict, said
from simulator.explain.design_changes import DesignChange, promising, with_longer_ones, writing
from simulator.explain.notes import labelled_behind, notes_of
from simulator.explain.trust import TrustNote, notes_on, remedy_of, unprovable
from simulator.intervals import Estimate
from simulator.metrics.measures import Measures
from simulator.metrics.replications import looks_of, run_replications
from simulator.metrics.summary import POSITIVES_FOR_99, Standing, Summary, Verdict, summary_of
from simulator.units import roughly, significant, spoken_bound, spoken_within

#: A part of the cost is worth a word from this share on.
LARGE = 0.25

_WORDS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


@dataclass(frozen=True)
class Ground:
    """Evidence that a verdict rests on. weakness: its place among all grounds, the weakest first; source: its author."""

    weakness: int
    claim: Claim
    source: str | None = None

    @property
    def sentence(self) -> str:
        return self.claim.words


@dataclass(frozen=True)
class Challenge:
    """The number of objectives met, and the grounds, the weakest first."""

    claim: Claim
    grounds: list[Ground]
    all_met: bool

    @property
    def met(self) -> str:
        return self.claim.words

    @property
    def sentence(self) -> str:
        weakest = [ground.sentence for ground in self.grounds[:1]]
        return " ".join([self.met, *weakest, "Defend it."]) if self.all_met else self.met


def challenge_of(result: Summary) -> Challenge | None:
    """Return the challenge of a result; None for a case without objectives."""
    if not result.verdicts:
        return None
    if words := result.outside_brief:
        void = tuple(on_verdict(verdict, words=words) for verdict in result.verdicts)
        return Challenge(Claim("objectives", "is", "void", words=words, parts=void), [], all_met=False)
    open_ones = undecidable(result)
    counts = Counter(verdict.standing for verdict in result.verdicts if verdict not in open_ones)
    all_met = counts["met"] == len(result.verdicts)
    words = " ".join([*([_met(counts)] if counts else []), *_apart(open_ones)])
    met = Claim("objectives", "is", counts["met"], population="met", words=words)
    return Challenge(met, sorted(_grounds(result), key=lambda ground: ground.weakness), all_met)


def undecidable(result: Summary) -> list[Verdict]:
    """Return the verdicts that are open and that no design can prove with the evidence of the case: they are scored apart."""
    return [verdict for verdict in result.verdicts if verdict.standing == "not proven" and unprovable(result, verdict)]


def _apart(verdicts: list[Verdict]) -> Iterator[str]:
    """Name the objectives that are scored apart."""
    if verdicts:
        names = ", ".join(f"“{verdict.objective.label}”" for verdict in verdicts)
        yield f"The evidence here cannot decide {names}."


def _met(counts: Counter[Standing]) -> str:
    """`All five met.`, or `Three of five met, one not proven, one not met.`"""
    total, met = counts.total(), counts["met"]
    if met == total:
        return "Met." if total == 1 else f"{'Both' if total == 2 else f'All {_word(total)}'} met."
    if counts["not met"] == total:
        return "Not met." if total == 1 else f"None of {_word(total)} met."
    others: tuple[Standing, ...] = ("not proven", "not met", "no figure")
    rest = [
        f"{_word(counts[other])} {'without a figure' if other == 'no figure' else other}" for other in others if counts[other]
    ]
    first = f"{_word(met).capitalize()} of {_word(total)} met"
    return f"{', '.join([first, *rest])}."


def _word(count: int) -> str:
    return _WORDS[count] if count < len(_WORDS) else str(count)


def _grounds(result: Summary) -> Iterator[Ground]:
    if any(verdict.estimate and verdict.estimate.labels for verdict in result.verdicts):
        yield from _scores(result)
        yield from _readers(result)
        yield from _labelled(result)
    yield from _cost(result)
    yield from _latencies(result)
    yield from _arrivals(result)


def _scores(result: Summary) -> Iterator[Ground]:
    for pool, table in result.plan.tables.items():
        label, about, drop = result.plan.scenario.stages[pool].label, table.about, field_drop_of(table.name)
        if drop is not None:
            bench, field = (_range(interval.sensitivity) for interval in (drop.bench, drop.field))
            vendor = (
                f"{label}: its scores are its vendor's claim, {bench} of the {_positives(result)} on the vendor's own bench"
            )
            words = f"{vendor}; in the field, {drop.what} found {field}."
            yield Ground(0, _rests(f"scores of {label}", "claimed", words), drop.field.source)
        elif about.kind == "assumed":
            words = f"{label}: its scores are assumed, not measured."
            yield Ground(1, _rests(f"scores of {label}", about.kind, words), about.source)
        elif about.kind == "published":
            words = f"{label}: its scores are a published claim that was not checked here."
            yield Ground(2, _rests(f"scores of {label}", about.kind, words), about.source)


def _rests(subject: str, value: str | float, words: str) -> Claim:
    return Claim(subject, "rests on", value, population="evidence", words=words, evidence="table")


def _range(bounds: tuple[float, float]) -> str:
    low, high = (roughly(share) for share in bounds)
    return low if low == high else f"{low.removesuffix('%')} to {high}"


def _readers(result: Summary) -> Iterator[Ground]:
    for stage in result.plan.scenario.stages.values():
        figure = getattr(stage, "sensitivity", None)
        if figure is not None and figure.kind == "assumed":
            words = (
                f"{stage.label}: it is assumed that {roughly(figure.value)} of the {_positives(result)} are recognised there."
            )
            yield Ground(3, _rests(f"sensitivity of {stage.label}", figure.kind, words), figure.source)


def _labelled(result: Summary) -> Iterator[Ground]:
    """Name the objective that rests on the fewest labelled people of the class it is about."""
    table = result.plan.scores
    if table is None or table.about.kind != "measured":
        return
    behind = {
        verdict.objective.label: found[1]
        for verdict in result.verdicts
        if (found := labelled_behind(result.plan, verdict.metric))
    }
    if behind:
        label, people = min(behind.items(), key=lambda one: one[1])
        sentence = f"“{label}” rests on {people:,.0f} labelled {result.plan.scenario.who.many}."
        yield Ground(5 if people < POSITIVES_FOR_99 else 8, _rests(label, people, sentence))


def _cost(result: Summary) -> Iterator[Ground]:
    """Name the largest part of the cost, if an objective asks for the cost and the author assumed the price of that part."""
    if not any(verdict.objective.metric == "cost_per_1000_usd" for verdict in result.verdicts):
        return
    total = sum(max(part.value, 0.0) for part in result.costs.values())
    part = max(result.costs, key=lambda name: result.costs[name].value, default="")
    share = result.costs[part].value / total if total else 0.0
    if share >= LARGE and price_is_assumed(result.plan, part):
        label = part_in_sentence(result.plan.scenario, part)
        words = f"Of the cost, {roughly(share)} is {label}, at a price that is assumed."
        yield Ground(4, _rests(f"price of {label}", "assumed", words))


def _latencies(result: Summary) -> Iterator[Ground]:
    for source in result.provenance:
        if source.what.endswith(": latency") and source.kind != "measured":
            label = source.what.removesuffix(": latency")
            sentence = f"{label}: its latencies are {source.kind}, not measured on the machine that would serve."
            yield Ground(6, _rests(source.what, source.kind, sentence), source.source)


def _arrivals(result: Summary) -> Iterator[Ground]:
    for source in result.provenance:
        if source.what.startswith("arrivals.") and source.kind == "assumed":
            words = f"The number of {result.plan.scenario.unit.many} is assumed."
            yield Ground(7, _rests(source.what, source.kind, words), source.source)
            return


def _positives(result: Summary) -> str:
    who = result.plan.scenario.population
    return who.positives if who else "positives"


@dataclass(frozen=True)
class Reason:
    """The reason why one objective is not met, or not proven: its claims, a sentence or more each.

    exhibit: the name of the exhibit that shows it; stage: the one that decides, None where none does
    written_by: the choices that write to what decides, in the order of the file
    split: the sentence of the parts that a picture may show instead, empty without them
    Choices and advice are worked out on first use: one compiles designs, the other runs some.
    """

    claims: list[Claim]
    exhibit: str
    stage: str | None
    written_by: list[str]
    split: str
    _promising: Callable[[], list[DesignChange]] = field(repr=False, compare=False)
    _longer: Callable[[list[DesignChange]], Iterator[DesignChange]] = field(repr=False, compare=False)
    _advice: Callable[[], Advice] = field(repr=False, compare=False)

    @property
    def sentence(self) -> str:
        return said(self.claims)

    @property
    def largest_parts(self) -> list[tuple[float, str]]:
        """The sizes (%) and words of the parts that `split` says, the largest first."""
        among = [part for claim in self.claims for part in claim.parts if part.relation == "among" and self.split]
        return [(claim.value, claim.words) for claim in among if isinstance(claim.value, float)]

    @cached_property
    def _changes(self) -> list[DesignChange]:
        return self._promising()

    @property
    def choices(self) -> list[str]:
        return list(dict.fromkeys(change.choice for change in self._changes))

    @cached_property
    def advice(self) -> Advice:
        return self._advice()

    @cached_property
    def _steps(self) -> list[Iterator[DesignChange]]:
        return [self._longer(self._changes)]

    def steps(self) -> Iterator[DesignChange]:
        """Return the changes to try for the objective, the most promising first; each is compiled once."""
        self._steps[0], found = tee(self._steps[0])
        return found

    @property
    def known_advice(self) -> list[Claim]:
        """The claims of the advice, once it has been worked out."""
        return self.advice.claims if "advice" in vars(self) else []

    @property
    def move(self) -> Move | None:
        """One change that improves the objective, as a run of it shows; None if none of those tried does."""
        return self.advice.move

    def to_json(self) -> dict[str, Any]:
        content: dict[str, Any] = {"sentence": self.sentence, "exhibit": self.exhibit, "choices": self.choices}
        content |= {"stage": self.stage} if self.stage else {}
        return content | self.advice.to_json()


def reasons_of(summary: Summary, trials: AdviceTrials | None = None) -> dict[int, Reason]:
    """Return the reason of each objective that is not met, by its place; trials: of the steps that help, else tried here."""
    trials, reasons = trials or AdviceTrials(summary), dict[int, Reason]()
    unmet = [place for place, verdict in enumerate(summary.verdicts) if verdict.standing not in ("met", "void")]

    def advice(place: int) -> Advice:
        return trials.advice(place, {other: reason.steps() for other, reason in reasons.items()})

    reasons |= {place: _reason(summary, place, trials, advice) for place in unmet}
    return reasons


def _reason(summary: Summary, place: int, trials: AdviceTrials, advice: Callable[[int], Advice]) -> Reason:
    verdict, plan = summary.verdicts[place], summary.plan
    cause, shown = cause_of(summary, verdict), plan.scenario.shown()
    impossible = unprovable(summary, verdict)
    cannot = [on_metric(verdict.metric, "cannot", "be proven", impossible, evidence="table")] if impossible else []
    return Reason(
        claims=[*cannot, cause.claim(verdict), *_not_proven(summary, verdict, bool(impossible))],
        exhibit=next((name for name in cause.exhibits if name in shown), "outcomes"),
        stage=cause.stage,
        written_by=writing(plan.scenario, cause.levers),
        split=cause.split,
        _promising=lambda: promising(plan, cause.levers, trials.changes),
        _longer=lambda changes: with_longer_ones(plan, cause.levers, changes),
        _advice=lambda: advice(place),
    )


def _not_proven(summary: Summary, verdict: Verdict, impossible: bool) -> Iterator[Claim]:
    if verdict.standing != "not proven":
        return
    remedy = remedy_of(summary, verdict)
    because = f", mostly because {remedy.why}" if remedy.why and not impossible else ""
    bound = spoken_bound(verdict.bound, verdict.metric.unit)
    sentence = f"It is not proven: the interval of {verdict.interval} includes {bound}{because}."
    words = sentence if impossible else f"{sentence} {remedy.sentence}"
    yield on_verdict(verdict, remedy, words, (figure(verdict.metric, verdict.estimate, sentence), asked_of(verdict, sentence)))


@dataclass(frozen=True)
class Result(Summary):
    """A summary with its meaning; each part is worked out on first use."""

    @cached_property
    def reasons(self) -> dict[int, Reason]:
        return reasons_of(self)

    @cached_property
    def bottleneck(self) -> Bottleneck | None:
        """The stage that holds requests up or turns them away, and why; None where nothing is overloaded, late or lost."""
        return bottleneck_of(self)

    @cached_property
    def notes(self) -> list[Claim]:
        return notes_of(self)

    @property
    def warnings(self) -> list[str]:
        return [note.words for note in self.notes]

    @cached_property
    def trust(self) -> list[TrustNote]:
        return notes_on(self)

    @property
    def shown_reasons(self) -> dict[int, str]:
        """The sentences of each reason; a cause that an earlier objective has too is pointed to, and not said again."""
        first = dict[str, str]()
        return {place: self._said_once(self.verdicts[place], reason, first) for place, reason in self.reasons.items()}

    def _said_once(self, verdict: Verdict, reason: Reason, first: dict[str, str]) -> str:
        label, sentences = verdict.objective.label, list[str]()
        for claim in reason.claims:
            other = first.setdefault(claim.words, label)
            known = claim.relation == "causes" and other != label
            sentences.append(same_cause(other) if known else claim.words)
        return " ".join(sentences)

    @property
    def claims(self) -> list[Claim]:
        """Everything that is said about the run; advice for an objective, once it has been worked out."""
        bottleneck, challenge = self.bottleneck, challenge_of(self)
        claims = [
            *figure_claims(self),
            *(verdict_claim(self, verdict) for verdict in self.verdicts),
            *([challenge.claim, *(ground.claim for ground in challenge.grounds)] if challenge else []),
            *(claim for reason in self.reasons.values() for claim in (*reason.claims, *reason.known_advice)),
            *([bottleneck.claim] if bottleneck else []),
            *self.notes,
            *(note.claim for note in self.trust),
        ]
        return about_run(claims, self.run_hash, self.plan.scenario_hash)

    def to_json(self) -> dict[str, Any]:
        """Return the object that `casesim run --json` prints, without what this run does not have."""
        bottleneck = {"bottleneck": self.bottleneck.to_json()} if self.bottleneck else {}
        changes = [{"at_s": at_s, "picks": picks} for at_s, picks in changes_of(self.plan)]
        warm_up = {"warm_up": self.warm_up.to_json()} if self.warm_up else {}
        return {
            "scenario": self.plan.scenario.id,
            "scenario_hash": self.plan.scenario_hash,
            "design": self.plan.design,
            **({"strikes": self.plan.strikes} if self.plan.strikes else {}),
            **({"changes": changes} if changes else {}),
            "seed": self.seed,
            "replications": self.replications,
            **({"planned_replications": self.planned} if self.planned > self.replications else {}),
            "run_hash": self.run_hash,
            "requests": self.requests,
            "metrics": {name: self._metric_json(name, estimate) for name, estimate in self.metrics.items()},
            **({"void": True} if self.outside_brief else {}),
            "objectives": [verdict.to_json() for verdict in self.verdicts],
            "provenance": [vars(source) for source in self.provenance],
            "warnings": self.warnings,
            **({"mlperf": self.mlperf.to_json()} if self.mlperf else {}),
            **warm_up,
            **({"reasons": self._reasons()} if self.reasons else {}),
            **bottleneck,
            "trust": [note.to_json() for note in self.trust],
            **({"thresholds": [threshold.to_json() for threshold in self.thresholds]} if self.thresholds else {}),
            "claims": claims_json(self.claims),
        }

    def _reasons(self) -> list[dict[str, Any]]:
        return [{"metric": self.verdicts[place].objective.metric} | reason.to_json() for place, reason in self.reasons.items()]

    def _metric_json(self, name: str, estimate: Estimate) -> dict[str, Any]:
        whole = {"value": estimate.value, "low": estimate.low, "high": estimate.high, "unit": self.metric(name).unit}
        parts = estimate.doubts | ({"one_run": self.one_runs[name]} if name in self.one_runs else {})
        return whole | {name: {"low": part.low, "high": part.high} for name, part in parts.items()}


def same_cause(label: str) -> str:
    """Point to the objective whose card says the cause that two objectives share."""
    return f"It has the same cause as “{label}”, which is explained there."


def result_of(plan: Plan, seed: int, measures: Sequence[Measures], planned: int = 0) -> Result:
    return Result(**vars(summary_of(plan, seed, measures, planned)))


def figure_claims(summary: Summary) -> Iterator[Claim]:
    """Claim each figure of a run, or why there is none, the parts of its cost, and the ends of its requests."""
    scenario = summary.plan.scenario
    for name, found in summary.metrics.items():
        metric = summary.metric(name)
        words = "{} ({})".format(*spoken_within(found.value, found.low, found.high, metric.unit))
        yield figure(metric, found, f"{metric.label}; {words}.")
    for name, why in summary.missing.items():
        yield figure(summary.metric(name), None, f"{summary.metric(name).label}; {why}.")
    for part, cost in summary.costs.items():
        size, _ = spoken_within(cost.value, cost.low, cost.high, "USD")
        words = f"{part_label(scenario, part)}: {size} of the cost."
        yield Claim("cost_per_1000_usd", "part of", cost.value, (cost.low, cost.high), "USD", words=words)
    for end, rows in summary.flows.groupby("end"):
        count, label = float(rows["count"].sum()), scenario.ends[str(end)].label if end in scenario.ends else "unfinished"
        yield Claim("requests", "part of", count, words=f"{label}: {significant(count)} in an average run.")
    each = summary.requests / summary.replications
    yield Claim("requests", "is", each, words=f"{scenario.unit.counted(round(each))} in an average run.")


def verdict_claim(summary: Summary, verdict: Verdict) -> Claim:
    """Claim a verdict with its figure and its bound, and what would decide it where it is open."""
    decider = remedy_of(summary, verdict) if verdict.standing == "not proven" else None
    reached = figure(verdict.metric, verdict.estimate, f"{verdict.objective.label}; {verdict.with_interval}.")
    return on_verdict(verdict, decider, parts=(reached, asked_of(verdict)))


def settled(found: Result, planned: int) -> Result | None:
    """Return the result of a run that may end with these replications, the first of those planned; None if it may not.

    Its intervals are wider than those found: they hold although the run was looked at before its end.
    """
    if found.replications == planned or found.replications not in looks_of(planned) or not found.settles(planned):
        return None
    early = result_of(found.plan, found.seed, found.measures, planned)
    return early if early.settles(planned) else None


def replicate(plan: Plan, seed: int, replications: int | None = None) -> Result:
    return result_of(plan, seed, run_replications(plan, seed, replications))
