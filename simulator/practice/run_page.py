"""The page that `casesim run` prints: verdicts, reasons and chosen figures of a run, or the difference of two, in few lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from rich.console import Console, RenderableType
from rich.markup import escape
from rich.table import Column, Table
from rich.text import Text

from simulator.case.choices import Pick
from simulator.engine.compiled_plan import Plan, changes_of
from simulator.explain.advice import Advice
from simulator.explain.claims import said
from simulator.explain.notes import good_of
from simulator.explain.result import Result, challenge_of
from simulator.metrics.comparisons import NEITHER, Comparison, Difference, OneSided
from simulator.metrics.stage_metrics import clock
from simulator.metrics.summary import Standing, Summary, Verdict
from simulator.phrases import phrase
from simulator.practice.curveball_effects import largest_toll, tolls
from simulator.units import counted, spoken_within

#: The most lines of a page, as on the smallest usual terminal.
LINES = 24

#: Spaces before the second line of a passage and each later one.
_INDENT = 2


class Part(NamedTuple):
    """A sentence with its markup, or a table. rank: 0 always stays; where the page is too long, the highest rank goes first."""

    rank: int
    content: str | Table


@dataclass(frozen=True)
class Passage:
    """Parts that follow each other in one paragraph; `head` is printed before them if any of them is."""

    parts: Sequence[Part]
    head: str = ""


def print_page(out: Console, passages: Sequence[Passage], most: int = LINES) -> None:
    """Print the passages, without the parts of high rank that would make more than `most` lines on this console."""
    for line in _fitted(out, passages, most):
        out.print(line, soft_wrap=isinstance(line, Text))


def _fitted(out: Console, passages: Sequence[Passage], most: int) -> list[RenderableType]:
    order = sorted((part.rank, at, place) for at, passage in enumerate(passages) for place, part in enumerate(passage.parts))
    shown: set[tuple[int, int]] = set()
    for rank, at, place in order:
        shown.add((at, place))
        if rank and _height(out, _lines(out, passages, shown)) > most:
            shown.discard((at, place))
    return list(_lines(out, passages, shown))


def _lines(out: Console, passages: Sequence[Passage], shown: set[tuple[int, int]]) -> Iterator[RenderableType]:
    for at, passage in enumerate(passages):
        contents = [part.content for place, part in enumerate(passage.parts) if (at, place) in shown]
        sentences = [content for content in contents if isinstance(content, str)]
        yield from (content for content in contents if isinstance(content, Table))
        if sentences:
            yield from _wrapped(out, " ".join([*([passage.head] if passage.head else []), *sentences]))


def _wrapped(out: Console, markup: str) -> Iterator[Text]:
    """Break a paragraph at spaces alone; its later lines are indented."""
    text = Text.from_markup(markup)
    first = text.wrap(out, out.width)[0]
    first.rstrip()
    yield first
    at = len(first) + len(text.plain[len(first) :]) - len(text.plain[len(first) :].lstrip())
    for line in text[at:].wrap(out, max(out.width - _INDENT, 1)) if at < len(text) else ():
        line.rstrip()
        yield Text(" " * _INDENT) + line


def _height(out: Console, lines: Iterator[RenderableType]) -> int:
    return sum(len(out.render_lines(line, pad=False)) if isinstance(line, Table) else 1 for line in lines)


COLOURS: dict[Standing, str] = {
    "met": "green",
    "not met": "red",
    "not proven": "yellow",
    "no figure": "bright_black",
    "void": "bright_black",
}

#: The metrics that every page shows beside those of the objectives, where the case has them. The cost stands for money: it
#: is left out where an objective already judges an amount of money.
_ALWAYS = ("cost_per_1000_usd", "throughput_per_s", "escalated_share")

#: The most other metrics that a page of differences names.
_OTHERS = 8

#: Ranks of the parts of a page, the first to stay.
_KEPT, _CAUSES, _STEPS, _TRUST, _DETAILS = range(5)

#: The most words and characters of a note that is printed in one line, and the fewest words that it is cut to.
_FEW, _LINE, _FEWEST = 16, 65, 5


def run_page(result: Result, calm: Result | None) -> list[Passage]:
    """Return the passages of a run. calm: the run of the same design and seed without its curveballs."""
    bottleneck = result.bottleneck
    named = {reason.stage for reason in result.reasons.values()}
    held = short_claims(bottleneck.sentence) if bottleneck and bottleneck.stage not in named else []
    return [
        *_head(result),
        Passage(_toll(result, calm), "[bold]Curveball:[/bold]"),
        *([Passage([Part(_KEPT, objectives_table(result.verdicts))])] if result.verdicts else []),
        *_reasons(result),
        Passage(_claims(held, _STEPS), "[bold]Bottleneck:[/bold]"),
        Passage(_figures(result), "[bold]Other figures:[/bold]"),
        Passage(_trust(result), "[bold]Trust:[/bold]"),
        Passage(_note(result), f"[bold]Note, 1 of {len(result.warnings)}:[/bold]"),
        _more(result),
    ]


def difference_page(result: Result, compared: Comparison) -> list[Passage]:
    """Return the passages of a comparison: `result` is the run of the design, `compared` holds the other one before it."""
    objectives = dict.fromkeys([*(verdict.metric.name for verdict in result.verdicts), *_cost_of(result)])
    by_metric = {difference.metric.name: difference for difference in compared.all}
    judged = [by_metric[name] for name in objectives if name in by_metric]
    paired = [change for change in judged if isinstance(change, Difference)]
    labels = [f"“{change.label}”" for change in paired if change.verdict.startswith("not")]
    chance = [Part(_STEPS, f"{escape(', '.join(labels))}.")] if labels else []
    return [
        *_head(result),
        Passage(_toll(result, None), "[bold]Curveball:[/bold]"),
        Passage([Part(_KEPT, _designs(compared))], "[bold]Difference:[/bold]"),
        Passage(_turned(compared), "[bold]Changed verdicts:[/bold]"),
        Passage([Part(_KEPT, _difference_table(judged))]),
        Passage(chance, "[bold]May be chance (interval includes zero):[/bold]"),
        Passage(_others(compared, set(objectives)), "[bold]Other metrics:[/bold]"),
        Passage([Part(_DETAILS, escape(compared.pairing))] if compared.pairing else []),
        _more(result),
    ]


# ---- the parts that both pages have


def _head(result: Result) -> Iterator[Passage]:
    scenario, plan = result.plan.scenario, result.plan
    yield Passage([Part(_KEPT, f"[bold]{escape(scenario.title)}[/bold]: {escape(result.size)}")])
    challenge = challenge_of(result)
    met = [Part(_KEPT, f"[bold]{escape(challenge.met)}[/bold]")] if challenge else []
    ground = short_claims(challenge.sentence.removeprefix(challenge.met)) if challenge and challenge.all_met else []
    yield Passage([*met, Part(_KEPT, escape(design_words(plan))), *_claims(ground, _STEPS)])
    if changes := changes_of(plan):
        each = [f"{_picks(plan, picks)} at {clock(scenario, at_s)}" for at_s, picks in changes]
        yield Passage([Part(_KEPT, f"{escape('; '.join(each))}.")], "[bold]Changes during the run:[/bold]")


def design_words(plan: Plan) -> str:
    """Name the picks that differ from the default, as on the screen."""
    usual = plan.scenario.defaults()
    changed = {name: pick for name, pick in plan.design.items() if pick != usual[name]}
    return phrase("report.design", picks=_picks(plan, changed)) if changed else "Every choice is at its default."


def _picks(plan: Plan, picks: Mapping[str, Pick]) -> str:
    choices = plan.scenario.choices
    return "; ".join(f"{choices[name].label}: {choices[name].label_of(pick)}" for name, pick in picks.items())


def _more(result: Result) -> Passage:
    notes = f", {counted(len(result.warnings), 'note')}" if result.warnings else ""
    words = f"More: --all ({counted(len(result.metrics), 'figure')}{notes}), --json (with sources); run hash {result.run_hash}"
    return Passage([Part(_KEPT, f"[dim]{words}[/dim]")])


def _claims(claims: Sequence[str], rank: int) -> list[Part]:
    return [Part(rank if place == 0 else max(rank, _DETAILS) + place, escape(claim)) for place, claim in enumerate(claims)]


def _cost_of(result: Summary) -> list[str]:
    judged = any(verdict.metric.unit == "USD" for verdict in result.verdicts)
    return [name for name in _ALWAYS[:1] if name in result.metrics and not judged]


# ---- one run


def _toll(result: Result, calm: Result | None) -> list[Part]:
    """Name the curveballs with their times, and the objective that they changed most."""
    scenario = result.plan.scenario
    times = [f"“{scenario.curveballs[name].label}” at {clock(scenario, at_s)}" for name, at_s in result.plan.strikes.items()]
    strikes = [Part(_KEPT, f"{escape('; '.join(times))}.")] if times else []
    effects = said(largest_toll(tolls(calm, result))) if calm else ""
    return [*strikes, *([Part(_KEPT, escape(effects))] if effects else [])]


def objectives_table(verdicts: Sequence[Verdict]) -> Table:
    table = _table("objective", "reached (95% interval)", "asked", "verdict")
    for judged in verdicts:
        side = "≥" if judged.objective.at_least is not None else "≤"
        asked = f"{side} {judged.requirement.partition(' ')[2].partition(' ')[2]}"
        reached = judged.with_interval if judged.estimate else judged.reached
        verdict = f"[{COLOURS[judged.standing]}]{judged.standing}[/{COLOURS[judged.standing]}]"
        table.add_row(escape(judged.objective.label), reached, asked, verdict)
    return table


def _table(first: str, *others: str) -> Table:
    columns = [Column(first, overflow="fold"), *(Column(name, no_wrap=True) for name in others)]
    return Table(*columns, box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")


def _reasons(result: Result) -> Iterator[Passage]:
    """Give each objective that is not met its cause, what would decide it, and a step that helps; a cause is said once."""
    said, tried, sentences = set[str](), "", result.shown_reasons
    for place, reason in result.reasons.items():
        label = result.verdicts[place].objective.label
        deciders = {claim.decided_by.sentence for claim in reason.claims if claim.decided_by}
        claims = [claim for claim in short_claims(sentences[place]) if claim not in said or claim in deciders]
        said.update(claims)
        causes = _claims(claims, _CAUSES)
        step = Part(_STEPS, escape(_step(reason.advice, tried)))
        tried = reason.advice.move.words if reason.advice.move else ""
        yield Passage([*causes, step], f"[bold]{escape(label)}:[/bold]")


def _step(advice: Advice, before: str) -> str:
    """Describe the step that helps, its size, and the objectives that it harms. before: the step that was named last."""
    if (move := advice.move) is None:
        return advice.effect
    worse = " and ".join(f"“{label}”" for label in move.worse)
    effect = f"{move.turned}; {advice.effect}" if move.turned else advice.effect
    words = f"The same step: {effect}." if move.words == before else f"Try “{move.words}”: {effect}."
    return f"{words} It makes {worse} worse." if worse else words


def _figures(result: Result) -> list[Part]:
    judged = {verdict.metric.name for verdict in result.verdicts}
    names = [*_cost_of(result), *(name for name in _ALWAYS[1:] if name in result.metrics and name not in judged)]
    figures = []
    for name in names:
        estimate, metric = result.metrics[name], result.metric(name)
        value, bounds = spoken_within(estimate.value, estimate.low, estimate.high, metric.unit)
        figures.append(f"{escape(metric.label)} {value} ({bounds})")
    return [Part(_STEPS, f"{'; '.join(figures)}.")] if figures else []


def _trust(result: Result) -> list[Part]:
    doubts = [note for level in ("weak", "fair") for note in result.trust if note.level == level]
    return [
        Part(_KEPT, f"{good_of(result.trust)}."),
        *(Part(_TRUST, escape(short_claims(note.sentence, _FEW)[0])) for note in doubts[:1]),
    ]


def _note(result: Result) -> list[Part]:
    """Print the most important warning: one on a stage without a steady state, one on an objective, or the first."""
    others = [words for words in result.warnings if words != result.outside_brief]  # the head says that already
    first = min(others, key=lambda words: _lightness(result, words), default=None)
    if first is None:
        return []
    claims = [short_claims(first, words)[0] for words in range(_FEW, _FEWEST, -1)]
    in_a_line = next((claim for claim in claims if len(claim) <= _LINE and not claim.endswith("…")), claims[0])
    return [Part(_STEPS, escape(in_a_line))]


def _lightness(result: Result, warning: str) -> int:
    overloaded = [result.plan.scenario.stages[name].label for name, times in result.stages.items() if times.load >= 1]
    if any(warning.startswith(label) for label in overloaded) or (result.warm_up and warning == result.warm_up.sentence):
        return 0
    names = [(f"{verdict.metric.label}: ", f"{verdict.metric.name.partition('.')[0]} ") for verdict in result.verdicts]
    judged = [name.lower() for pair in names for name in pair]
    return 1 if any(warning.lower().startswith(name) for name in judged) else 2


# ---- two runs


def _designs(compared: Comparison) -> str:
    mine, other = compared.after.plan, compared.before.plan
    changed = [name for name, pick in mine.design.items() if pick != other.design[name]]
    each = [
        f"{_picks(mine, {name: mine.design[name]})} against {other.scenario.choices[name].label_of(other.design[name])}"
        for name in changed
    ]
    return f"{escape('; '.join(each))}." if each else "both designs are equal."


def _turned(compared: Comparison) -> list[Part]:
    pairs = list(zip(compared.before.verdicts, compared.after.verdicts, strict=True))
    turned = [f"“{new.objective.label}” {old.standing} → {new.standing}" for old, new in pairs if old.standing != new.standing]
    words = "; ".join(turned) if turned else "none"
    return [Part(_KEPT, f"{escape(words)}.")] if pairs else []


def _difference_table(judged: Sequence[Difference | OneSided]) -> Table:
    table = _table("objective", "other → this design", "difference (95% interval)")
    for difference in judged:
        change = difference.verdict if isinstance(difference, OneSided) else difference.with_interval
        table.add_row(escape(difference.label), escape(" → ".join(difference.sides)), change)
    return table


def _others(compared: Comparison, shown: set[str]) -> list[Part]:
    """Name the largest significant differences of the metrics that are not shown above, and count the others."""
    moved = [one for one in compared.moved if one.metric.name not in shown]
    others = [difference for difference in moved if difference.significant]
    sided = [one for one in compared.one_sided if one.place < NEITHER and one.metric.name not in shown]
    words = f"{len(others)} of {len(moved)} differ significantly"
    words += f", {len(sided)} more {'has' if len(sided) == 1 else 'have'} a figure on one side only" if sided else ""
    each = [
        Part(_DETAILS + place, f"{escape(other.label)} {other.with_interval}.") for place, other in enumerate(others[:_OTHERS])
    ]
    return [Part(_STEPS, f"{words}{'; the largest:' if others else '.'}"), *each]


# ---- sentences that fit in a line

#: The most words of a claim.
WORDS = 30

#: A claim that ends early keeps this number of words at least behind its last colon.
_FEWEST = 4

#: The end of a sentence: a full stop before a space and a capital, a digit or a quotation mark.
_END = re.compile(r"(?<=[.!?]) (?=[A-Z0-9“])")

#: Places where a sentence may end early, the best first.
_CUTS = ("; ", ": ", ", ")


def short_claims(text: str, words: int = WORDS) -> list[str]:
    """Return the sentences of a text, in order; a longer one than `words` ends at its last clause that fits."""
    ends = [match.start() for match in _END.finditer(text) if _is_closed(text[: match.start()])]
    sentences = [text[start:end].strip() for start, end in pairwise([0, *ends, len(text)])]
    return [_shortened(sentence, words) for sentence in sentences if sentence]


def _shortened(sentence: str, words: int) -> str:
    if len(sentence.split()) <= words:
        return sentence
    for mark in _CUTS:
        heads = [sentence[:place] for place in _outside_quotes(sentence, mark)]
        fitting = [head for head in heads if len(head.split()) <= words and len(head.rpartition(": ")[2].split()) >= _FEWEST]
        if fitting:
            return f"{fitting[-1]}."
    return f"{' '.join(sentence.split()[: words - 1])} …"


def _outside_quotes(sentence: str, mark: str) -> list[int]:
    places = [match.start() for match in re.finditer(re.escape(mark), sentence)]
    return [place for place in places if _is_closed(sentence[:place])]


def _is_closed(text: str) -> bool:
    return all(text.count(opening) == text.count(closing) for opening, closing in ("“”", "()"))
