"""Causes that an objective is not met, counted in a run and described in the words of its case.

Where positives were missed, where negatives were escalated, what the cost is made of, where requests wait or are turned away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import floor
from pkgutil import resolve_name

import pandas as pd

from simulator.case.curveball import AffectedQuantity
from simulator.case.outputs import Metric
from simulator.case.schema import Scenario
from simulator.engine.compiled_plan import strikes_of
from simulator.engine.stages.gate import gates_of_items, score_gates
from simulator.explain.bottleneck import (
    FEW,
    PART,
    THROUGHPUT,
    Fate,
    by_decider,
    by_tag,
    deciding,
    escalated,
    group_words,
    part_in_sentence,
    resent,
    slowest_stage,
    spent,
    turning_away,
    why_held_up,
)
from simulator.explain.claims import Claim, figure, load_claim, split_of
from simulator.explain.design_changes import LeverScore, ObjectiveCause, by_cost, by_load, by_warning, by_ways, in_order
from simulator.intervals import ROUNDING
from simulator.metrics.request_metrics import MISSED, PRICE
from simulator.metrics.stage_metrics import clock, last_change
from simulator.metrics.summary import Summary, Verdict
from simulator.phrases import Slot, phrase
from simulator.records.timetables import DAY_S
from simulator.units import counted, duration, significant

#: With fewer events than this over all replications, the sentence says that the split is rough.
ENOUGH = 30

#: The most parts that a sentence names.
PARTS = 3

#: From these counts on, a count is written in whole numbers, and in tenths.
WHOLE, TENTH = 9.95, 0.1

#: A part that is nearly all of it.
NEARLY = 0.95


def cause_of(summary: Summary, verdict: Verdict) -> ObjectiveCause:
    """Explain an objective; say so where nothing explains it, or where it asks for what is usually worse."""
    metric, base = verdict.metric, verdict.metric.of_all.name.partition(".")[0]
    if verdict.estimate is None:
        return _no_figure(summary, verdict)
    better = metric.better or ("higher" if base in THROUGHPUT else "lower")
    cause = None
    if (better == "higher") == (verdict.objective.at_least is not None):
        explained = _explain(summary, base)
        cause = explained(summary, verdict) if explained else None
        if cause is None and (explained is None or metric.is_time):
            cause = _late(summary, verdict) or _turned_away(summary, verdict)
    return cause or _general(summary, verdict)


# ---- who was missed, who was escalated


def _missed(summary: Summary, verdict: Verdict) -> ObjectiveCause | None:
    """Count the ends of the positives that were not detected."""
    scenario = summary.plan.scenario
    flows = summary.flows_of(verdict.metric.group)
    people = scenario.population
    positives = flows[flows["positive"]]
    missed = positives[~positives["detected"]]
    if people is None or not missed["count"].sum():
        return None
    ended = by_decider(scenario, missed)
    stages = deciding(ended)
    whom = f"{people.positives}{group_words(summary.plan, verdict.metric)}"
    sentence, parts = _counted(summary, verdict, missed, positives, (whom, people.missed), ended)
    by_score = any(stage in score_gates(scenario) for stage in stages[:1])
    exhibits = ["threshold", "outcomes"] if by_score else ["outcomes"]
    # a gate before a reader who misses some decides who is read at all
    before = [name for name in score_gates(scenario) if {*stages} & {*scenario.stages[name].planned_targets().values()}]
    return ObjectiveCause(sentence, exhibits, by_ways(summary, verdict, list(dict.fromkeys([*stages, *before]))), parts)


def _escalated(summary: Summary, verdict: Verdict) -> ObjectiveCause | None:
    scenario = summary.plan.scenario
    flows, people = summary.flows_of(verdict.metric.group), scenario.population
    negatives = flows[~flows["positive"]]
    raised = negatives[escalated(scenario, negatives)]
    if people is None or not raised["count"].sum():
        return None
    tagged = by_tag(scenario, raised)
    whom = f"{people.negatives}{group_words(summary.plan, verdict.metric)}"
    sentence, parts = _counted(summary, verdict, raised, negatives, (whom, people.escalated), tagged)
    return ObjectiveCause(sentence, ["threshold", "outcomes"], by_ways(summary, verdict, deciding(tagged)), parts)


def _counted(
    summary: Summary, verdict: Verdict, some: pd.DataFrame, all_: pd.DataFrame, words: tuple[str, str], fates: dict[Fate, float]
) -> tuple[str, list[Claim]]:
    """Say and claim a count with its largest parts. words: the people that are counted of, and a word for those counted"""
    (whom, word), count, total = words, some["count"].sum(), all_["count"].sum()
    counts = {"count": count_words(count), "total": count_words(total), "runs": _runs(summary)}
    sentence = phrase("causes.counted", whom=whom, word=word, **counts)
    split, largest = _largest_parts(summary, fates, count, f"that are {word}")
    share = [figure(verdict.metric, verdict.estimate, sentence)] if verdict.metric.of_all.name in _COUNTED else []
    parts = [*share, *split_of(verdict.metric, as_written(float(count)), sentence, largest, "")]
    return phrase("sentences.all", each=[sentence, split]), parts


#: The metrics that the counts of who was missed, or escalated, give again.
_COUNTED = ("sensitivity", "specificity")


def _largest_parts(summary: Summary, parts: dict[Fate, float], total: float, what: str) -> tuple[str, list[tuple[float, str]]]:
    """Say the largest parts, and whether too few were counted: `24 of these 26 end at ...; 2 end at ...`. Return each too."""
    shown = dict(zip(parts, shared_out(list(parts.values()), total), strict=True))
    largest = [(shown[fate], fate[1]) for fate, count in parts.items() if count >= PART * total][:PARTS]
    counted = summary.replications * total
    rough: dict[str, Slot] = {"rough": counted < ENOUGH, "counted": counted, "what": what}
    if largest and max(parts.values()) >= NEARLY * total:
        return phrase(
            "causes.parts", parts=[phrase("causes.all_of_them", nearly=len(parts) > 1, fate=largest[0][1])], **rough
        ), []
    listed: list[str] = [
        phrase("causes.part" if place else "causes.first_part", count=count_words(count), fate=fate)
        for place, (count, fate) in enumerate(largest)
    ]
    claimed = [(count, words) for (count, _), words in zip(largest, listed, strict=True)]
    rest = sum(shown.values()) - sum(count for count, _ in largest)
    listed += [phrase("causes.rest", count=count_words(rest))] if largest and rest > ROUNDING else []
    return phrase("causes.parts", parts=listed, **rough), claimed


def _step(total: float) -> float:
    """Return the step of the digits that `count_words` writes of a total; 0 for one that is written in full."""
    return 1.0 if total >= WHOLE else 0.1 if total >= TENTH else 0.0


def as_written(total: float) -> float:
    """Return a total as `count_words` writes it, so that the parts beside it sum to it."""
    step = _step(total)
    return round(round(total / step) * step, 1) if step else total


def shared_out(parts: Sequence[float], total: float) -> list[float]:
    """Round parts to the digits that `count_words` writes of their total, so that they sum to it.

    Each is rounded down or up; where not all can be rounded to the nearest, the largest are, as a chart writes them.
    """
    step = _step(total)
    if not step:
        return list(parts)
    units = [floor(part / step + ROUNDING) for part in parts]
    missing = round(total / step) - sum(units)

    def last_to_go_up(place: int) -> tuple[bool, float]:
        rest = parts[place] / step - units[place]
        return rest < 0.5, -parts[place] if rest >= 0.5 else -rest

    for place in sorted(range(len(parts)), key=last_to_go_up)[: max(missing, 0)]:
        units[place] += 1
    return [round(unit * step, 1) for unit in units]


# ---- what the cost is made of


def _cost(summary: Summary, verdict: Verdict) -> ObjectiveCause | None:
    """Name the parts of the cost, and the stages that decide on the largest."""
    scenario, total = summary.plan.scenario, sum(max(cost.value, 0.0) for cost in summary.costs.values())
    if not total:
        return None
    parts = sorted(summary.costs, key=lambda part: -summary.costs[part].value)
    shares = {part: share for part in parts if (share := summary.costs[part].value / total) >= PART}
    stages: list[str] = []
    behind: dict[str, list[str]] = {}
    for part in shares:
        behind[part] = list(_behind(summary, part))
        stages += [stage for stage in behind[part] if stage not in stages]
    (first, share), *others = list(shares.items())[:PARTS]
    most = phrase("causes.first_cost", share=share, part=_part(summary, first))
    less = [phrase("causes.cost", share=share, part=_part(summary, part)) for part, share in others]
    earned = -sum(min(cost.value, 0.0) for cost in summary.costs.values())
    taken_off = earned / total if earned < total else None
    split = phrase("causes.costs", first=most, others=less, earned=earned, taken_off=taken_off)
    among = [(100 * share, most), *((100 * share, words) for (_, share), words in zip(others, less, strict=True))]
    claims, sentences = list(split_of(verdict.metric, 100.0, split, among)), [split, *_both(summary, behind)]
    lost = turning_away(summary, summary.metric("done_share"))
    if lost in behind[first]:
        again = _retried(summary, lost)
        away = phrase("causes.turns_away", label=scenario.stages[lost].label, many=scenario.unit.many)
        sentences, claims = [*sentences, away, *_sentences(again)], [*claims, *again]
    sentence = phrase("sentences.all", each=sentences)
    return ObjectiveCause(sentence, ["cost"], by_cost(summary, verdict, stages), claims)


def _part(summary: Summary, part: str) -> str:
    scenario = summary.plan.scenario
    if part == "ends":
        counts = summary.flows.groupby("end")["count"].sum()
        end = max(scenario.ends.items(), key=lambda end: float(counts.get(end[0], 0.0)) * end[1].usd.value)
        return f"“{end[1].label}”"
    return part_in_sentence(scenario, part)


def _behind(summary: Summary, part: str) -> Iterator[str]:
    """Yield the stages that decide on a part of the cost, the most important first."""
    scenario, flows = summary.plan.scenario, summary.flows
    if part.startswith(PRICE):
        return
    if part == MISSED:
        yield from deciding(by_decider(scenario, flows[flows["positive"] & ~flows["detected"]]))
    elif part in ("ends", "visits of negatives", "visits of positives"):
        paid = flows[flows["end"].isin([name for name, end in scenario.ends.items() if end.usd.value])]
        if part != "ends":
            paid = paid[paid["positive"] == (part == "visits of positives")]
        for stage in [*deciding(by_tag(scenario, paid)), *deciding(by_decider(scenario, paid))]:
            yield from _and_what_it_resends(scenario, stage)
    else:
        yield from (name for name, stage in scenario.stages.items() if stage.servers.cost_part == part)


def _and_what_it_resends(scenario: Scenario, name: str) -> Iterator[str]:
    if scenario.stages[name].repeats.resends:
        yield from (other for other, stage in scenario.stages.items() if name in stage.fallbacks().values())
    yield name


def _both(summary: Summary, behind: dict[str, list[str]]) -> Iterator[str]:
    stages, gates = summary.plan.scenario.stages, score_gates(summary.plan.scenario)
    firsts = [next((name for name in names if name in gates), None) for names in behind.values()]
    for gate in dict.fromkeys(firsts):
        if gate is not None and firsts.count(gate) > 1 and MISSED in behind and firsts[list(behind).index(MISSED)] == gate:
            yield phrase("causes.trade", gate=stages[gate].label)


# ---- where requests wait, or are turned away


def _late(summary: Summary, verdict: Verdict) -> ObjectiveCause | None:
    name = slowest_stage(summary, verdict.metric)
    if name is None:
        return None
    stage = summary.plan.scenario.stages[name]
    exhibits = ["shifts"] if stage.servers.keeps_hours else ["batches", "answer_times"]
    first = ["answer_times"] if verdict.metric.stage is None and not stage.servers else []
    return _held_up(summary, name, "slow", [*first, *exhibits, "answer_times"], spent(summary, name, verdict))


def _turned_away(summary: Summary, verdict: Verdict) -> ObjectiveCause | None:
    name = turning_away(summary, verdict.metric) or _keeps_from_ends(summary, verdict.metric)
    if name is None:
        return _unfinished(summary, verdict)
    return _held_up(summary, name, "turning_away", ["overload", "outcomes"])


def _keeps_from_ends(summary: Summary, metric: Metric) -> str | None:
    """Return the stage that turns most requests away, where it decides who misses the ends that a metric of the case counts."""
    scenario, flows = summary.plan.scenario, summary.flows
    own = scenario.own_metrics.get(metric.name)
    if own is None or own.share is None or not own.share.ends or own.of.ends:
        return None
    counted = flows["end"].isin(own.share.ends)
    first = deciding(by_decider(scenario, flows[~counted if own.better == "higher" else counted]))[:1]
    name = turning_away(summary, summary.metric("done_share"))
    return name if name and any(name in _and_what_it_resends(scenario, stage) for stage in first) else None


def _held_up(summary: Summary, name: str, key: str, exhibits: Sequence[str], *first: Claim) -> ObjectiveCause:
    """Say why a stage holds requests up, in the text of a key, and the load that retries add to it. first: a clause before"""
    scenario, again = summary.plan.scenario, _retried(summary, name)
    why = [*first, *why_held_up(summary.plan, name, summary.stages[name])]
    slots = {"label": scenario.stages[name].label, "many": scenario.unit.many}
    clauses = phrase(f"causes.{key}", **slots, why=[clause.words for clause in why])
    sentence = phrase("sentences.all", each=[clauses, *_sentences(again)])
    return ObjectiveCause(sentence, exhibits, by_load(summary, name), [*why, *again])


def _unfinished(summary: Summary, verdict: Verdict) -> ObjectiveCause | None:
    """Count requests that were unfinished when the run ended, for objectives about them."""
    if verdict.metric.name not in ("done_share", "unfinished_share"):
        return None
    flows = summary.flows[summary.flows["outcome"] == "unfinished"]
    if flows["count"].sum() < FEW * summary.flows["count"].sum():
        return None
    parts = by_decider(summary.plan.scenario, flows)
    name = next((stage for stage, _ in parts if stage), None)
    many = summary.plan.scenario.unit.many
    count = float(flows["count"].sum())
    words = phrase("causes.unfinished", runs=_runs(summary), count=count_words(count), many=many)
    split, _ = _largest_parts(summary, parts, count, f"unfinished {many}")
    levers = by_load(summary, name) if name else in_order([])
    sentence = phrase("sentences.all", each=[words, split])
    return ObjectiveCause(sentence, ["overload", "outcomes"], levers, [Claim("unfinished", "is", count, words=words)])


def _sentences(claims: Sequence[Claim]) -> list[str]:
    return list(dict.fromkeys(claim.words for claim in claims))


def _retried(summary: Summary, name: str) -> list[Claim]:
    """Claim the load that retries add to a stage, and that they alone keep it overloaded where the run shows that.

    They do if all that came since the last surge, or the last thing that struck, would be too little without them.
    """
    added, times = resent(summary, name), summary.stages[name]
    if added is None or added.share < PART:
        return []
    who = [f"“{summary.plan.scenario.stages[key].label}”" for key in added.retries]
    locked = times.late_load >= 1 > added.late_load
    since = last_change(summary.plan, name)
    is_late = since and max(times.load, times.late_load) >= 1
    sent = phrase("causes.sent_again", share=added.share, who=who, load=added.load, locked=locked and not is_late)
    claims = [
        Claim(f"sent again.{name}", "is", added.share, unit="share", words=sent),
        load_claim(name, added.load, sent, at="load without retries"),
    ]
    if is_late:
        slots = {"load": times.late_load, "without": added.late_load, "locked": locked}
        late = phrase("causes.later", since=clock(summary.plan.scenario, since), **slots)
        claims.append(load_claim(name, times.late_load, late, at="late load"))
        claims += [load_claim(name, added.late_load, late, at="late load without retries")] if locked else []
    lasting = Claim(f"overload.{name}", "causes", " and ".join(added.retries), words=claims[-1].words)
    return [*claims, lasting] if locked else claims


def _busy(summary: Summary, verdict: Verdict) -> ObjectiveCause | None:
    name = verdict.metric.stage
    if name is None or name not in summary.stages:
        return None
    stage = summary.plan.scenario.stages[name]
    return _held_up(summary, name, "busy", ["shifts" if stage.servers.keeps_hours else "batches"])


# ---- why what is known is old


def _old(summary: Summary, verdict: Verdict) -> ObjectiveCause | None:
    """Say the time between frames of a sensor, and the age of its last answer before a newer one comes."""
    scenario = summary.plan.scenario
    sensor = verdict.metric.name.rpartition(".")[2]
    rates = scenario.arrivals.content.frames_per_s
    peak = summary.metrics.get(f"age_peak_mean_s.{verdict.metric.name.partition('.')[2]}")
    if sensor not in rates or peak is None:
        return None
    if lost := _lost_sensor(summary, sensor):
        return lost
    label = dict(zip(scenario.sensors, scenario.sensor_labels, strict=True))[sensor]
    sentence = phrase("causes.old", label=label, every=1 / rates[sensor], age=peak.value)
    levers = LeverScore((), lambda plan: -plan.scenario.arrivals.content.frames_per_s[sensor], written=["arrivals", "stages"])
    return ObjectiveCause(sentence, ["ages", "cameras"], levers)


def _lost_sensor(summary: Summary, sensor: str) -> ObjectiveCause | None:
    """Name the longest curveball that silences the sensor; None without one."""
    scenario = summary.plan.scenario
    balls = {name: ball for name, ball in scenario.curveballs.items() if AffectedQuantity.LOST in ball.changed}
    silent = {name for name, ball in balls.items() if getattr(ball, "sensor", None) == sensor}
    gaps = [strike for strike in strikes_of(summary.plan) if strike.name in silent]
    if not gaps:
        return None
    longest = max(gaps, key=lambda strike: strike.end_s - strike.start_s)
    label = dict(zip(scenario.sensors, scenario.sensor_labels, strict=True))[sensor]
    sentence = phrase("causes.lost", label=label, lasted=longest.lasted, strike=longest.label)
    return ObjectiveCause(
        sentence, ["ages", "encounter"], in_order((), ["encounters.fuses", "encounters.degrades", "arrivals"])
    )


# ---- what no count explains


def _no_figure(summary: Summary, verdict: Verdict) -> ObjectiveCause:
    metric, scenario = verdict.metric, summary.plan.scenario
    growing = {name: times.load for name, times in summary.stages.items() if times.load >= 1}
    if metric.is_time and growing:
        name = metric.stage if metric.stage in growing else max(growing, key=lambda stage: growing[stage])
        exhibits = ["shifts" if scenario.stages[name].servers.keeps_hours else "batches", "outcomes"]
        return _held_up(summary, name, "no_steady_state", exhibits)
    about = [metric.label] + ([scenario.attributes[metric.group.attribute].label] if metric.group else [])
    notes = [*summary.plan.warnings, *(withheld.sentence for withheld in summary.withheld)]
    why = next((words for words in notes if any(words.startswith(f"{label}: ") for label in about)), None)
    shown = why.partition(": ")[2].removeprefix("not quoted. ") if why else "the run had nothing to count."
    sentence = phrase("causes.no_figure", why=shown)
    stages = list(gates_of_items(scenario)) if metric.group else [metric.stage] if metric.stage else []
    return ObjectiveCause(sentence, ["answer_times" if metric.is_time else "outcomes"], by_warning(stages, why))


def _general(summary: Summary, verdict: Verdict) -> ObjectiveCause:
    """Name no reason; a metric of the case's own may depend on every stage, so that steps at each of them are tried."""
    sentence = phrase("causes.general", label=verdict.metric.label)
    stage, scenario = verdict.metric.stage, summary.plan.scenario
    own = [*scenario.stages] if verdict.metric.of_all.name in scenario.own_metrics else []
    return ObjectiveCause(sentence, ["outcomes"], in_order([stage] if stage else own))


_Explain = Callable[[Summary, Verdict], ObjectiveCause | None]

#: What explains a metric, by the first part of its name; times and throughputs follow from the stages.
_EXPLAINED: dict[tuple[str, ...], _Explain] = {
    ("sensitivity", "missed_per_1000", "negative_predictive_value"): _missed,
    ("specificity", "positive_predictive_value", "escalated_share"): _escalated,
    ("cost_per_1000_usd",): _cost,
    ("utilization",): _busy,
    ("age_mean_s", "age_peak_mean_s", "age_peak_p95_s", "age_p95_s", "age_p99_s"): _old,
}


def _explain(summary: Summary, base: str) -> _Explain | None:
    own = next((explain for bases, explain in _EXPLAINED.items() if base in bases), None)
    places = [section.causes_from for section in summary.plan.scenario.sections.values() if section.causes_from]
    return own or next((causes[base] for place in places if base in (causes := resolve_name(place))), None)


# ---- numbers in words


def count_words(value: float) -> str:
    """Write a count of an average run: in whole numbers, in tenths below ten, and with one digit below a tenth."""
    if value >= WHOLE:
        return f"{value:,.0f}"
    return f"{value:.1f}".removesuffix(".0") if value >= TENTH else significant(value, 1)


def _runs(summary: Summary) -> str:
    """Name the runs that a count is the mean of: two designs that ended after other numbers of runs have other totals."""
    return f"{counted(summary.replications, 'run')} of {_length(summary)}"


def _length(summary: Summary) -> str:
    days = summary.plan.scenario.run.days
    names = ("one day", "two days", "three days", "four days", "five days", "six days", "a week")
    if days == int(days) and 1 <= days <= len(names):
        return names[int(days) - 1]
    return f"{days:.3g} days" if days > 2 else duration(days * DAY_S)
