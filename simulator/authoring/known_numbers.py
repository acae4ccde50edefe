"""The numbers that a case's prose may quote: those of its claims, its own values, runs of its designs, and its sources."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from simulator.authoring.quoted_numbers import UNITS, QuotedNumber, quoted_numbers
from simulator.case.case_tests import TextClaim, leaves
from simulator.case.document import Path, dotted
from simulator.case.fields import EVIDENCE_KINDS
from simulator.case.prose_figures import raw_texts, without_placeholders
from simulator.case.schema import Scenario
from simulator.units import plain_number

#: Keys below which no prose stands: sources, names of things, and answers that are wrong on purpose.
_NO_PROSE = frozenset(
    ("source", "weak", "id", "rests_on", "set", "meets", "choices", "panels", "panel", "fails", "turns", "claims")
)

#: Sections that quote numbers of the other ones.
_PROSE_SECTIONS = frozenset(("claims", "tests", "questions", "debrief", "interview", "anchors", "brief"))

#: The unit of a field, by a part of its name.
_FIELD_UNITS = {
    "ms": "ms", "s": "s", "min": "min", "minutes": "min", "h": "h", "hours": "h", "day": "day", "days": "day", "weeks": "week",
    "usd": "USD", "kmh": "km/h", "m": "m", "w": "W", "mb": "MB", "mbps": "Mbit/s",
}  # fmt: skip

Stems = frozenset[str]


class KnownNumber(NamedTuple):
    """A number that a text may quote.

    kind: claim, case, count, objective, run or source; place: in the case, or the placeholder of a run's figure
    about: stems of the words that say what it is; near: of those next to it
    """

    kind: str
    place: str
    number: QuotedNumber
    about: Stems
    near: Stems = frozenset()

    def bears_out(self, number: QuotedNumber, as_written: bool = False) -> bool:
        """Return whether a number of a text is this one, in any unit; as_written: whether the digits alone decide."""
        own = self.number
        if as_written or not number.unit:
            return abs(number.written - own.written) * number.scale <= number.slack * (1 + 1e-9)
        if number.unit == "share" and (own.unit == "share" or (not own.unit and 0 <= own.value <= 1)):
            return any(number.is_near(share) for share in (own.value, 1 - own.value, -own.value))
        return number.unit == own.unit and number.is_near(own.value)


def known_numbers(scenario: Scenario, figures: Mapping[str, str]) -> list[KnownNumber]:
    """Return all numbers that prose may quote, the surest first; figures: of runs, as `kept_figures` returns them."""
    return [*_of_claims(scenario), *_of_case(scenario), *_of_runs(scenario, figures), *_of_sources(scenario)]


def prose_texts(scenario: Scenario) -> Iterator[tuple[Path, str]]:
    """Yield the texts that state facts to people, with blanks in the places of their placeholders."""
    return ((path, without_placeholders(text)) for path, text in raw_texts(scenario) if not _NO_PROSE.intersection(path))


# ---- words


def stems(text: str) -> Stems:
    """Return the words of a text by their first letters, `mela` of melanomas, to see whether two texts speak of one thing."""
    return frozenset(word.casefold()[:4] for word in re.findall(r"[^\W\d_]{4,}", text))


def near(text: str, number: QuotedNumber) -> Stems:
    """Return the stems of the words next to a number."""
    before, behind = re.split(r"[.;:!?()]", text[: number.start])[-1], re.split(r"[.;:!?()]", text[number.end :])[0]
    return stems(" ".join([*before.split()[-4:], *behind.split()[:4]]))


def in_any_layout(words: str) -> re.Pattern[str]:
    """Return a pattern of words that may be broken into lines or emphasised."""
    return re.compile(r"[\s*]+".join(re.escape(word) for word in words.replace("*", "").split()), re.IGNORECASE)


def _sentence(text: str, match: re.Match[str]) -> str:
    end = text.find(". ", match.end())
    return text[text.rfind(". ", 0, match.start()) + 1 : end if end > 0 else len(text)]


# ---- claims and sources


def _of_claims(scenario: Scenario) -> Iterator[KnownNumber]:
    """Yield the numbers that claims check, with the words of the sentences that they quote."""
    texts = [text for _, text in prose_texts(scenario)]
    for index, claim in enumerate(scenario.claims):
        words = in_any_layout(claim.says)
        quoted = [_sentence(text, match) for text in texts if (match := words.search(text))]
        about = stems(" ".join([claim.says, *quoted]))
        for pick in (pick for design in (claim.design, claim.against) if isinstance(design, dict) for pick in design.values()):
            if isinstance(pick, int | float):
                yield KnownNumber("claim", f"claims.{index}", _number(pick), about)
        for number in quoted_numbers(claim.says):
            if _is_checked(claim, number, _scales_of(claim, scenario)):
                beside = near(claim.says, number)
                yield from (KnownNumber("claim", f"claims.{index}", part, about, beside) for part in (number, *number.parts))


def _scales_of(claim: TextClaim, scenario: Scenario) -> list[float]:
    """Return the factors from the unit of a claim's own number to that of texts; none where its unit is not known."""
    if claim.figure is not None:
        unit, scale = _unit_of(tuple(claim.figure.split(".")))
        return [scale] if unit else []
    metric = claim.metric or claim.objective
    unit = scenario.metrics[metric].unit if metric else ""
    return [0.001] if claim.profile else [1.0, 100.0] if unit == "share" else [1.0] if unit in ("s", "USD") else []


def _is_checked(claim: TextClaim, number: QuotedNumber, scales: list[float]) -> bool:
    """Return whether a claim bears out a number of its words: by a source, by arithmetic, or as a number that it checks."""
    if claim.source is not None:
        result = _result_of(claim.source)
        return result is None or number.slack_beside(result) is not None
    bounds = [bound for bound in (claim.shows, claim.low, claim.high, claim.at_least, claim.at_most) if bound is not None]
    forms = [form for bound in bounds for form in (bound, -bound, 1 - bound, 1 / bound if bound else 0.0)]
    scales = scales or [1.0, 1.0 if number.unit else 100.0, *(scale for unit, scale in UNITS.values() if unit == number.unit)]
    return any(part.is_near(form * scale) for part in (number, *number.parts) for form in forms for scale in scales)


_OPERATIONS: dict[type[ast.operator], Any] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def _result_of(source: str) -> float | None:
    """Return the result of a source such as `arithmetic: 12 * 60 / 1.36`; None for one in words."""
    head, _, expression = source.partition("arithmetic:")
    if head or not re.fullmatch(r"[\d\s.+*/()-]{1,100}", expression):
        return None

    def value(node: ast.expr) -> float:
        if isinstance(node, ast.BinOp):
            return float(_OPERATIONS[type(node.op)](value(node.left), value(node.right)))
        return float(ast.literal_eval(node))

    try:
        return value(ast.parse(expression.strip(), mode="eval").body)
    except (SyntaxError, ValueError, LookupError, ArithmeticError):
        return None


def _of_sources(scenario: Scenario) -> Iterator[KnownNumber]:
    for path, text in leaves(scenario.document.data):
        if isinstance(text, str) and path[-1] in ("source", *EVIDENCE_KINDS) and not text.startswith("arithmetic:"):
            for number in quoted_numbers(text):
                yield KnownNumber("source", dotted(path), number, stems(text), near(text, number))


# ---- runs and the case itself


def _of_runs(scenario: Scenario, figures: Mapping[str, str]) -> Iterator[KnownNumber]:
    asked = _asked_metrics(scenario)
    for subject, shown in figures.items():
        name = subject.partition("@")[0]
        if name in asked:
            about = stems(f"{scenario.metrics[name].label} {name.replace('_', ' ')}")
            yield from (KnownNumber("run", f"{{metric:{subject}}}", number, about) for number in quoted_numbers(shown)[:1])


def _asked_metrics(scenario: Scenario) -> set[str]:
    """Return the metrics whose figures a text may quote as they stand: those of objectives, predictions and claims."""
    of_objectives = (objective.metric for objective in scenario.objectives)
    return {*of_objectives, *(scenario.predict or ()), *(claim.metric for claim in scenario.claims if claim.metric)}


def _of_case(scenario: Scenario) -> Iterator[KnownNumber]:
    data = {name: part for name, part in scenario.document.data.items() if name not in _PROSE_SECTIONS}
    yield from _numbers_in(data, (), frozenset())
    for name in _asked_metrics(scenario):
        if share := re.search(r"_p(\d\d)_", name):
            about = stems(f"{scenario.metrics[name].label} {name}")
            yield KnownNumber("objective", name, _number(int(share[1]) / 100, "share"), about)
    for objective in scenario.objectives:
        metric = scenario.metrics[objective.metric]
        number = _number(objective.bound, metric.unit if metric.unit in ("s", "share", "USD") else "")
        yield KnownNumber("objective", metric.name, number, stems(f"{objective.label} {metric.name} {metric.label}"))


def _number(value: float, unit: str = "", scale: float = 1.0) -> QuotedNumber:
    return QuotedNumber(plain_number(value / scale), value, 0.0, unit, scale, 0, 0)


def _numbers_in(data: Any, path: Path, about: Stems) -> Iterator[KnownNumber]:
    """Yield the numbers of nested data, and the lengths of its lists, with the words of keys, labels and sources on the way."""
    if isinstance(data, dict | list):
        items = list(data.items() if isinstance(data, dict) else enumerate(data))
        about |= stems(" ".join(str(value) for key, value in items if key in ("label", "metric", *EVIDENCE_KINDS)))
        if len(data) > 1 and path and str(path[-1]).endswith("s") and path[0] not in ("phases", "reference"):
            yield KnownNumber("count", dotted(path), _number(len(data)), about, stems(str(path[-1]).rpartition(".")[2]))
        for key, value in items:
            if key != "between":
                yield from _numbers_in(value, (*path, key), about | stems(re.sub(r"[_.]", " ", str(key))))
    elif isinstance(data, str) and re.fullmatch(r"\d\d:\d\d", data):
        yield KnownNumber("case", dotted(path), _number(int(data[:2]) + int(data[3:]) / 60, "clock"), about)
    elif isinstance(data, int | float) and not isinstance(data, bool):
        unit, scale = _unit_of(path)
        yield KnownNumber("case", dotted(path), _number(data * scale, unit, scale), about, _own_words(path))


def _unit_of(path: Path) -> tuple[str, float]:
    """Return the unit of the last key that names one, without the `per_hour` of a price."""
    words = [word for part in path for word in re.split(r"[^a-z]+", re.sub(r"_?per_\w+", "", str(part)))]
    named = next((word for word in reversed(words) if word in _FIELD_UNITS), None)
    return UNITS[_FIELD_UNITS[named]] if named else ("", 1.0)


def _own_words(path: Path) -> Stems:
    """Return the stems of the last key that says what a number is, besides its unit."""
    keys = reversed(dotted(path).split("."))
    words = ({*re.split(r"[^a-z]+", key)} - {*_FIELD_UNITS, "value"} for key in keys)
    return next((own for own in (stems(" ".join(part)) for part in words) if own), frozenset())
