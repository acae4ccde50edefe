"""Account for each number in a case's prose: a claim, the case, a run, a source, or arithmetic with such numbers bears it out.

A number is borne out by an equal one that speaks of the same thing: the words around both are compared, and the fewer digits a
number has, the more words must agree. A claim that quotes the words of a text bears out the numbers in them.
"""

from __future__ import annotations

import operator
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import permutations
from math import log
from typing import Any, NamedTuple

from simulator.authoring.check_results import CheckResult, result_at
from simulator.authoring.known_numbers import KnownNumber, Stems, in_any_layout, known_numbers, near, prose_texts, stems
from simulator.authoring.quoted_numbers import QuotedNumber, quoted_numbers
from simulator.case.document import Path, dotted
from simulator.case.prose_figures import unshown_claims
from simulator.case.schema import Scenario
from simulator.phrases import phrase

#: The weight of shared words that a number of one, two or more digits needs, where one of them stands next to both numbers.
_NEAR = {"claim": (5.0, 2.5, 0.0), "source": (5.0, 2.5, 0.0), "case": (1.0, 1.0, 0.0), "count": (0.0, 0.0, 0.0)}

#: The weight where none does.
_FAR = {
    "claim": (9.0, 6.0, 3.0),
    "source": (9.0, 6.0, 4.0),
    "run": (6.0, 5.0, 4.0),
    "case": (5.0, 3.5, 2.5),
    "count": (9.0, 9.0, 9.0),
    "objective": (3.0, 2.0, 1.0),
}

#: A stem of less weight stands next to numbers of all kinds.
_LEAST = 1.5

#: The number of known numbers from which on words are weighed by them: a small case has few.
_FEWEST = 300


class Account(NamedTuple):
    """A number of the prose; kind: of its evidence, empty for none; nearest: the value that a number without any may mean."""

    path: Path
    number: QuotedNumber
    kind: str
    nearest: KnownNumber | None = None


def prose_checks(scenario: Scenario, figures: Mapping[str, str]) -> Iterator[CheckResult]:
    """Yield a fault for each number of the prose that nothing bears out, and for each claim that quotes words of no text.

    figures: of runs, as `kept_figures` returns them
    """
    for index in unshown_claims(scenario):
        yield result_at(scenario, ("claims", index, "says"), "numbers", "claim", "fail", phrase("prose.unshown"))
    found = accounts(scenario, figures)
    for path, number, kind, nearest in found:
        if not kind:
            says = phrase("prose.unaccounted", words=number.words, advice=_advice(nearest))
            fault = scenario.document.at_words(scenario.document.fault(path, says), number.words)
            result = result_at(scenario, path, "numbers", dotted(path), "fail", says)
            yield replace(result, line=fault.line, column=fault.column)
    if all(account.kind for account in found):
        kinds = Counter(account.kind for account in found)
        counts = ", ".join(f"{kind} {count}" for kind, count in kinds.most_common())
        said = phrase("prose.accounted", count=len(found), counts=counts)
        yield result_at(scenario, (), "numbers", "text", "pass", said)


def _advice(nearest: KnownNumber | None) -> str:
    if nearest is None:
        return phrase("prose.claim_it")
    return phrase("prose.run" if nearest.kind == "run" else "prose.nearest", place=nearest.place, value=nearest.number.words)


def accounts(scenario: Scenario, figures: Mapping[str, str]) -> list[Account]:
    """Return all numbers of a case's prose, each with the kind of its evidence."""
    reader = ProseReader(scenario, figures)
    return [account for path, text in prose_texts(scenario) for account in reader.accounts_of(path, text)]


class Quote(NamedTuple):
    """A number of a text.

    about, near, noun: stems of its sentence, of the words next to it, and of the one behind it
    claims: places of those that quote the words where it stands
    """

    number: QuotedNumber
    about: Stems
    near: Stems
    noun: Stems
    claims: frozenset[str]


class ProseReader:
    """Reads texts of a case with the numbers that they may quote at hand."""

    def __init__(self, scenario: Scenario, figures: Mapping[str, str]) -> None:
        self.scenario = scenario
        self.claims = {f"claims.{index}": in_any_layout(claim.says) for index, claim in enumerate(scenario.claims)}
        self.known = known_numbers(scenario, figures)
        counts = Counter(stem for known in self.known for stem in known.about)
        self.weights = {stem: log(max(len(self.known), _FEWEST) / count) for stem, count in counts.items()}
        self.counted = {stem for known in self.known for stem in known.near if self.weights.get(stem, 0.0) >= _LEAST}

    def accounts_of(self, path: Path, text: str) -> Iterator[Account]:
        """Yield the account of each number of a text."""
        spans = {place: [match.span() for match in words.finditer(text)] for place, words in self.claims.items()}
        subject, kinds = self._subject(path), dict[Quote, str]()
        for number in quoted_numbers(text):
            if not self._is_no_fact(text, number):
                claims = frozenset(place for place, spans_of in spans.items() for a, b in spans_of if a <= number.start < b)
                quote = Quote(
                    number, subject | stems(_sentences_around(text, number)), near(text, number), _noun(text, number), claims
                )
                kinds[quote] = self._evidence(path, quote)
        sure = [quote.number for quote, kind in kinds.items() if kind]
        for quote, kind in kinds.items():
            found = kind or ("arithmetic" if "strong" in path and _follows(quote.number, sure) else "")
            yield Account(path, quote.number, found, None if found else self._nearest(path, quote))

    def _is_no_fact(self, text: str, number: QuotedNumber) -> bool:
        """Return whether a number names a measure, or counts in words what the case does not: `three reasons`."""
        if number.words == "1,000":
            return any("1000" in name for name in self.scenario.metrics)
        if number.words == "95%" and text.startswith(" interval", number.end):
            return True
        return number.words.isalpha() and not number.unit and not _noun(text, number) & self.counted

    def _evidence(self, path: Path, quote: Quote) -> str:
        """Return the kind of the first evidence for a number; `one in fifty` may be borne out by its two numbers."""
        for known in self.known:
            is_quoted = known.place in quote.claims
            if known.bears_out(quote.number, is_quoted) and (is_quoted or self._agrees(known, path, quote)):
                return known.kind
        kinds = [self._evidence(path, quote._replace(number=part)) for part in quote.number.parts]
        return kinds[0] if kinds and all(kinds) else ""

    def _agrees(self, known: KnownNumber, path: Path, quote: Quote) -> bool:
        """Return whether a known number speaks of the thing that a text is about."""
        if known.place.startswith(self._named(path)):
            return True
        if known.kind == "run" and path[0] == "reference" and not known.place.endswith(f"@{path[1]}}}"):
            return False
        beside = quote.noun if known.kind == "count" else quote.near
        is_near = any(self.weights.get(stem, 0.0) >= _LEAST for stem in known.near & beside)
        if known.kind in ("case", "count") and not known.near & quote.about and quote.number.unit in ("", "share"):
            return False
        weight = sum(self.weights[stem] for stem in known.about & quote.about)
        return weight >= (_NEAR if is_near else _FAR)[known.kind][_digits(quote.number) - 1]

    def _named(self, path: Path) -> tuple[str, ...]:
        """Return the places that a text rests on by its author's word: those of its question, or the picks of its design."""
        if path[0] == "questions":
            return tuple(self.scenario.questions[int(path[1])].rests_on)
        return (f"reference.{path[1]}.set",) if path[0] == "reference" else ()

    def _subject(self, path: Path) -> Stems:
        """Return the stems of the short texts beside a text that say what it is about: a title, a question, a label."""
        data: Any = self.scenario.document.data
        words = [str(part) for part in path]
        for part in path[:-1]:
            data = data[part]
            if isinstance(data, dict):
                words += [str(data.get(name, "")) for name in ("title", "ask", "label", "rests_on", "choices")]
        return stems(" ".join(words).replace("_", " "))

    def _nearest(self, path: Path, quote: Quote) -> KnownNumber | None:
        """Return the value nearest to a number among those of the case and of runs that speak of the same thing."""
        number = quote.number
        of_case = (known for known in self.known if known.kind in ("case", "run", "objective"))
        alike = (known for known in of_case if known.number.unit == number.unit and self._agrees(known, path, quote))
        close = [known for known in alike if 0.5 <= known.number.value / (number.value or 1.0) <= 2.0]
        return min(close, key=lambda known: abs(known.number.value - number.value), default=None)


def _sentences_around(text: str, number: QuotedNumber) -> str:
    """Return the sentence of a number with the one before it."""
    stops = [0, 0, *(match.end() for match in re.finditer(r"[.!?:;]\s", text)), len(text)]
    begin = [stop for stop in stops if stop <= number.start][-2]
    return text[begin : next(stop for stop in stops if stop >= number.end)]


def _noun(text: str, number: QuotedNumber) -> Stems:
    """Return the stem of the first word behind a number."""
    return stems(" ".join(re.findall(r"[^\W\d_]+", text[number.end :])[:1]))


def _digits(number: QuotedNumber) -> int:
    """Return the number of digits that count, up to three: one of 200, three of 0.832; a unit and a thousand count too."""
    digits = len("".join(re.findall(r"\d", number.words)).strip("0")) or 1
    return min(digits + len(number.parts) + (number.unit not in ("", "share")) + (number.written >= 1000), 3)


def _follows(number: QuotedNumber, sure: list[QuotedNumber]) -> bool:
    """Return whether a number is the result of one operation on two others of its text that are borne out."""
    operations = (operator.add, operator.sub, operator.mul, operator.truediv)
    pairs = [(one, other) for one, other in permutations(sure, 2) if number not in (one, other) and other.value]
    return any(number.is_near(operation(one.value, other.value)) for one, other in pairs for operation in operations)
