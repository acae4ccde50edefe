"""Designs of a case: picks and figures written into it, checked where they touch it; and names of figures in words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from hashlib import sha256
from itertools import chain, islice
from typing import Any

from pydantic import ValidationError

from simulator.case.case_contract import AnyCase
from simulator.case.checks import CHECKS, check, check_names, late_names
from simulator.case.choices import Pick
from simulator.case.document import Document, Fault, Path, ScenarioError, dotted
from simulator.case.error_recovery import fault_of
from simulator.case.fields import figures_of, placed_figures
from simulator.case.schema import Scenario
from simulator.errors import suggest
from simulator.keeper import remembers
from simulator.limits import FAULTS_SHOWN


def apply(scenario: Scenario, picks: Mapping[str, Pick]) -> tuple[Scenario, dict[str, Any]]:
    """Return the scenario with picks written into it and checked again, and the whole design (defaults filled in).

    Raises ScenarioError for an unknown choice, an option that is not offered, or picks that do not fit together.
    """
    design = _read_picks(scenario, picks)
    return validated(scenario.document.patched(_changes(scenario, design)), scenario), design


def _read_picks(scenario: Scenario, picks: Mapping[str, Pick]) -> dict[str, Any]:
    """Return the whole design; raises ScenarioError for an unknown choice, or an option that is not offered."""
    document = scenario.document
    faults: list[Fault] = []
    design = scenario.defaults()
    for name, pick in picks.items():
        if name not in scenario.choices:
            message = f"there is no choice '{name}'; {suggest(name, scenario.choices)}"
            faults.append(document.fault(("choices",), message, name, "pick"))
            continue
        try:
            design[name] = scenario.choices[name].read(pick)
        except ValueError as error:
            faults.append(document.fault(("choices", name), str(error), name, "pick"))
    if faults:
        raise ScenarioError(faults)
    return design


def one_by_one(scenario: Scenario) -> list[dict[str, Pick]]:
    defaults = scenario.defaults()
    extremes = [(name, pick) for name, choice in scenario.choices.items() for pick in choice.extremes()]
    return [{}, *({name: pick} for name, pick in extremes if pick != defaults[name])]


def _changes(scenario: Scenario, design: Mapping[str, Pick]) -> dict[Path, tuple[Any, Path, str]]:
    return {
        path: (value, ("choices", name, *written_at), f"choice `{name}` at {pick}")
        for name, pick in design.items()
        for path, (value, written_at) in scenario.choices[name].changes(pick).items()
    }


def validated(document: Document, known: Scenario | None = None) -> Scenario:
    """Return the scenario of a document.

    known: one whose document shares parts with this one; where it is sound, only other parts are validated and checked again.
    Raises ScenarioError with every fault.
    """
    if known is not None and known.is_sound:
        with suppress(ValidationError):
            design = Scenario.of(document, known)
            if _passes(design, known):
                return design.found_sound()
    scenario, unknown, faults = read_scenario(document, known)
    if scenario is not None:
        faults += check(scenario, unknown, is_picked=known is not None)
    if faults or scenario is None:
        raise ScenarioError(faults)
    return scenario.found_sound()


def _changed_sections(scenario: Scenario, known: Scenario) -> dict[str, Any]:
    """Return the data of the sections that differ from those of another scenario of the same file."""
    before, now = known.document.data, scenario.document.data
    return {name: now.get(name) for name in {**before, **now} if now.get(name) is not before.get(name)}


def _design_key(scenario: Scenario, known: Scenario) -> tuple[str, bytes]:
    return known.content, sha256(repr(_changed_sections(scenario, known)).encode()).digest()


@remembers(2000, _design_key)
def _passes(scenario: Scenario, known: Scenario) -> bool:
    """Return whether a design of a sound case has no fault; checks that read nothing of what it changes are left out."""
    sections = _changed_sections(scenario, known).keys()
    names = chain(check_names(scenario.document.data, scenario), late_names(scenario, (), is_picked=True))
    due = (check.faults(scenario, ()) for check in CHECKS if not check.reads.isdisjoint(sections))
    return next(chain(names, chain.from_iterable(due)), None) is None


def read_scenario(document: Document, known: Scenario | None = None) -> tuple[Scenario | None, list[Path], list[Fault]]:
    """Return a scenario if every field can be read, the places of names that refer to nothing, and all faults of both."""
    scenario, faults = read_fields(document, known)
    unknown, misnamed = unknown_names(document, scenario)
    # beyond the most that are shown, not all names that refer to nothing are known
    return scenario if len(unknown) <= FAULTS_SHOWN.most else None, unknown, [*misnamed, *faults]


def read_fields(document: Document, known: Scenario | None = None) -> tuple[Scenario | None, list[Fault]]:
    """Return a scenario if every field can be read, or the faults of those that cannot."""
    try:
        return Scenario.of(document, known), []
    except ValidationError as error:
        return None, [fault_of(document, line) for line in error.errors(include_url=False)[: FAULTS_SHOWN.most + 1]]


def unknown_names(document: Document, scenario: Scenario | None) -> tuple[list[Path], list[Fault]]:
    """Return the places of names that refer to nothing, and their faults; scenario: as `check_names` takes it."""
    unknown = list(islice(check_names(document.data, scenario), FAULTS_SHOWN.most + 1))
    return [path for path, _ in unknown], [document.fault(path, words, code="unknown-name") for path, words in unknown]


#: A place beside those of the figures: a factor on the traffic of the case.
TRAFFIC = "traffic"

#: A place beside those of the figures: a projected latency of a batch of one, in ms, within its band.
PROJECTED = re.compile(r"stages\.(?P<pool>.+)\.projected_ms")

#: The range of an assumed or projected figure where its author gives none: from half to double of it.
DOUBTED = 0.5, 2.0


def with_figures(scenario: Scenario, numbers: Mapping[str, float]) -> Scenario:
    """Return a scenario with these numbers for its figures, checked again; TRAFFIC is a factor on the traffic.

    Raises ScenarioError for a place that holds no figure, and for a number that its field does not take.
    """
    if not numbers:
        return scenario
    if TRAFFIC in numbers:
        scenario = _with_traffic(scenario, numbers[TRAFFIC])
        numbers = {place: number for place, number in numbers.items() if place != TRAFFIC}
    figures, document = placed_figures(scenario), scenario.document
    unknown = [place for place in numbers if place not in figures]
    if unknown:
        raise _unknown(scenario, unknown, figures)
    changes: dict[Path, tuple[Any, Path, str]] = {}
    for place, number in numbers.items():
        path, figure = figures[place]
        others = figure.model_dump(exclude={"between"}, exclude_none=True)
        changes[path] = (others | {"value": number}, path, f"the figure `{place}` at {number:g}")
    return validated(document.patched(changes), scenario)


def designed_as(scenario: Scenario, picks: Mapping[str, Pick], figures: Mapping[str, float]) -> tuple[Scenario, dict[str, Any]]:
    """Return a scenario with picks and then figures written into it, and the whole design.

    Figures that no pick writes are written first, once for all designs of a sweep.
    Raises ScenarioError as `apply` and `with_figures` do.
    """
    if figures and not _meet(_changes(scenario, _read_picks(scenario, picks)), figures):
        with suppress(ScenarioError):  # picks may make room for the figures
            return apply(_figured(scenario, tuple(sorted(figures.items()))), picks)
    changed, design = apply(scenario, picks)
    return with_figures(changed, figures), design


@lru_cache(maxsize=4)
def _figured(scenario: Scenario, figures: tuple[tuple[str, float], ...]) -> Scenario:
    return with_figures(scenario, dict(figures))


def _meet(paths: Iterable[Path], figures: Iterable[str]) -> bool:
    """Return whether a path leads to a figure, or to a part that holds one or belongs to it."""
    places = ["arrivals" if place == TRAFFIC else place for place in figures]
    return any(
        f"{dotted(path)}.".startswith(f"{place}.") or f"{place}.".startswith(f"{dotted(path)}.")
        for path in paths
        for place in places
    )


def _unknown(scenario: Scenario, places: Iterable[str], known: Iterable[str]) -> ScenarioError:
    messages = {place: f"there is no figure `{place}`; {suggest(place, known)}" for place in places}
    return ScenarioError([scenario.document.fault((), message, place, "pick") for place, message in messages.items()])


def _with_traffic(scenario: Scenario, times: float) -> Scenario:
    """Return a scenario whose rate of arrival is multiplied throughout the run."""
    document = scenario.document
    if not scenario.arrivals.has_rate:
        kind = scenario.arrivals.kind
        message = f"`{TRAFFIC}` multiplies a rate of arrival; arrivals of the kind `{kind}` have none"
        raise ScenarioError([document.fault(("arrivals",), message, TRAFFIC)])
    spikes = [spike.model_dump() for spike in getattr(scenario.arrivals, "spikes", [])]
    whole = {"at_s": 0, "seconds": 86_400 * (scenario.run.days + scenario.run.drain_days), "times": times}
    written = ([*spikes, whole], ("arrivals",), f"`{TRAFFIC}` at {times:g}")
    return validated(document.patched({("arrivals", "spikes"): written}), scenario)


def range_of(scenario: Scenario, place: str) -> tuple[float, float]:
    """Return the lowest and the highest value that a figure may have: the author's, else half to double, within its field.

    Raises ScenarioError for a place that holds no figure.
    """
    if place == TRAFFIC:
        return DOUBTED
    figures = figures_of(scenario)
    if place not in figures:
        raise _unknown(scenario, [place], figures)
    figure = figures[place]
    if figure.between:
        return figure.between
    ends = sorted(figure.value * part for part in DOUBTED)
    return max(ends[0], figure.allowed[0]), min(ends[1], figure.allowed[1])


#: Units at the end of a field's name, as they are written.
_UNITS = {"s": "s", "ms": "ms", "h": "h", "min": "min", "m": "m", "mb": "MB", "mbps": "Mbit/s", "kmh": "km/h", "mps": "m/s",
          "mps2": "m/s²", "w": "W", "hz": "Hz", "usd": "USD", "px": "px", "deg": "degrees"}  # fmt: skip

#: Units within a field's name, and abbreviations, as they are written.
_WRITTEN = {"usd": "USD", "wh": "Wh", "kwh": "kWh", "kmh": "km/h", "auc": "AUC", "ood": "out of distribution"}


def figure_name(scenario: AnyCase, place: str) -> str:
    """Name a figure in words: `Dermatologist: patience in h, median` for `stages.dermatologist.patience_h.median`.

    A labelled entry of a section stands for the section, and an entry of a list is named by its own word:
    `Incident: usual rain, spell in h` for `incident.usual.0.spell_h`. Words that are no place stay as they are.
    """
    if " " in place:
        return place
    head, *rest = place.split(".")
    owner = _entry(getattr(scenario, head, None), rest[0]) if rest else None
    if label := getattr(owner, "label", ""):
        return f"{label}: {', '.join(_parts(owner, rest[1:]))}" if rest[1:] else label
    named = f"{head[0].upper()}{_worded(head)[1:]}"
    return f"{named}: {', '.join(_parts(getattr(scenario, head, None), rest))}" if rest else named


def _parts(node: Any, path: Sequence[str]) -> Iterator[str]:
    """Yield a name for each step of a path; a named entry of a list joins the name of the list."""
    words = ""
    for step in path:
        node = _entry(node, step)
        if step.isdigit() and words and (name := _name_of(node)):
            words = f"{words} {name}"
            continue
        if words:
            yield words
        words = f"number {int(step) + 1}" if step.isdigit() else _worded(step)
    if words:
        yield words


def _entry(node: Any, step: str) -> Any:
    """Return the entry of a section, a mapping or a list; None where there is none."""
    if isinstance(node, Mapping):
        return node.get(step)
    if isinstance(node, Sequence):
        return node[int(step)] if step.isdigit() and int(step) < len(node) else None
    return getattr(node, step, None)


def _name_of(entry: Any) -> str:
    """Return the label of an entry, else the first word that its author must give."""
    fields = getattr(type(entry), "model_fields", {})
    names = ["label", *(name for name, field in fields.items() if field.is_required())]
    words = (word for name in names if isinstance(word := getattr(entry, name, None), str))
    return next(words, "").replace("_", " ")


def _worded(field_name: str) -> str:
    *words, last = field_name.split("_")
    if words and last in _UNITS:
        per = words[-1] == "per"
        return " ".join([*map(_written, words), *([] if per else ["in"]), _WRITTEN.get(last, _UNITS[last])])
    return " ".join(map(_written, [*words, last]))


def _written(word: str) -> str:
    return _WRITTEN.get(word, word)
