"""A result: the summary of a run with its meaning, that is the reasons of its verdicts, its bottleneck, limits and challenge.

The challenge says how many objectives are met, and which evidence among what decides them is the weakest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import tee
from operator import itemgetter
from typing import Any

from simulator.engine.compiled_plan import Plan, changes_of
from simulator.evidence.catalogue import field_drop_of
from simulator.explain.advice import Advice, AdviceTrials
from simulator.explain.bottleneck import Bottleneck, bottleneck_of, part_in_sentence, part_label, price_is_assumed
from simulator.explain.causes import cause_of
from simulator.explain.claims import Claim, about_run, asked_of, claims_json, figure, on_metric, on_verdict, said
from simulator.explain.design_changes import DesignChange, ObjectiveCause, promising, with_longer_ones, writing
from simulator.explain.notes import TrustNote, notes_of, remedy_of, trust_notes, unprovable
from simulator.intervals import Estimate
from simulator.metrics.label_uncertainty import labelled_behind
from simulator.metrics.measures import Measures
from simulator.metrics.replications import looks_of, run_replications
from simulator.metrics.summary import POSITIVES_FOR_99, Standing, Summary, Verdict, summary_of
from simulator.phrases import phrase
from simulator.units import roughly, spelled, spoken_bound, spoken_within, upper_first

#: A part of the cost is worth a word from this share on.
LARGE = 0.25


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
    names = ", ".join(f"“{verdict.objective.label}”" for verdict in open_ones)
    apart = phrase("challenge.undecidable", names=names) if open_ones else ""
    words = phrase("sentences.all", each=[words for words in (_met(counts) if counts else "", apart) if words])
    met = Claim("objectives", "is", counts["met"], population="met", words=words)
    return Challenge(met, sorted(_grounds(result), key=lambda ground: ground.weakness), all_met)


def undecidable(result: Summary) -> list[Verdict]:
    """Return the verdicts that are open and that no design can prove with the evidence of the case: they are scored apart."""
    return [verdict for verdict in result.verdicts if verdict.standing == "not proven" and unprovable(result, verdict)]


def _met(counts: Counter[Standing]) -> str:
    """`All five met.`, or `Three of five met, one not proven, one not met.`"""
    total, met = counts.total(), counts["met"]
    if total in (met, counts["not met"]):
        return phrase("challenge.all" if met else "challenge.none", alone=total == 1, both=total == 2, total=total)
    others = {"open": counts["not proven"], "missed": counts["not met"], "without": counts["no figure"]}
    return phrase("challenge.some", met=upper_first(spelled(met)), total=total, **others)


def _grounds(result: Summary) -> Iterator[Ground]:
    if any(verdict.estimate and verdict.estimate.labels for verdict in result.verdicts):
        yield from _scores(result)
        yield from _readers(result)
        yield from _labelled(result)
    yield from _cost(result)
    yield from _latencies_and_arrivals(result)


def _ground(weakness: int, subject: str, value: str | float, words: str, source: str | None = None) -> Ground:
    return Ground(weakness, Claim(subject, "rests on", value, population="evidence", words=words, evidence="table"), source)


def _scores(result: Summary) -> Iterator[Ground]:
    for pool, table in result.plan.tables.items():
        label, about, drop = result.plan.scenario.stages[pool].label, table.about, field_drop_of(table.name)
        subject = f"scores of {label}"
        if drop is not None:
            bench, field = (_range(interval.sensitivity) for interval in (drop.bench, drop.field))
            slots = {"label": label, "bench": bench, "field": field, "positives": _positives(result), "study": drop.what}
            yield _ground(0, subject, "claimed", phrase("challenge.claimed_scores", **slots), drop.field.source)
        elif about.kind == "assumed":
            yield _ground(1, subject, about.kind, phrase("challenge.assumed_scores", label=label), about.source)
        elif about.kind == "published":
            yield _ground(2, subject, about.kind, phrase("challenge.published_scores", label=label), about.source)


def _range(bounds: tuple[float, float]) -> str:
    low, high = (roughly(share) for share in bounds)
    return low if low == high else f"{low.removesuffix('%')} to {high}"


def _readers(result: Summary) -> Iterator[Ground]:
    for stage in result.plan.scenario.stages.values():
        figure = getattr(stage, "sensitivity", None)
        if figure is not None and figure.kind == "assumed":
            words = phrase("challenge.reader", label=stage.label, share=figure.value, positives=_positives(result))
            yield _ground(3, f"sensitivity of {stage.label}", figure.kind, words, figure.source)


def _positives(result: Summary) -> str:
    who = result.plan.scenario.population
    return who.positives if who else "positives"


def _labelled(result: Summary) -> Iterator[Ground]:
    """Name the objective that rests on the fewest labelled people of the class it is about."""
    table = result.plan.scores
    if table is None or table.about.kind != "measured":
        return
    pairs = [(verdict.objective.label, labelled_behind(result.plan, verdict.metric)) for verdict in result.verdicts]
    if behind := [(label, labelled[1]) for label, labelled in pairs if labelled]:
        label, people = min(behind, key=itemgetter(1))
        words = phrase("challenge.labelled", label=label, count=people, many=result.plan.scenario.who.many)
        yield _ground(5 if people < POSITIVES_FOR_99 else 8, label, people, words)


def _cost(result: Summary) -> Iterator[Ground]:
    """Name the largest part of the cost, if an objective asks for the cost and the author assumed the price of that part."""
    if not any(verdict.objective.metric == "cost_per_1000_usd" for verdict in result.verdicts):
        return
    total = sum(max(part.value, 0.0) for part in result.costs.values())
    part = max(result.costs, key=lambda name: result.costs[name].value, default="")
    share = result.costs[part].value / total if total else 0.0
    if share >= LARGE and price_is_assumed(result.plan, part):
        label = part_in_sentence(result.plan.scenario, part)
        words = phrase("challenge.price", share=share, label=label)
        yield _ground(4, f"price of {label}", "assumed", words)


def _latencies_and_arrivals(result: Summary) -> Iterator[Ground]:
    for source in result.provenance:
        if source.what.endswith(": latency") and source.kind != "measured":
            words = phrase("challenge.latencies", label=source.what.removesuffix(": latency"), kind=source.kind)
            yield _ground(6, source.what, source.kind, words, source.source)
    arrivals = [source for source in result.provenance if source.what.startswith("arrivals.") and source.kind == "assumed"]
    for source in arrivals[:1]:
        words = phrase("challenge.arrivals", many=result.plan.scenario.unit.many)
        yield _ground(7, source.what, source.kind, words, source.source)


@dataclass(frozen=True)
class Reason:
    """The reason why one objective is not met, or not proven: its claims, a sentence or more each.

    cause: the part of the run that decides; place: of the objective
    Choices and advice are worked out on first use: one compiles designs, the other runs some.
    """

    claims: list[Claim]
    cause: ObjectiveCause
    place: int
    _trials: AdviceTrials = field(repr=False, compare=False)
    _others: Mapping[int, Reason] = field(repr=False, compare=False)

    @property
    def _plan(self) -> Plan:
        return self._trials.summary.plan

    @property
    def exhibit(self) -> str:
        """The name of the exhibit that shows it."""
        shown = self._plan.scenario.shown()
        return next((name for name in self.cause.exhibits if name in shown), "outcomes")

    @property
    def stage(self) -> str | None:
        """The stage that decides; None where none does."""
        return self.cause.stage

    @property
    def written_by(self) -> list[str]:
        """The choices that write to what decides, in the order of the file."""
        return writing(self._plan.scenario, self.cause.levers)

    @property
    def split(self) -> str:
        """The sentence of the parts that a picture may show instead, empty without them."""
        return self.cause.split

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
        return promising(self._plan, self.cause.levers, self._trials.changes)

    @property
    def choices(self) -> list[str]:
        return list(dict.fromkeys(change.choice for change in self._changes))

    @cached_property
    def advice(self) -> Advice:
        return self._trials.advice(self.place, {place: other.steps() for place, other in self._others.items()})

    @cached_property
    def _steps(self) -> list[Iterator[DesignChange]]:
        return [with_longer_ones(self._plan, self.cause.levers, self._changes)]

    def steps(self) -> Iterator[DesignChange]:
        """Return the changes to try for the objective, the most promising first; each is compiled once."""
        self._steps[0], steps = tee(self._steps[0])
        return steps

    @property
    def known_advice(self) -> list[Claim]:
        """The claims of the advice, once it has been worked out."""
        return self.advice.claims if "advice" in vars(self) else []

    def to_json(self) -> dict[str, Any]:
        content: dict[str, Any] = {"sentence": self.sentence, "exhibit": self.exhibit, "choices": self.choices}
        content |= {"stage": self.stage} if self.stage else {}
        return content | self.advice.to_json()


def reasons_of(summary: Summary, trials: AdviceTrials | None = None) -> dict[int, Reason]:
    """Return the reason of each objective that is not met, by its place; trials: of the steps that help, else tried here."""
    trials, reasons = trials or AdviceTrials(summary), dict[int, Reason]()
    for place, verdict in enumerate(summary.verdicts):
        if verdict.standing not in ("met", "void"):
            cause, impossible = cause_of(summary, verdict), unprovable(summary, verdict)
            cannot = [on_metric(verdict.metric, "cannot", "be proven", impossible, evidence="table")] if impossible else []
            claims = [*cannot, cause.claim(verdict), *_not_proven(summary, verdict, bool(impossible))]
            reasons[place] = Reason(claims, cause, place, trials, reasons)
    return reasons


def _not_proven(summary: Summary, verdict: Verdict, impossible: bool) -> Iterator[Claim]:
    if verdict.standing != "not proven":
        return
    remedy = remedy_of(summary, verdict)
    bound, why = spoken_bound(verdict.bound, verdict.metric.unit), "" if impossible else remedy.why
    sentence = phrase("reasons.not_proven", interval=verdict.interval, bound=bound, why=why)
    words = sentence if impossible else phrase("reasons.decided_by", open=sentence, remedy=remedy.sentence)
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
        return trust_notes(self)

    @property
    def shown_reasons(self) -> dict[int, str]:
        """The sentences of each reason; a cause of an earlier objective is pointed to, and no sentence is said twice."""
        first, shown, before = dict[str, str](), dict[int, str](), list[str]()
        for place, reason in self.reasons.items():
            label = self.verdicts[place].objective.label
            sentences = []
            for claim in reason.claims:
                other = first.setdefault(claim.words, label)
                is_repeated = claim.relation == "causes" and other != label
                words = phrase("reasons.same_cause", other=other) if is_repeated else claim.words
                for sentence in before:
                    words = words.replace(f" {sentence}", "")
                sentences.append(words)
            before += [part.words for claim in reason.claims for part in claim.parts if part.words.endswith(".")]
            shown[place] = " ".join(sentences)
        return shown

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
        whole = estimate.to_json() | {"unit": self.metric(name).unit}
        parts = estimate.doubts | ({"one_run": self.one_runs[name]} if name in self.one_runs else {})
        return whole | {name: {"low": part.low, "high": part.high} for name, part in parts.items()}


def result_of(plan: Plan, seed: int, measures: Sequence[Measures], planned: int = 0) -> Result:
    return Result(**vars(summary_of(plan, seed, measures, planned)))


def figure_claims(summary: Summary) -> Iterator[Claim]:
    """Claim each figure of a run, or why there is none, the parts of its cost, and the ends of its requests."""
    scenario = summary.plan.scenario
    for name, estimate in summary.metrics.items():
        metric = summary.metric(name)
        value, interval = spoken_within(estimate.value, estimate.low, estimate.high, metric.unit)
        yield figure(metric, estimate, phrase("figures.with_interval", label=metric.label, value=value, interval=interval))
    for name, why in summary.missing.items():
        yield figure(summary.metric(name), None, phrase("figures.missing", label=summary.metric(name).label, why=why))
    for part, cost in summary.costs.items():
        size, _ = spoken_within(cost.value, cost.low, cost.high, "USD")
        words = phrase("figures.cost", label=part_label(scenario, part), size=size)
        yield Claim("cost_per_1000_usd", "part of", cost.value, (cost.low, cost.high), "USD", words=words)
    for end, rows in summary.flows.groupby("end"):
        count, label = float(rows["count"].sum()), scenario.ends[str(end)].label if end in scenario.ends else "unfinished"
        yield Claim("requests", "part of", count, words=phrase("figures.count", label=label, count=count))
    each = summary.requests / summary.replications
    yield Claim("requests", "is", each, words=phrase("figures.requests", requests=scenario.unit.counted(round(each))))


def verdict_claim(summary: Summary, verdict: Verdict) -> Claim:
    """Claim a verdict with its figure and its bound, and what would decide it where it is open."""
    decider = remedy_of(summary, verdict) if verdict.standing == "not proven" else None
    words = phrase("figures.reached", label=verdict.objective.label, reached=verdict.with_interval)
    reached = figure(verdict.metric, verdict.estimate, words)
    return on_verdict(verdict, decider, parts=(reached, asked_of(verdict)))


def settled(result: Result, planned: int) -> Result | None:
    """Return the result of a run that may end with these replications, the first of those planned; None if it may not.

    Its intervals are wider than those found: they hold although the run was looked at before its end.
    """
    if result.replications == planned or result.replications not in looks_of(planned) or not result.settles(planned):
        return None
    early = result_of(result.plan, result.seed, result.measures, planned)
    return early if early.settles(planned) else None


def replicate(plan: Plan, seed: int, replications: int | None = None) -> Result:
    return result_of(plan, seed, run_replications(plan, seed, replications))
