"""Claims of sentences, read from the slots of their phrases.

`READINGS` gives the claims that a text makes with its slots, by its key. Labels in slots are looked up in the case, so that a
wrong name becomes a claim about something else. Figures that a slot holds as text are read with their rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import inf
from typing import Any

from simulator.case.outputs import Metric
from simulator.case.schema import Scenario
from simulator.charts.flow_charts import cost_split, journeys
from simulator.explain.claims import Claim
from simulator.explain.result import Result, challenge_of
from simulator.metrics.summary import Verdict
from simulator.panels.verdict_bar import verdicts_sentence
from simulator.phrases import Phrase
from simulator.practice.curveball_effects import MARGIN
from simulator.tradeoffs.breakeven_claims import SAYS, BreakevenClaim
from simulator.units import spelled, upper_first
from tests.figure_claims import TwoRuns, chance_of_step, change_by, figure_claim, group_of, of, shown_numbers
from tests.shown import Shown
from tests.spoken_numbers import Spoken, numbers_in, trio_in

#: The standing that each end of a sentence names.
STANDINGS = {says: standing for standing, says in SAYS.items()}

Slots = Mapping[str, Any]


@dataclass(frozen=True)
class Reading:
    """The sentence that is read, and what the words before it have named.

    verdicts, objectives: those of the case, in a run and as statements; verdict: of the objective that it is about, if known
    stage: that it is about; step: the change of the design; topic: the metric whose influences are ranked
    now: the value of the figure that turns a verdict; least: the statements that need some traffic
    decider: the sentence that says what would decide the objective; runs: those before and after, by their hashes
    key: of the phrase, without its subject
    """

    scenario: Scenario
    words: str = ""
    surface: str = ""
    verdicts: Sequence[Verdict] = ()
    objectives: Sequence[BreakevenClaim] = ()
    verdict: Verdict | None = None
    stage: str = ""
    step: str = ""
    decider: str = ""
    key: str = ""
    topic: str = ""
    now: float = 0.0
    least: Sequence[str] = ()
    runs: tuple[str, str] = "", ""

    @cached_property
    def stages(self) -> dict[str, str]:
        return {stage.label: name for name, stage in self.scenario.stages.items()}

    def named(self, slots: Slots) -> Reading:
        """Add what the slots name."""
        label, step = slots.get("label"), slots.get("step", self.step)
        stage = self.stages.get(label, self.stage) if isinstance(label, str) else self.stage
        return replace(self, stage=stage, step=step, decider=slots.get("remedy", self.decider))

    def objective(self, label: str) -> Verdict:
        return next(verdict for verdict in self.verdicts if verdict.objective.label == label)

    def claimed(self, statement: str) -> BreakevenClaim:
        return next(claim for claim in self.objectives if claim.words == statement)

    @property
    def pair(self) -> TwoRuns:
        return TwoRuns(*self.runs, self.surface, self.words)

    # ---- claims

    def of(self, metric: Metric, relation: str, value: Any, interval: tuple[float, float] | None = None, **more: Any) -> Shown:
        return replace(of(metric, relation, value, self.words, self.surface, self.runs[1]), interval=interval, **more)

    def here(self, relation: str, value: Any, interval: tuple[float, float] | None = None, **more: Any) -> Iterator[Shown]:
        """Claim something about the objective that the sentence is about."""
        if self.verdict is not None:
            yield self.of(self.verdict.metric, relation, value, interval, **more)

    def about(self, subject: str, value: Any, relation: str = "is", **more: Any) -> Iterator[Shown]:
        yield Shown(subject, relation, value, words=self.words, surface=self.surface, run=self.runs[1], **more)

    def at_stage(self, value: float, what: str = "load", unit: str = "") -> Iterator[Shown]:
        """Claim something of the stage, such as its load."""
        yield from self.about(f"{what}.{self.stage}", value, unit=unit)

    def standing(self, standing: str, verdict: Verdict, decider: str = "") -> Shown:
        return self.of(verdict.metric, "verdict", standing, decided_by=decider)


def read(words: str, reading: Reading) -> Iterator[Shown]:
    """Read a phrase, then those in its slots; a text without slots claims nothing. A part of a list knows the stage before."""
    if isinstance(words, Phrase) and words.key not in SILENT:
        inner = replace(reading.named(words.slots), key=words.key.partition(".")[2])
        yield from READINGS.get(words.key, _nothing)(words.slots, inner)
        for slot in words.slots.values():
            beside = inner
            for part in slot if isinstance(slot, list | tuple) else [slot]:
                yield from read(part, beside)
                beside = replace(beside, stage=beside.named(part.slots).stage) if isinstance(part, Phrase) else beside


Reader = Callable[[Slots, Reading], Iterable[Shown]]

#: What the slots of each key say.
READINGS = dict[str, Reader]()


def reads(*keys: str) -> Callable[[Reader], Reader]:
    """Register a function as the reader of these keys."""

    def register(reader: Reader) -> Reader:
        READINGS.update(dict.fromkeys(keys, reader))
        return reader

    return register


def _nothing(slots: Slots, reading: Reading) -> Iterable[Shown]:
    return ()


#: Texts about other runs than the one whose sentence holds them.
SILENT = {"notes.at_edge"}


def bounds_of(text: str, unit: str) -> tuple[tuple[float, float], float]:
    """Read the bounds of an interval, and their rounding."""
    _, low, high = trio_in(f"0 ({text})", unit)
    return (low.value, high.value), max(low.slack, high.slack)


def count_of(text: str) -> Spoken:
    """Read a count, which is exact to its last digit even where that is a zero."""
    (count,) = numbers_in(text, "")
    return replace(count, slack=min(count.slack, 0.5))


# ---- reasons


@reads("reasons.not_proven")
def _not_proven(slots: Slots, here: Reading) -> Iterator[Shown]:
    assert here.verdict is not None
    yield here.standing("not proven", here.verdict, here.decider)
    unit, numbers = here.verdict.metric.unit, replace(here, surface="reason, interval")
    interval, slack = bounds_of(slots["interval"], unit)
    (bound,) = numbers_in(slots["bound"], unit)
    yield from numbers.here("is", inf, interval, slack=slack)
    yield from numbers.here("asks", bound.value, slack=bound.slack)


@reads("unprovable.perfect", "unprovable.labels", "unprovable.drives")
def _unprovable(slots: Slots, here: Reading) -> Iterator[Shown]:
    yield from here.here("cannot", "be proven")


@reads("causes.no_figure", "causes.no_steady_state")
def _no_figure(slots: Slots, here: Reading) -> Iterator[Shown]:
    yield from here.here("is", None)
    yield from _at_stage(slots, here) if "label" in slots else ()


@reads("causes.slow", "causes.turning_away", "causes.busy")
def _at_stage(slots: Slots, here: Reading) -> Iterator[Shown]:
    yield from here.here("causes", here.stage)


@reads("causes.counted")
def _counted(slots: Slots, here: Reading) -> Iterator[Shown]:
    """Read a share from its counts, `30 of 483 cancers are missed`, and the whole of the parts that follow."""
    some, every = count_of(slots["count"]), count_of(slots["total"])
    share, slack = 1 - some.value / every.value, (some.slack + every.slack * some.value / every.value) / every.value
    assert here.verdict is not None
    if here.verdict.metric.of_all.name in ("sensitivity", "specificity"):
        yield from here.here("is", share, slack=slack)
    yield from _whole(here, some.value, some.slack)


def _whole(here: Reading, value: float, slack: float) -> Iterator[Shown]:
    assert here.verdict is not None
    metric = here.verdict.metric
    yield from here.about(f"parts of {metric.name}", value, population=group_of(metric), slack=slack)


def _part(here: Reading, value: float, slack: float = 0.0) -> Iterator[Shown]:
    assert here.verdict is not None
    metric = here.verdict.metric
    yield from here.about(f"parts of {metric.name}", value, "among", population=group_of(metric), slack=slack)


@reads("causes.part", "causes.first_part")
def _counted_part(slots: Slots, here: Reading) -> Iterator[Shown]:
    count = count_of(slots["count"])
    yield from _part(here, count.value, count.slack)


@reads("hits.hit")
def _not_stopped(slots: Slots, here: Reading) -> Iterator[Shown]:
    """Read the share of the encounters that the vehicle stops for from the share that it does not."""
    assert here.verdict is not None
    if here.verdict.metric.name.partition(".")[0] == "stopped_share":
        (share,) = numbers_in(slots["share"], "share")
        yield from replace(here, surface="reason, share").here("is", 1 - share.value, slack=share.slack)


@reads("causes.costs", "hits.parts")
def _of_the_whole(slots: Slots, here: Reading) -> Iterator[Shown]:
    yield from _whole(here, 100.0, 0.0)


@reads("causes.cost", "causes.first_cost", "hits.part")
def _share_of_the_whole(slots: Slots, here: Reading) -> Iterator[Shown]:
    yield from _part(here, 100 * slots["share"])


@reads("causes.sent_again")
def _sent_again(slots: Slots, here: Reading) -> Iterator[Shown]:
    yield from here.at_stage(slots["share"], "sent again", "share")
    yield from here.at_stage(slots["load"], "load without retries")


@reads("causes.later")
def _later(slots: Slots, here: Reading) -> Iterator[Shown]:
    yield from here.at_stage(slots["load"], "late load")
    if slots["locked"]:
        yield from here.at_stage(slots["without"], "late load without retries")


@reads("sentences.all")
def _locked(slots: Slots, here: Reading) -> Iterator[Shown]:
    """Read that retries alone keep a stage overloaded, and the retries that are named."""
    about = [part for sentence in slots["each"] if isinstance(sentence, Phrase) for part in sentence.each()]
    if any(part.slots.get("locked") for part in about):
        (who,) = (part.slots["who"] for part in about if part.key == "causes.sent_again")
        stage = next(here.stages[part.slots["label"]] for part in about if part.slots.get("label") in here.stages)
        yield from here.about(f"overload.{stage}", " and ".join(here.stages[label.strip("“”")] for label in who), "causes")


# ---- loads, of the bottleneck and of notes


@reads("bottleneck.stage")
def _bottleneck(slots: Slots, here: Reading) -> Iterator[Shown]:
    if slots["because"]:
        verdict, standing = here.objective(slots["objective"]), slots["standing"]
        yield here.of(verdict.metric, "causes", here.stage)
        yield replace(here.standing(STANDINGS[standing], verdict), surface="bottleneck, verdict")


@reads("bottleneck.load")
def _load(slots: Slots, here: Reading) -> Iterator[Shown]:
    yield from here.at_stage(slots["load"])


@reads("bottleneck.peak", "overload.at_peak", "trust.peak")
def _peak(slots: Slots, here: Reading) -> Iterator[Shown]:
    own = here if here.key != "peak" or here.surface != "trust" else replace(here, surface="trust, peak")
    yield from own.at_stage(slots["load"], "peak load before retries" if slots.get("fresh") else "peak load")


@reads("overload.lasting", "overload.late", "overload.passing", "overload.struck")
def _overload(slots: Slots, here: Reading) -> Iterator[Shown]:
    at = {"late": "late load", "struck": "struck load"}.get(here.key, "load")
    yield from here.at_stage(slots["much"].slots["load"], at)
    if here.key == "passing":
        yield from replace(here, surface="note, late").at_stage(slots["passes"].slots["late"], "late load")


@reads("trust.most_loaded")
def _most_loaded(slots: Slots, here: Reading) -> Iterator[Shown]:
    yield from here.at_stage(slots["load"])


@reads("notes.positives", "notes.after_a_strike")
def _on_sensitivity(slots: Slots, here: Reading) -> Iterator[Shown]:
    metric = next(
        metric for metric in here.scenario.metrics.values() if metric.label == slots["label"] and metric.group is None
    )
    interval, slack = bounds_of(slots["interval"], metric.unit)
    value, slack_of = next(((one.value, one.slack) for one in numbers_in(slots.get("share", ""), "share")), (inf, 0.0))
    yield here.of(metric, "is", value, interval, slack=max(slack, slack_of))


@reads("withheld.percentile", "withheld.group")
def _withheld(slots: Slots, here: Reading) -> Iterator[Shown]:
    for metric in (one for one in here.scenario.metrics.values() if one.label == slots["label"]):
        yield here.of(metric, "is", None)


# ---- trust, and the count of objectives


@reads("trust.open", "trust.no_figure")
def _open(slots: Slots, here: Reading) -> Iterator[Shown]:
    standing = {"open": "not proven", "no_figure": "no figure"}[here.key]
    yield here.standing(standing, here.objective(slots["label"]), slots.get("remedy", "") if here.key == "open" else "")


@reads("trust.void", "picks.outside_brief")
def _void(slots: Slots, here: Reading) -> Iterator[Shown]:
    yield from (here.standing("void", verdict) for verdict in here.verdicts)


@reads("trust.certain")
def _certain(slots: Slots, here: Reading) -> Iterator[Shown]:
    yield from (here.of(verdict.metric, "certain", True) for verdict in here.verdicts)


@reads("challenge.all", "challenge.none", "challenge.some")
def _met(slots: Slots, here: Reading) -> Iterator[Shown]:
    others = sum(slots[name] for name in ("open", "missed", "without")) if here.key == "some" else 0
    met = 0 if here.key == "none" else slots["total"] - others
    assert here.key != "some" or slots["met"] == upper_first(spelled(met)), slots
    yield from here.about("objectives", float(met), population="met")


@reads("journeys.missed")
def _missed(slots: Slots, here: Reading) -> Iterator[Shown]:
    """Read the share that is found from the share that is missed, and from the counts behind it."""
    missed, metric = count_of(slots["missed"]), here.scenario.metrics["sensitivity"]
    yield here.of(metric, "is", 1 - slots["share"] / 100)
    yield here.of(metric, "is", 1 - missed.value / slots["all"], slack=missed.slack / slots["all"])


@reads("costs.split")
def _cost_of_all(slots: Slots, here: Reading) -> Iterator[Shown]:
    metric = here.scenario.metrics["cost_per_1000_usd"]
    yield figure_claim(metric, trio_in(slots["cost"], metric.unit)[:1], here.words, here.surface)


@reads("verdicts.each")
def _spoken(slots: Slots, here: Reading) -> Iterator[Shown]:
    verdict = here.objective(slots["label"])
    yield here.standing(slots["standing"], verdict)
    yield figure_claim(verdict.metric, trio_in(slots["reached"], verdict.metric.unit), here.words, here.surface)


# ---- advice


@reads("advice.none", "advice.no_choice")
def _none_helps(slots: Slots, here: Reading) -> Iterator[Shown]:
    yield from here.here("helps", "none")


@reads("advice.helps")
def _helps(slots: Slots, here: Reading) -> Iterator[Shown]:
    verdict = here.objective(slots["changes"].slots["label"])
    yield here.of(verdict.metric, "helps", here.step)
    if not slots["doubt"]:
        yield chance_of_step(verdict.metric, here.step, True, here.words, "advice, chance")


@reads("advice.changes", "advice.tried")
def _tried(slots: Slots, here: Reading) -> Iterator[Shown]:
    verdict = here.objective(slots["label"]) if "label" in slots else here.verdict
    if isinstance(size := slots["size"], Phrase) and verdict:
        shown = f"{size.slots['size']} ({size.slots['interval']})"
        yield from change_by(verdict.metric, here.step, shown, here.words, here.surface)


@reads("advice.improves", "advice.worsens", "advice.breaks", "advice.may_worsen")
def _others(slots: Slots, here: Reading) -> Iterator[Shown]:
    for effect in slots["effects"]:
        metric = here.objective(effect.slots["label"]).metric
        if shown := shown_numbers(effect.slots["size"], metric.unit):
            change = here.of(metric, "would change", shown[0].value, slack=shown[0].slack, population=here.step)
            yield replace(change, surface="advice, others")
            if here.key != "may_worsen":
                yield chance_of_step(metric, here.step, True, here.words, "advice, chance")


# ---- curveballs


@reads("tolls.changed", "tolls.most")
def _toll(slots: Slots, here: Reading) -> Iterator[Shown]:
    metric, pair = here.objective(slots["label"]).metric, here.pair
    yield from pair._replace(surface="curveballs, figures").figures(metric, slots["calm"], slots["struck"])
    yield from pair.verdicts(metric, slots["was"], slots["now"])
    yield from [pair.chance(metric, slots["real"])] if "real" in slots else []
    yield from [pair.change(metric, slots["size"], slots["interval"])] if slots.get("size") else []
    yield from [pair.change(metric, slots["change"])] if slots.get("change") else []


@reads("tolls.count", "tolls.none")
def _changed(slots: Slots, here: Reading) -> Iterator[Shown]:
    yield from here.about("objectives", slots.get("changed", 0), "differs", population="beyond chance", against=here.runs[0])


@reads("tolls.metres")
def _metres(slots: Slots, here: Reading) -> Iterator[Shown]:
    metric = here.scenario.metrics[MARGIN]
    yield from here.pair._replace(surface="curveballs, figures").figures(metric, slots["calm"], slots["struck"])
    yield here.pair.change(metric, slots["change"].removesuffix(" (not significantly different)"), slots["interval"])


# ---- a run


def sentence_claims(result: Result, with_advice: bool = True) -> Iterator[Shown]:
    """Read the sentences about a run: its reasons, bottleneck, notes, trust and count of objectives; with_advice: its steps."""
    about = Reading(result.plan.scenario, verdicts=result.verdicts)
    for place, reason in result.reasons.items():
        deciders = [claim.words for claim in reason.claims if claim.relation == "cannot"]
        here = replace(about, verdict=result.verdicts[place], decider=next(iter(deciders), ""))
        yield from sentences(reason.claims, "reason", here)
        stated = replace(here, words=reason.sentence, surface="reason")
        yield from stated.here("causes", reason.stage) if reason.stage else ()
        if with_advice:
            parts = [part for claim in reason.advice.claims for part in phrases_in(claim.words)]
            steps = [part.slots["step"] for part in parts if part.key == "advice.trial"]
            yield from sentences(reason.advice.claims, "advice", replace(here, step=next(iter(steps), "")))
    challenge, bottleneck = challenge_of(result), result.bottleneck
    yield from sentences([bottleneck.claim] if bottleneck else [], "bottleneck", about)
    if bottleneck and bottleneck.objective:
        stated = replace(about, words=bottleneck.sentence, surface="bottleneck")
        yield stated.of(result.metric(bottleneck.objective), "causes", bottleneck.stage)
    yield from sentences(result.notes, "note", about)
    yield from sentences([note.claim for note in result.trust], "trust", about)
    yield from sentences([challenge.claim] if challenge else [], "count of objectives", about)
    yield from read(verdicts_sentence(result.verdicts), replace(about, words="", surface="spoken verdicts"))


def chart_claims(result: Result) -> Iterator[Shown]:
    """Read the takeaways of the charts that split a whole: the cost, and who is missed."""
    about = Reading(result.plan.scenario, verdicts=result.verdicts)
    takeaways = {"who is missed": journeys(result, positive=True).takeaway} if result.plan.scenario.population else {}
    if "cost_per_1000_usd" in result.metrics and result.costs:
        takeaways["chart of the cost"] = cost_split(result).takeaway
    for surface, words in takeaways.items():
        yield Shown("sentence", "is", None, words=words, surface=surface)
        yield from read(words, replace(about, words=words, surface=surface))


def phrases_in(words: str) -> Iterable[Phrase]:
    return words.each() if isinstance(words, Phrase) else ()


def sentences(claims: Iterable[Claim], surface: str, here: Reading) -> Iterator[Shown]:
    """Read the words of claims, and keep each sentence as a claim without a subject that can be compared."""
    for claim in claims:
        yield Shown("sentence", "is", None, words=claim.words, surface=surface, run=here.runs[1])
        yield from read(claim.words, replace(here, words=claim.words, surface=surface))
