"""Reader of the surfaces of a run: the words of its card, its tables, its reasons and its notes.

A reader takes the words that a surface shows, so that an error of rounding, of a unit or of a name stays in the claim. Those of
the printed page are in `page_reader`, of two runs in `two_run_reader`, of the studies in `study_reader`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import inf
from typing import Any

from simulator.case.outputs import Metric
from simulator.explain.claims import ALL
from simulator.explain.result import Result
from simulator.metrics.summary import Verdict, metric_rows
from simulator.sweeps.levers import Levers
from tests.readers.shown import Shown
from tests.readers.spoken_numbers import Spoken, numbers_in, trio_in

#: The beginning of a figure as it is shown. Anything else says why there is none.
_NUMERIC = re.compile(r"(?:just |under |over )*[−+-]?(?:\d|unbounded)", re.IGNORECASE)

#: The sentences that say what would decide an objective.
_DECIDES = re.compile(
    r"About [\d,]+ replications would decide it\.|Only [^.]* would decide it\.|The value lies too close [^.]* decide it\."
    r"|No design can prove this here: .*?(?:labelled|recorded|100%|come from [\d,]+ [a-z]+)\."
)
_UNPROVABLE = "No design can prove this here"

#: The offered load of a stage in words, over the run or at the peak.
_LOADS = (
    (re.compile(r"^the offered load is ([\d.,]+) times"), "load", 1.0),
    (re.compile(r"at the peak,? (?:the offered load|it) is ([\d.,]+) times"), "peak load", 1.0),
    (re.compile(r"the offered load is (?:(?:under|over) )?([\d.,]+)% of what"), "load", 0.01),
    (re.compile(r"most loaded stage, at (?:(?:under|over) )?([\d.,]+)% of what"), "load", 0.01),
)


def shown_by(result: Result, content: Mapping[str, Any], with_advice: bool = True) -> list[Shown]:
    """Collect the claims of every surface of a run that is not drawn.

    content: the object that `--json` prints; with_advice: whether to try steps, which runs other designs
    """
    claims = [
        *card_claims(result),
        *metric_claims(result),
        *json_claims(result, content),
        *reason_claims(result),
        *bottleneck_claims(result),
        *warning_claims(result),
        *trust_claims(result),
    ]
    return claims + (list(advice_claims(result)) if with_advice else [])


# ---- figures and verdicts


def verdict_claims(verdict: Verdict, standing: str, reached: str, interval: str, asked: str, surface: str) -> Iterator[Shown]:
    """Read what a surface shows of one objective: its standing, its figure with the interval, and its bound."""
    name, unit, population = verdict.metric.name, verdict.metric.unit, population_of(verdict)
    label = verdict.objective.label
    at_least = "at least" in asked or "≥" in asked
    bound = numbers_in(asked, unit)[0]
    allowed = (bound.value, inf) if at_least else (-inf, bound.value)
    yield Shown(
        name, "asks", bound.value, allowed, unit, population, words=f"{label}: {asked}.", surface=surface, slack=bound.slack
    )
    yield Shown(name, "verdict", standing, None, unit, population, words=f"{label}: {standing}.", surface=surface)
    shown_words = f"{reached} ({interval})" if interval else reached
    shown = trio_in(shown_words, unit)
    yield figure_claim(name, unit, population, shown, f"{label}; {shown_words}.", surface)


def population_of(verdict: Verdict) -> str:
    return group_of(verdict.metric)


def group_of(metric: Metric) -> str:
    """Name the population of a metric: a group, or every request."""
    return str(metric.group.key) if metric.group else ALL


def shown_numbers(shown: str, unit: str) -> list[Spoken]:
    """Read a figure that is shown with or without its interval; empty where words say that there is none."""
    return trio_in(shown, unit) if _NUMERIC.match(shown) else []


def figure_claim(name: str, unit: str, population: str, shown: Sequence[Spoken], words: str, surface: str) -> Shown:
    """Claim a figure as it was shown, with or without its interval; nothing shown says that there is none."""
    if not shown:
        return Shown(name, "is", None, None, unit, population, words=words, surface=surface)
    slack = max(one.slack for one in shown)
    bounds = (shown[1].value, shown[2].value) if len(shown) == 3 else None
    return Shown(name, "is", shown[0].value, bounds, unit, population, words=words, surface=surface, slack=slack)


def card_claims(result: Result) -> Iterator[Shown]:
    """Read the card of each verdict, in its long form and with the unit said once."""
    for one in result.verdicts:
        yield from verdict_claims(one, one.standing, one.reached, one.interval, one.requirement, "card")
        yield from verdict_claims(one, one.standing, *_split(one.with_interval), one.requirement, "card, unit once")


def _split(with_interval: str) -> tuple[str, str]:
    value, _, bounds = with_interval.partition(" (")
    return value, bounds.removesuffix(")")


def metric_claims(result: Result) -> Iterator[Shown]:
    """Read the table of every figure, as the page and the report show it; a metric without a figure is a claim too."""
    for _, row in metric_rows(result).iterrows():
        name = row["name in a file"]
        metric = result.metric(name)
        figure = f"{row['value']} ({row['95% interval']})"
        shown = trio_in(figure, metric.unit)
        population = group_of(metric)
        words = f"{row['what it is']}; {figure}."
        yield figure_claim(name, metric.unit, population, shown, words, "every figure")
    for name, why in result.missing.items():
        metric = result.metric(name)
        population = group_of(metric)
        yield Shown(name, "is", None, None, metric.unit, population, words=f"{metric.label}; {why}.", surface="every figure")


def json_claims(result: Result, content: Mapping[str, Any]) -> Iterator[Shown]:
    """Read the object that `casesim run --json` prints."""
    for name, one in content["metrics"].items():
        metric = result.metric(name)
        population = group_of(metric)
        yield Shown(name, "is", one["value"], (one["low"], one["high"]), one["unit"], population, surface="--json")
    for verdict, one in zip(result.verdicts, content["objectives"], strict=True):
        at_least = one.get("at_least")
        bound = one["at_most"] if at_least is None else at_least
        allowed = (-inf, bound) if at_least is None else (bound, inf)
        name, unit, population = one["metric"], verdict.metric.unit, population_of(verdict)
        yield Shown(name, "asks", bound, allowed, unit, population, surface="--json")
        yield Shown(name, "verdict", one["verdict"], None, unit, population, surface="--json")
        bounds = (one["low"], one["high"]) if "low" in one else None
        yield Shown(name, "is", one.get("value"), bounds, unit, population, surface="--json objectives")


# ---- reasons, the bottleneck and advice


def reason_claims(result: Result) -> Iterator[Shown]:
    """Read each reason: its verdict, its cause, the loads and counts in it, and what would decide the objective."""
    for place, reason in result.reasons.items():
        verdict = result.verdicts[place]
        name, unit, population = verdict.metric.name, verdict.metric.unit, population_of(verdict)
        decided = _DECIDES.search(reason.sentence)
        standing = "not proven" if "It is not proven" in reason.sentence else None
        if standing:
            decider = decided.group() if decided else ""
            yield Shown(name, "verdict", standing, None, unit, population, decider, reason.sentence, "reason")
            yield from _open_interval(verdict, reason.sentence)
        elif reason.sentence.startswith("There is no figure"):
            yield Shown(name, "is", None, None, unit, population, "", reason.sentence, "reason")
        if _UNPROVABLE in reason.sentence:
            yield Shown(name, "cannot", "be proven", None, unit, population, "", reason.sentence, "reason")
        if reason.stage:
            yield Shown(name, "causes", reason.stage, None, unit, population, "", reason.sentence, "reason")
            yield from _loads(reason.sentence, reason.stage, "reason")
            yield from _lasting(result, reason.sentence, reason.stage)
        yield from _counts(result, verdict, reason.sentence)
        yield from _largest_parts(verdict, reason.sentence)


def _open_interval(verdict: Verdict, sentence: str) -> Iterator[Shown]:
    """Read the interval and the bound of an objective that is not proven."""
    name, unit, population = verdict.metric.name, verdict.metric.unit, population_of(verdict)
    found = re.search(r"the interval of (.*?) to (.*?) includes (.*?)(?:, mostly|\.(?: |$))", sentence)
    assert found is not None
    low, high = shown_numbers(f"{found[1]} to {found[2]} to {found[2]}", unit)[:2]
    (bound,), slack = numbers_in(found[3], unit), max(low.slack, high.slack)
    yield Shown(name, "is", inf, (low.value, high.value), unit, population, "", sentence, "reason, interval", slack)
    yield Shown(name, "asks", bound.value, None, unit, population, "", sentence, "reason, interval", bound.slack)


def _lasting(result: Result, sentence: str, stage: str) -> Iterator[Shown]:
    """Read that retries alone keep a stage overloaded, and the retries that the sentence names."""
    if "the retries alone keep it overloaded" in sentence:
        found = re.search(r"is sent again by (.*?): without that", sentence)
        assert found is not None
        keys = {one.label: key for key, one in result.plan.scenario.stages.items()}
        names = " and ".join(keys[label] for label in re.findall(r"“([^”]*)”", found[1]))
        yield Shown(f"overload.{stage}", "causes", names, None, "", ALL, "", sentence, "reason")


def _counts(result: Result, verdict: Verdict, sentence: str) -> Iterator[Shown]:
    """Read a share from its counts, `30 of 483 cancers are missed`."""
    people, name = result.plan.scenario.population, verdict.metric.of_all.name
    counted = re.search(r"([\d,.]+) of ([\d,.]+) [^.]*? are (\w[\w ]*)\. ", sentence)
    if people is None or counted is None or name not in ("sensitivity", "specificity"):
        return
    some, every = (_count(part) for part in counted.groups()[:2])
    share, slack = 1 - some.value / every.value, (some.slack + every.slack * some.value / every.value) / every.value
    yield Shown(verdict.metric.name, "is", share, None, "share", population_of(verdict), "", sentence, "reason, counts", slack)


def _count(text: str) -> Spoken:
    """Read a count, which is exact to its last digit even where that is a zero."""
    (count,) = numbers_in(text, "")
    return count if text[0].isalpha() else replace(count, slack=min(count.slack, 0.5))


#: The largest parts that a cause names, and their whole: counts, shares of the cost, shares of the encounters.
_COUNTED = re.compile(r"([\d,.]+) of [\d,.]+ [^.;]*? are \w[\w ]*\. ([\d,.]+ of them [^.]*)")
_COUNT = re.compile(r"(?:^|; )([\d,.]+) (?:of them )?(?:end|are) ")
_COST = re.compile(r"((?:[oO]ver |[uU]nder )?[\d.]+)% (?:of the cost is |(?=[^,.;]*[,.]))")
_OF_THESE, _SHARE = re.compile(r"Of these, (.*?)\.(?: |$)"), re.compile(r"(?:^|; )([\d.]+)% ")


def _largest_parts(verdict: Verdict, sentence: str) -> Iterator[Shown]:
    """Read the parts that a reason splits its cause into, and the whole that they may not exceed."""
    texts, whole = [share for split in _OF_THESE.findall(sentence) for share in _SHARE.findall(split)], Spoken(100.0, 0.5)
    if counted := _COUNTED.search(sentence):
        whole, texts = _count(counted.group(1)), _COUNT.findall(counted.group(2))
    elif "of the cost is" in sentence.partition(".")[0]:
        texts = _COST.findall(sentence.partition(". ")[0] + ".")
    parts = [_count(text) for text in texts]
    if not parts:
        return
    name, population = f"parts of {verdict.metric.name}", population_of(verdict)
    slack = whole.slack + sum(part.slack for part in parts)
    yield Shown(name, "is", whole.value, None, "", population, "", sentence, "reason, whole", slack)
    for part in parts:
        yield Shown(name, "among", part.value, None, "", population, "", sentence, "reason, parts", part.slack)


def bottleneck_claims(result: Result) -> Iterator[Shown]:
    if (found := result.bottleneck) is None:
        return
    if found.objective:
        verdict = next(one for one in result.verdicts if one.objective.metric == found.objective)
        population = population_of(verdict)
        yield Shown(found.objective, "causes", found.stage, None, "", population, "", found.sentence, "bottleneck")
    yield from _loads(found.sentence, found.stage, "bottleneck")


def _loads(sentence: str, stage: str, surface: str) -> Iterator[Shown]:
    for pattern, what, factor in _LOADS:
        if found := pattern.search(sentence):
            (load,) = numbers_in(found.group(1), "")
            slack = load.value if "under" in found[0] or "over" in found[0] else load.slack  # `under 1%`, `over 99%`
            yield Shown(f"{what}.{stage}", "is", load.value * factor, None, "", ALL, "", sentence, surface, slack * factor)


def advice_claims(result: Result) -> Iterator[Shown]:
    """Read "What would help?" of each objective that is not met: the steps that were tried, with their effects."""
    for place, reason in result.reasons.items():
        verdict, advice = result.verdicts[place], reason.advice
        name, unit, population = verdict.metric.name, verdict.metric.unit, population_of(verdict)
        if advice.move is None:
            yield Shown(name, "helps", "none", None, unit, population, "", advice.sentence, "advice")
            for step, size in re.findall(r"“([^”]*)” \(([^)]*)\)", advice.sentence):
                yield from _change(name, unit, step, size, advice.sentence, "advice")
            continue
        yield Shown(name, "helps", advice.move.words, None, unit, population, "", advice.sentence, "advice")
        yield from _change(name, unit, advice.move.words, advice.effect, advice.sentence, "advice")
        if "This may be chance" not in advice.sentence:
            yield Shown(name, "beyond chance", True, None, "", advice.move.words, "", advice.sentence, "advice, chance")
        yield from _other_changes(result, advice.move.words, advice.sentence)
        move = advice.move.to_json()
        if "change" in move:
            bounds = (move["low"], move["high"])
            yield Shown(name, "would change", move["change"], bounds, unit, move["told"], surface="--json advice")


def _other_changes(result: Result, step: str, sentence: str) -> Iterator[Shown]:
    """Read the changes of the other objectives that a step improves, makes worse or takes from met."""
    by_label = {verdict.objective.label: verdict for verdict in result.verdicts}
    for label, size in re.findall(r"“([^”]*)”(?: from met to [a-z0-9 ]+)? \(([^)]*)\)", sentence):
        verdict = by_label.get(label)
        if verdict is not None and "figure" not in size and (shown := numbers_in(size, verdict.metric.unit)):
            name, unit, first = verdict.metric.name, verdict.metric.unit, shown[0]
            yield Shown(name, "would change", first.value, None, unit, step, "", sentence, "advice, others", first.slack)
            if f"“{label}”" not in sentence.partition("It may make")[2]:
                yield Shown(name, "beyond chance", True, None, "", step, "", sentence, "advice, chance")


def _change(name: str, unit: str, step: str, size: str, words: str, surface: str) -> Iterator[Shown]:
    shown = trio_in(size.replace("95% interval ", ""), unit)
    if len(shown) == 3:
        bounds, slack = (shown[1].value, shown[2].value), max(one.slack for one in shown)
        yield Shown(name, "would change", shown[0].value, bounds, unit, step, "", words, surface, slack)


def lever_claims(levers: Levers) -> Iterator[Shown]:
    """Read the table of levers: the change of each objective by each step, and the steps that help."""
    for lever in levers.rows:
        for effect in lever.effects:
            name, unit, step = effect.before.metric.name, effect.before.metric.unit, lever.step.words
            if effect.outcome == "changes" and effect.change:
                size = f"{effect.change.size} ({effect.change.interval})"
                yield from _change(name, unit, step, size, f"{step}: {size}.", "levers")
                yield Shown(name, "beyond chance", effect.real, None, "", step, "", f"{step}.", "levers, chance")
            if effect.gain > 0:
                yield Shown(
                    name, "helps", step, None, unit, population_of(effect.before), "", f"{step}: {effect.words}.", "levers"
                )
    yield Shown("levers", "is", None, None, words=levers.sentence, surface="levers")
    yield Shown("levers", "is", None, None, words=levers.sense, surface="levers")


# ---- warnings and trust


def warning_claims(result: Result) -> Iterator[Shown]:
    """Read the notes on a run: loads, metrics that are not quoted, intervals."""
    stages = {stage.label: name for name, stage in result.plan.scenario.stages.items()}
    labels = {metric.label: (name, metric) for name, metric in result.plan.scenario.metrics.items() if metric.group is None}
    for words in result.warnings:
        label, _, rest = words.partition(": ")
        claims = [replace(one, words=words) for one in _loads(rest, stages[label], "note")] if label in stages else []
        if label in labels and rest.startswith("not quoted"):
            name, metric = labels[label]
            claims.append(Shown(name, "is", None, None, metric.unit, ALL, "", words, "note"))
        if " rests on " in words and "Claiming" in words:
            low, high = numbers_in(words.partition("interval is ")[2].partition(". ")[0], "share")[:2]
            slack = max(low.slack, high.slack)
            claims.append(Shown("sensitivity", "is", inf, (low.value, high.value), "share", ALL, "", words, "note", slack))
        yield from claims or [Shown(label, "is", None, None, "", "note", "", words, "note")]


def trust_claims(result: Result) -> Iterator[Shown]:
    """Read the reasons for trust and for doubt: loads, open verdicts with what would decide them."""
    stages = {stage.label: name for name, stage in result.plan.scenario.stages.items()}
    by_label = {verdict.objective.label: verdict for verdict in result.verdicts}
    for note in result.trust:
        claims = list[Shown]()
        if note.topic == "load" and (name := stages.get(note.sentence.partition(" is the most loaded")[0])):
            claims += _loads(note.sentence, name, "trust")
        label, _, rest = note.sentence.partition(": ")
        if note.topic == "verdicts" and label in by_label:
            verdict, decided = by_label[label], _DECIDES.search(rest)
            standing = "not proven" if rest.startswith("the interval includes") else "no figure"
            decider = decided.group() if decided else ""
            name, unit, population = verdict.metric.name, verdict.metric.unit, population_of(verdict)
            claims.append(Shown(name, "verdict", standing, None, unit, population, decider, note.sentence, "trust"))
            if _UNPROVABLE in rest:
                claims.append(Shown(name, "cannot", "be proven", None, unit, population, "", note.sentence, "trust"))
        elif note.topic == "verdicts" and note.sentence.endswith("every verdict is void."):
            claims += [
                Shown(one.metric.name, "verdict", "void", None, one.metric.unit, population_of(one), "", note.sentence, "trust")
                for one in result.verdicts
            ]
        elif note.topic == "verdicts":
            claims += [
                Shown(one.metric.name, "certain", True, None, "", population_of(one), "", note.sentence, "trust")
                for one in result.verdicts
            ]
        yield from claims or [Shown(note.topic, "is", None, None, "", "trust", "", note.sentence, "trust")]
