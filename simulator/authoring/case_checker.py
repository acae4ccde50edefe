"""The checker of a case: all faults and cautions of a file or of a text, for the command, an editor and a page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import getitem
from typing import Any

from simulator.authoring.finding_codes import severity_of
from simulator.case.checks import placed_cautions, slow_answers
from simulator.case.choices import Choice, Number, Options
from simulator.case.document import Document, Fault, Path, ScenarioError, beyond, dotted, parse_document
from simulator.case.fields import EVIDENCE_KINDS, Figure, sourced_of
from simulator.case.load import find, load, loads, misnamed
from simulator.case.phases import PRACTICE_FIELDS
from simulator.case.prose_figures import kept_figures, placeholders_in, raw_texts, texts_of, unshown_claims
from simulator.case.scenario_parts import Objective
from simulator.case.schema import Scenario
from simulator.engine.compiled_plan import Plan
from simulator.engine.plan import compile_plan, read_whole
from simulator.explain.notes import too_few_labels
from simulator.limits import FAULTS_SHOWN
from simulator.phrases import phrase
from simulator.units import span, spoken_bound

# ---- cautions: figures without a range or a date, bounds without proof, texts that mislead

Found = Iterator[tuple[Path, str]]

#: The most words of a sentence.
MOST_WORDS = 30

#: An answer that no person gives hardly takes longer than this (s): a larger bound may be meant in milliseconds.
_LONGEST_OF_MACHINES = 600

#: A year, or the number of a paper on arXiv, which begins with its year and month.
_DATE = re.compile(r"\b(?:19|20)\d\d\b|\b\d{4}\.\d{4,5}\b")

#: The end of a sentence, or of a part that reads as one.
_END = re.compile(r"(?<=[.!?:;])[\"”’)*]*\s+|\n\s*\n|\n\s*(?=[-*] |\d+\. )")


def lint_cautions(plan: Plan) -> list[Fault]:
    """Return every caution on a case whose default design has this plan, also those on its evidence."""
    scenario = authored(plan)
    document = scenario.document
    cautions = [document.fault(path, words, code=code) for code, rule in RULES.items() for path, words in rule(scenario, plan)]
    known = {caution.message for caution in cautions}
    labels = {stage.label: ("stages", name) for name, stage in plan.scenario.stages.items()}
    for warning in plan.warnings:
        place = next((path for label, path in labels.items() if warning.startswith(label)), ())
        if warning not in known:
            cautions.append(document.fault(place, warning, code="evidence-doubt"))
    return [*cautions, *_long_sentences(scenario)]


def authored(plan: Plan) -> Scenario:
    """Return the case as its author wrote it, before any pick."""
    return plan.authored or plan.scenario


def _without_range(scenario: Scenario, _: Plan) -> Found:
    limits = dict[Path, tuple[float, float]]()
    for path, figure in sourced_of(scenario):
        if isinstance(figure, Figure):
            limits[path] = figure.allowed
    chosen = {path for choice in scenario.choices.values() for places in places_of(choice) for path in places}
    for path, data in _written_figures(scenario):
        kind = next((kind for kind in ("assumed", "projected") if kind in data), "")
        decided = path[0] == "choices" or any(path[: len(at)] == at or at[: len(path)] == path for at in chosen)
        value = data.get("value")
        # what a choice writes is a decision, and none or all, the ends of what a field allows, is a statement: no guess
        if kind and not decided and "between" not in data and value is not None and value not in (0, *limits.get(path, ())):
            yield path, f"{value:g} is {kind}, without a range; add `between: [lowest, highest]`"


def _without_date(scenario: Scenario, _: Plan) -> Found:
    for path, data in _written_figures(scenario):
        if "published" in data and not _DATE.search(data["published"]):
            yield (*path, "published"), "a published figure names its source with the year; add the year"


def _written_figures(scenario: Scenario) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield every figure as it stands in the file, also those that options write, with its place."""
    for name, part in scenario.document.data.items():
        if name not in PRACTICE_FIELDS:
            yield from figures_in(part, (name,))


def figures_in(part: Any, path: Path = ()) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield each mapping of plain data that names its evidence, with its place."""
    if isinstance(part, dict) and any(kind in part for kind in EVIDENCE_KINDS):
        yield path, part
    if isinstance(part, dict | list):
        for key, value in part.items() if isinstance(part, dict) else enumerate(part):
            yield from figures_in(value, (*path, key))


def _unprovable(scenario: Scenario, plan: Plan) -> Found:
    for index, objective in enumerate(scenario.objectives):
        sentence = too_few_labels(plan, scenario.metrics[objective.metric], objective.at_least)
        if sentence and objective.metric not in scenario.tests.unmet:
            remedy = "If that is on purpose, say so in `tests.unmet`."
            yield ("objectives", index, "at_least"), f"{objective.label}: {sentence} {remedy}"


def _loose_bounds(scenario: Scenario, _: Plan) -> Found:
    machines, by_people = scenario.machine_stages(), bool(slow_answers(scenario))
    for index, objective in enumerate(scenario.objectives):
        metric = scenario.metrics[objective.metric]
        answers = metric.stage is None and metric.sample.partition(".")[0] in ("latency", "served") and not by_people
        loose = metric.is_time and not objective.upward and objective.bound > _LONGEST_OF_MACHINES
        if loose and (answers or metric.stage in machines):
            shown, in_ms = spoken_bound(objective.bound, "s"), f"{objective.bound:g} ms is {objective.bound / 1000:g}"
            yield ("objectives", index, "at_most"), f"{shown} is long for machines; times are in seconds: {in_ms}"


def _unused_base_values(scenario: Scenario, _: Plan) -> Found:
    document = scenario.document
    values: Any = document.data
    for name, choice in scenario.choices.items():
        defaults = choice.changes(choice.default)
        for path in sorted(written_always(choice), key=str):
            if not document.holds(path):
                continue
            here, written = _plain(reduce(getitem, path, values)), _plain(defaults[path][0])
            if here != written:
                what = f"the choice `{name}` writes here whatever is picked, so {here!r} is never used"
                yield path, f"{what}; write its default, {written!r}"


def _plain(value: Any) -> Any:
    return value["value"] if isinstance(value, dict) and "value" in value else value


def _shared_places(scenario: Scenario, _: Plan) -> Found:
    writers: dict[Path, str] = {}
    for name, choice in scenario.choices.items():
        for path in sorted(set[Path]().union(*places_of(choice)), key=str):
            if path in writers:
                what = f"`{writers[path]}` writes {dotted(path)} too; this choice wins if both are picked"
                yield ("choices", name), what
            writers[path] = name


def _unshown_texts(scenario: Scenario, _: Plan) -> Found:
    for index in unshown_claims(scenario):
        yield ("claims", index, "says"), phrase("prose.unshown")
    for section, noted in (("stages", scenario.stages), ("ends", scenario.ends), ("controllers", scenario.controllers)):
        for name, part in noted.items():
            if part.note is not None:
                yield (section, name, "note"), "no page shows this note; write it into the label, the brief or a comment"


def _unknown_numbers(scenario: Scenario, _: Plan) -> Found:
    known = kept_figures(scenario)
    for path, text in raw_texts(scenario):
        for placeholder in placeholders_in(text):
            if placeholder.kind == "metric" and placeholder.subject not in known:
                yield path, f"no run of this case has given {placeholder.subject} yet; `casesim test` does and keeps the number"


def _similar_names(scenario: Scenario, _: Plan) -> Found:
    spaces: list[tuple[Path, Iterable[str]]] = [
        (("stages",), scenario.stages),
        (("ends",), scenario.ends),
        (("choices",), scenario.choices),
        (("curveballs",), scenario.curveballs),
        (("attributes",), scenario.attributes),
        (("classes",), scenario.classes),
        (("reference",), scenario.reference),
        *(
            (("choices", name, "options"), choice.options)
            for name, choice in scenario.choices.items()
            if isinstance(choice, Options)
        ),
    ]
    for path, names in spaces:
        seen: dict[str, str] = {}
        for name in names:
            other = seen.setdefault(re.sub(r"[\s_-]", "", name).casefold(), name)
            if other != name:
                yield (*path, name), f"this name differs from '{other}' only by case, spaces or underscores; rename one"


def _long_sentences(scenario: Scenario) -> Iterator[Fault]:
    """Yield sentences that are too long in texts that a candidate reads, each at its own line."""
    for path, text in texts_of(scenario):
        if path[0] not in ("brief", "questions", "debrief", "phases", "reference") or path[-1] == "source":
            continue
        for sentence in filter(None, _END.split(text)):
            count = len(sentence.split())
            if count > MOST_WORDS:
                opening = " ".join(sentence.split()[:6])
                message = f"a sentence of {count} words, from “{opening}” on; make it two, of at most {MOST_WORDS} words"
                fault = scenario.document.fault(path, message, code="long-sentence")
                words = sentence.split()
                # a folded text may break a line within the first words
                yield scenario.document.at_words(fault, *(" ".join(words[:count]) for count in (4, 3, 2)))


#: The rules by the codes of their cautions.
RULES: Mapping[str, Callable[[Scenario, Plan], Found]] = {
    "unclear-words": lambda scenario, _: placed_cautions(scenario),
    "no-range": _without_range,
    "no-date": _without_date,
    "unprovable": _unprovable,
    "loose-bound": _loose_bounds,
    "unused-value": _unused_base_values,
    "shared-place": _shared_places,
    "unshown-text": _unshown_texts,
    "similar-names": _similar_names,
    "unknown-number": _unknown_numbers,
}


#: The words of an editor for the severities of findings.
_SEVERITIES = {"fault": "error", "caution": "warning", "note": "info"}


@dataclass(frozen=True)
class CheckedCase:
    """A case with its faults and cautions, in the order of the file; cautions are looked for in a case without faults.

    name: its id, or that of its file while it has faults; source: the text of the file
    scenario: the case that can be run, with faults perhaps that are never right; error: why the text is no case
    whole: whether cautions were looked for, and the evidence of every option
    """

    name: str
    source: str
    faults: list[Fault] = field(default_factory=list)
    cautions: list[Fault] = field(default_factory=list)
    scenario: Scenario | None = None
    error: ScenarioError | None = None
    whole: bool = False

    @property
    def findings(self) -> list[Fault]:
        return [*self.faults, *self.cautions]

    def diagnostics(self) -> list[dict[str, Any]]:
        """Return faults and cautions as an editor reads them; lines and columns count from 1."""
        return [_diagnostic(finding) for finding in self.findings[: FAULTS_SHOWN.most]]


def _diagnostic(fault: Fault) -> dict[str, Any]:
    where = {"line": fault.line, "column": fault.column, "field": fault.field}
    return {"severity": _SEVERITIES[severity_of(fault.code)], "message": fault.message, "code": fault.code, **where}


def check_case(case: str) -> CheckedCase:
    """Check a case whole, by id or path; raises ScenarioError where there is no file."""
    file = find(case)
    if not file.is_file():
        load(case)  # raises the error that says so
    checked = _checked(lambda: load(case), case)
    return check_whole(replace(checked, source=file.read_bytes().decode("utf-8", errors="replace")))


def check_text(text: str, file: str, parse: Callable[[str, str], Document] = parse_document) -> CheckedCase:
    """Check all that the text alone decides; that takes a tenth of a second for a thousand lines."""
    return _checked(lambda: loads(text, file, parse), file, text)


def _checked(read: Callable[[], Scenario], name: str, source: str = "") -> CheckedCase:
    try:
        return CheckedCase(name, source, scenario=read())
    except ScenarioError as error:
        return CheckedCase(name, source, error.faults, error=error)


def check_whole(checked: CheckedCase) -> CheckedCase:
    """Check as `casesim check` does; what has been read is not read again."""

    def read() -> Scenario:
        if checked.scenario is None:
            assert checked.error is not None
            raise checked.error
        return checked.scenario

    try:
        scenario = read_whole(read)
    except ScenarioError as error:
        further = author_faults(error.scenario) if error.scenario is not None and not error.doubtful else []
        faults = sorted({*error.faults, *beyond(error.faults, further, error.doubtful)})
        return replace(checked, faults=faults, whole=True)
    if faults := sorted(set(author_faults(scenario))):
        return replace(checked, faults=faults, whole=True)
    cautions = sorted(set(lint_cautions(compile_plan(scenario))))
    return replace(checked, name=scenario.id, cautions=cautions, whole=True)


# ---- mistakes that a run survives but that are never right: a drawing saved as a case may have an end without a way to it

_DAY_S, _DAY_MINUTES = 86_400, 1440


def author_faults(scenario: Scenario) -> list[Fault]:
    """Return every mistake of a case that can run but that is never right."""
    document = scenario.document
    faults = [document.fault(path, words, code=code) for code, rule in FAULT_RULES.items() for path, words in rule(scenario)]
    return [*faults, *misnamed(document)]


def _impossible_objectives(scenario: Scenario) -> Found:
    for index, objective, least, most in _bounded(scenario):
        unit, at = scenario.metrics[objective.metric].unit, ("objectives", index, _field(objective))
        beyond = objective.bound > most if objective.upward else objective.bound < least
        if beyond and unit == "share":
            percent = f"; write {objective.bound / 100:g} for {objective.bound:g}%" if 1 < objective.bound <= 100 else ""
            yield at, f"no design meets this: a share lies between 0 and 1, got {objective.bound:g}{percent}"
        elif beyond:
            end = most if objective.upward else least
            side = "above" if objective.upward else "below"
            yield at, f"no design meets this: the metric is never {side} {spoken_bound(end, unit)}, got {objective.bound:g}"


def _certain_objectives(scenario: Scenario) -> Found:
    for index, objective, least, most in _bounded(scenario):
        metric, at = scenario.metrics[objective.metric], ("objectives", index, _field(objective))
        if not (objective.bound <= least if objective.upward else objective.bound >= most):
            continue
        if metric.unit == "share" and 1 < objective.bound <= 100:
            why = f"a share is at most 1; write {objective.bound / 100:g} for {objective.bound:g}%"
        elif metric.is_time and not objective.upward:
            why = f"it is longer than the whole run of {span(most)}; times are in seconds"
        else:
            end, side = (least, "below") if objective.upward else (most, "above")
            why = f"the metric is never {side} {spoken_bound(end, metric.unit)}"
        yield at, f"every design meets this: {why}"


def _bounded(scenario: Scenario) -> Iterator[tuple[int, Objective, float, float]]:
    """Yield each objective with its index, and the lowest and the highest value that its metric may have in this run."""
    run_s = _DAY_S * (scenario.run.days + scenario.run.drain_days)
    for index, objective in enumerate(scenario.objectives):
        metric = scenario.metrics[objective.metric]
        yield index, objective, metric.least, min(metric.most, run_s) if metric.is_time else metric.most


def _field(objective: Objective) -> str:
    return "at_least" if objective.upward else "at_most"


def _overwritten_choices(scenario: Scenario) -> Found:
    """Yield places that a choice writes in vain, because a later choice writes there whatever is picked."""
    always: dict[Path, str] = {}
    for name, choice in reversed(scenario.choices.items()):
        for path in dict.fromkeys(path for places in places_of(choice) for path in places):
            later = next((other for at, other in always.items() if path[: len(at)] == at), None)
            if later is not None:
                message = f"'{later}' comes later and always writes {dotted(path)} too, so this choice changes nothing there"
                yield ("choices", name), f"{message}; let one of the two write it"
        always |= dict.fromkeys(written_always(choice), name)


def places_of(choice: Choice) -> list[set[Path]]:
    """Return the places that each option of a choice writes; those of a number are equal for all picks."""
    picks = choice.extremes()[:1] if isinstance(choice, Number) else choice.picks()
    return [set(choice.changes(pick)) for pick in picks]


def written_always(choice: Choice) -> set[Path]:
    """Return the places that a choice writes whatever is picked."""
    return set.intersection(*places_of(choice))


def _unreached_ends(scenario: Scenario) -> Found:
    named = {target for stage in scenario.stages.values() for target in stage.targets().values()}
    for choice in scenario.choices.values():
        for pick in choice.extremes():
            named |= {word for value, _ in choice.changes(pick).values() for word in _words_in(value)}
    for name in scenario.ends:
        if name not in named:
            yield ("ends", name), "no request can reach this end; name it in the `to` of a stage or in an option, or delete it"


def _words_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _words_in(part)


def _uneven_days(scenario: Scenario) -> Found:
    count = len(getattr(scenario.arrivals, "weights", [])) or 1
    if _DAY_MINUTES % count:
        each = f"{count} weights divide the day into parts of {_DAY_MINUTES / count:.1f} minutes"
        yield ("arrivals", "weights"), f"{each}; write 24 for one an hour, or another number that divides 1,440 minutes"


#: The mistakes that a run survives, by their codes.
FAULT_RULES: dict[str, Callable[[Scenario], Found]] = {
    "impossible-objective": _impossible_objectives,
    "certain-objective": _certain_objectives,
    "overwritten-choice": _overwritten_choices,
    "unreached-end": _unreached_ends,
    "uneven-day": _uneven_days,
}
