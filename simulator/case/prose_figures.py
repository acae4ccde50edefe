"""Texts of a case that people read. `{figure:PLACE}` and `{metric:NAME@DESIGN}` in them are filled in when a case is loaded.

A figure is the author's own. A metric takes a run: its number is the one that `casesim test` kept of this very case, and
without one the text says so. So no text states a number that has changed, and no page waits for a run.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel

from simulator.case.case_contract import AnyCase
from simulator.case.case_tests import DEFAULT, TestedCase, leaves, picks_of
from simulator.case.document import Fault, Path
from simulator.case.fields import figures_of
from simulator.errors import suggest
from simulator.files import UnreadableError, read_within
from simulator.limits import CASE_FILE
from simulator.paths import OWN_TESTED, TESTED
from simulator.units import plain_number

Case = TypeVar("Case", bound="TestedCase")

#: The words in the place of a metric without a kept number.
UNKNOWN = "(run to see)"

#: The format of a metric with its interval in brackets.
INTERVAL = "interval"

#: The sections that hold texts, besides names that only a program reads.
TEXT_SECTIONS = ("title", "summary", "brief", "questions", "debrief", "phases", "defence", "reference", "anchors", "interview")

#: The sections whose texts are filled in: those that people read, the claims that quote them, and the reasons of tests.
_FILLED = (*TEXT_SECTIONS, "claims", "tests")

_PLACEHOLDER = re.compile(r"\{(figure|metric):([^{}|]*)(?:\|([^{}]*))?\}")


def _percent(value: float) -> str:
    return f"{plain_number(100 * value)}%"


#: The ways to write a figure, by the word behind `|`; without one it is a plain number.
_FORMATS: dict[str, Callable[[float], str]] = {"": plain_number, "percent": _percent}


class Placeholder(NamedTuple):
    """A placeholder of a text.

    kind: figure or metric; name: the place of the figure, or the metric; design: of a metric; form: the format of a figure
    """

    kind: str
    name: str
    design: str
    form: str

    @property
    def subject(self) -> str:
        return f"{self.name}@{self.design}"


def placeholders_in(text: str) -> Iterator[Placeholder]:
    """Yield the placeholders of a text."""
    for match in _PLACEHOLDER.finditer(text):
        yield _placeholder(match)


def _placeholder(match: re.Match[str]) -> Placeholder:
    name, _, design = match[2].partition("@") if match[1] == "metric" else (match[2], "", "")
    return Placeholder(match[1], name, design or DEFAULT, match[3] or "")


def without_placeholders(text: str) -> str:
    """Return a text with blanks in the places of its placeholders."""
    return _PLACEHOLDER.sub(lambda match: " " * len(match[0]), text)


def texts_of(scenario: AnyCase) -> Iterator[tuple[Path, str]]:
    """Yield every text of the sections that people read."""
    for name in TEXT_SECTIONS:
        yield from texts_in(getattr(scenario, name), (name,))


def texts_in(part: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Yield every text within a part of a case."""
    return ((place, value) for place, value in leaves(part, path) if isinstance(value, str))


def words_alone(text: str) -> str:
    """Return a text without emphasis, line breaks, capitals and the last stop, to look for it in another one."""
    return " ".join(text.replace("*", "").split()).rstrip(".").casefold()


def unshown_claims(scenario: TestedCase) -> list[int]:
    """Return the places of claims that quote words of no text."""
    shown = [*texts_of(scenario), *texts_in(scenario.tests, ("tests",))]
    texts = " ".join(words_alone(text) for _, text in shown)
    return [index for index, claim in enumerate(scenario.claims) if words_alone(claim.says) not in texts]


def raw_texts(scenario: TestedCase) -> Iterator[tuple[Path, str]]:
    """Yield every text as it stands in the file, with its placeholders."""
    for name in _FILLED:
        yield from texts_in(scenario.document.data.get(name), (name,))


def metrics_in_prose(scenario: TestedCase) -> list[Placeholder]:
    """Return the metrics that texts of a case name, each once."""
    named = (
        placeholder for _, text in raw_texts(scenario) for placeholder in placeholders_in(text) if placeholder.kind == "metric"
    )
    return list({placeholder.subject: placeholder for placeholder in named}.values())


def with_filled_texts(scenario: Case) -> Case:
    """Return a scenario whose placeholders are filled in; one that names nothing stays, and `placeholder_faults` reports it."""
    if not any(_PLACEHOLDER.search(text) for _, text in raw_texts(scenario)):
        return scenario
    fill = partial(_PLACEHOLDER.sub, _filling(scenario))
    return scenario.model_copy(update={name: _filled(getattr(scenario, name), fill) for name in _FILLED})


def _filling(scenario: TestedCase) -> Callable[[re.Match[str]], str]:
    figures, numbers = figures_of(scenario), kept_figures(scenario) if metrics_in_prose(scenario) else {}

    def text_of(match: re.Match[str]) -> str:
        kind, name, _, form = place = _placeholder(match)
        if kind == "metric":
            shown = numbers.get(place.subject, UNKNOWN)
            return shown if form else shown.partition(" (")[0]
        return _FORMATS[form](figures[name].value) if name in figures and form in _FORMATS else match[0]

    return text_of


def _filled(part: Any, fill: Callable[[str], str]) -> Any:
    if isinstance(part, str):
        return fill(part)
    if isinstance(part, BaseModel):
        return part.model_copy(update={name: _filled(getattr(part, name), fill) for name in type(part).model_fields})
    if isinstance(part, dict):
        return {key: _filled(value, fill) for key, value in part.items()}
    return [_filled(value, fill) for value in part] if isinstance(part, list) else part


def placeholder_faults(scenario: TestedCase) -> Iterator[Fault]:
    """Yield placeholders that name nothing, and those in texts where none is filled in, each at its own place."""
    figures = figures_of(scenario)
    for name, part in scenario.document.data.items():
        for path, text in texts_in(part, (str(name),)):
            for match in _PLACEHOLDER.finditer(text):
                message = _trouble(_placeholder(match), scenario, figures)
                if name not in _FILLED:
                    message = f"a placeholder is filled in only in the sections {', '.join(TEXT_SECTIONS)}"
                if message:
                    yield scenario.document.at_words(scenario.document.fault(path, message, code="placeholder"), match[0])


def _trouble(placeholder: Placeholder, scenario: TestedCase, figures: Mapping[str, Any]) -> str:
    if placeholder.kind == "figure":
        if placeholder.name not in figures:
            return f"there is no figure '{placeholder.name}'; {suggest(placeholder.name, figures)}"
        return (
            ""
            if placeholder.form in _FORMATS
            else f"'{placeholder.form}' is not a format; {suggest(placeholder.form, filter(None, _FORMATS))}"
        )
    designs = [DEFAULT, *scenario.reference]
    if placeholder.name not in scenario.metrics:
        return f"'{placeholder.name}' is not a metric here; {suggest(placeholder.name, scenario.metrics)}"
    if placeholder.design not in designs:
        return f"'{placeholder.design}' is no design; {suggest(placeholder.design, designs)}"
    is_format = placeholder.form in ("", INTERVAL)
    return "" if is_format else f"a metric has a format of its own; leave out the words behind `|`, or write `{INTERVAL}` there"


# ---- numbers of runs


def figures_key(scenario: TestedCase, design: str) -> str:
    """Return the key of a design's figures among the kept results: it changes with the case and with the design."""
    content = json.dumps([scenario.hashed_data, picks_of(scenario, design)], sort_keys=True, default=str)
    return f"figures {design} {hashlib.sha256(content.encode()).hexdigest()[:12]}"


def kept_figures(scenario: TestedCase) -> dict[str, str]:
    """Return the figures that `casesim test` kept of this very case, `78% (75 to 81)`, by metric and design."""
    return figures_in(scenario, _kept_results(scenario.id))


def figures_in(scenario: TestedCase, results: Mapping[str, str]) -> dict[str, str]:
    """Return the figures that results of tests hold, by metric and design; results: their words by key."""
    says = {design: results.get(figures_key(scenario, design), "") for design in (DEFAULT, *scenario.reference)}
    parts = ((design, part.partition(" ")) for design, whole in says.items() for part in whole.split("; ") if part)
    return {f"{name}@{design}": shown for design, (name, _, shown) in parts}


def _kept_results(case: str) -> dict[str, str]:
    """Return what kept results say, by key: those that come with CaseSim, then the user's own; a damaged file has none."""
    says: dict[str, str] = {}
    for folder in (TESTED, OWN_TESTED):
        try:
            data = json.loads(read_within(folder / f"{case}.json", CASE_FILE))
            says |= {key: str(results[0]["says"]) for key, results in data.items() if key.startswith("figures ")}
        except (UnreadableError, ValueError, LookupError, TypeError, AttributeError):
            continue
    return says
