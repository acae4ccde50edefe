"""Compile a scenario and picks into a plan: latencies, score tables, thresholds, and the source of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pkgutil import resolve_name
from typing import cast

from simulator.case.case_contract import AnyArrivals
from simulator.case.checks import cautions
from simulator.case.choices import Pick
from simulator.case.column_samples import ColumnSamples
from simulator.case.curveball import AffectedQuantity
from simulator.case.designs import PROJECTED, designed_as, one_by_one
from simulator.case.document import Fault, ScenarioError, beyond, dotted
from simulator.case.document import Path as FieldPath
from simulator.case.fields import EVIDENCE_KINDS, Source, sourced_of
from simulator.case.scenario_parts import OOD
from simulator.case.schema import Scenario
from simulator.engine.arrivals.arrival import arrivals_of
from simulator.engine.compiled_plan import Plan, case_hash, projected_ms, surges
from simulator.engine.contract import StageGatherer, StageModel
from simulator.engine.stages.gate_routes import too_many_outcomes
from simulator.engine.stages.pool_evidence import weighed
from simulator.errors import suggest
from simulator.evidence.evidence_files import EvidenceError
from simulator.evidence.photo_checks import foreign_ranks, measured_check, spoiled_files
from simulator.evidence.row_files import RecordingError
from simulator.limits import RUN_MEMORY
from simulator.phrases import phrase
from simulator.records.timetables import DAY_S, HOUR_S
from simulator.units import duration


def compile_plan(
    scenario: Scenario,
    picks: Mapping[str, Pick] | None = None,
    strikes: Mapping[str, float | None] | None = None,
    figures: Mapping[str, float] | None = None,
) -> Plan:
    """Apply picks (choice to option; defaults fill the rest), check again, and gather the evidence.

    strikes: curveballs that an interviewer lets strike, each with its time in seconds or None for the author's own; those
    with a time of their own strike anyway.
    figures: numbers in the stead of the author's, by the place of the figure, whatever the picks write there; also TRAFFIC, and
    projected latencies by the places of `projected_ms`.

    Raises ScenarioError with every reason why these picks cannot run, at the place in the file that wrote them.
    """
    latencies = {place: number for place, number in (figures or {}).items() if PROJECTED.fullmatch(place)}
    others = {place: number for place, number in (figures or {}).items() if place not in latencies}
    designed, design = designed_as(scenario, picks or {}, others)
    gather = Gatherer(designed, design)
    timed = strike_times(designed, strikes or {})
    plan = gather.plan(case_hash(scenario), timed)
    if gather.faults:
        raise ScenarioError(gather.faults)
    return replace(_with_latencies(plan, latencies), authored=scenario, figures=dict(figures or {}))


def _with_latencies(plan: Plan, numbers: Mapping[str, float]) -> Plan:
    """Return the plan with known latencies in place of projected ones; other batch sizes lie as far within their bands.

    Raises ScenarioError for a place that holds none, and for a number beyond the band.
    """
    known = projected_ms(plan)
    latencies, bands, document = dict(plan.latencies), dict(plan.bands), plan.scenario.document
    for place, number in numbers.items():
        if place not in known:
            near = suggest(place, known) if known else "this design has no projected latency"
            raise ScenarioError(
                [document.fault(("stages",), f"there is no projected latency `{place}`; {near}", place, "pick")]
            )
        low, _, high = known[place]
        if not low <= number <= high:
            message = f"should lie within the band of the projection, from {low:.4g} to {high:.4g} ms, got {number:.4g}"
            raise ScenarioError([document.fault(("stages",), message, place, "pick")])
        pool = PROJECTED.fullmatch(place)["pool"]  # type: ignore[index]
        fast, slow = bands.pop(pool)
        part = (number - low) / (high - low) if high > low else 0.0
        latencies[pool] = replace(fast, seconds=fast.seconds + part * (slow.seconds - fast.seconds))
    return replace(plan, latencies=latencies, bands=bands)


def read_whole(read: Callable[[], Scenario]) -> Scenario:
    """Return the scenario of `read`, if its default design and the extremes of each choice find all their evidence.

    Raises ScenarioError with every fault, those of `read` included.
    """
    try:
        scenario = read()
    except ScenarioError as error:
        if error.scenario is None:
            raise
        raise ScenarioError([*error.faults, *beyond(error.faults, _unfound(error.scenario), error.doubtful)]) from None
    if faults := _unfound(scenario):
        raise ScenarioError(faults)
    return scenario


def _unfound(scenario: Scenario) -> list[Fault]:
    faults: list[Fault] = []
    for picks in one_by_one(scenario):
        try:
            compile_plan(scenario, picks)
        except ScenarioError as error:
            faults += error.faults
    return faults


def strike_times(scenario: Scenario, strikes: Mapping[str, float | None]) -> dict[str, float]:
    """Return the time of each curveball that strikes (s); raises ScenarioError for an unknown one, or one without a time."""
    faults: list[Fault] = []
    own = {name: ball.own_time(scenario.run.starts_at) for name, ball in scenario.curveballs.items()}
    called = {name: ball.called_time(scenario.run.starts_at) for name, ball in scenario.curveballs.items()}
    times = {name: at_s for name, at_s in own.items() if at_s is not None}
    for name, given in strikes.items():
        at_s, message = called.get(name) if given is None else given, ""
        if name not in scenario.curveballs:
            message = f"there is no curveball '{name}'; {suggest(name, scenario.curveballs)}"
        elif at_s is None:
            message = phrase("strikes.no_time", name=name, at=scenario.run.days * DAY_S / 2)
        else:
            message, times[name] = scenario.curveballs[name].too_late(scenario, at_s), at_s
        if message:
            faults.append(scenario.document.fault(("curveballs", name), message, code="pick"))
    if faults:
        raise ScenarioError(faults)
    return times


class Gatherer(StageGatherer):
    """Looks up the evidence of all parts of a case, and collects faults instead of stopping at the first."""

    def plan(self, scenario_hash: str, strikes: dict[str, float]) -> Plan:
        """Return the plan of these picks, as far as there are no faults."""
        self.warnings += cautions(self.scenario)
        comes_known = self._arrivals(self.scenario.arrivals)
        self._columns()
        self._photo_checks()
        if any(AffectedQuantity.PHOTOS in self.scenario.curveballs[name].changed for name in strikes):
            self.note(spoiled_files(trained=True))
        for name, stage in self.scenario.stages.items():
            cast(StageModel, stage).gather(self, name)
        for name, attribute in self.scenario.attributes.items():
            attribute.gather(self, name)
        for name, section in self.scenario.sections.items():
            if section.evidence_from:
                self.of_sections[name] = resolve_name(section.evidence_from)(self, section)
        self.sources += [
            Source(_where(path), figure.kind, figure.words, figure.source)
            for path, figure in sourced_of(self.scenario)
            if tuple(path) not in self.worded
        ]
        if comes_known:
            self._note_shortened()
        evidence = {field.name: vars(self)[field.name] for field in fields(Plan) if field.name in vars(self)}
        provenance = sorted(self.sources, key=lambda source: EVIDENCE_KINDS.index(source.kind))
        plan = Plan(**evidence, provenance=provenance, scenario_hash=scenario_hash, strikes=strikes)
        if comes_known:
            self._check_size(plan)
        if not self.faults:
            self._check_routes(plan)
            self._weigh(plan)
        return plan

    def _check_routes(self, plan: Plan) -> None:
        if fault := too_many_outcomes(plan):
            self.faults.append(self.scenario.document.fault(*fault, code="too-large"))

    def _weigh(self, plan: Plan) -> None:
        for name in self.sized:
            self.latencies[name], warnings = weighed(plan, name)
            self.warnings += warnings

    def _arrivals(self, spec: AnyArrivals) -> bool:
        try:
            if spec.content.recorded is not None:
                spec.content.recorded.gather(self)
        except RecordingError as error:
            self.missing(("arrivals", "file"), str(error))
            return False
        return True

    def _photo_checks(self) -> None:
        """Look up the checks of photos that were measured."""
        checks = self.scenario.population.photo_checks if self.scenario.population else {}
        for fault, spec in checks.items():
            if spec.measured is None:
                continue
            try:
                found = measured_check(fault, spec.measured)
                self.note(spoiled_files())
            except EvidenceError as error:
                self.missing(("population", fault, "measured"), str(error))
            else:
                self.sources.append(Source(f"Population: {spec.check_name}", "measured", found.words, found.source))
                if fault == OOD:
                    words = f"{len(foreign_ranks()):,} scores of EfficientNet-Lite0; by other networks, those of the same rank"
                    lab = found.source.partition("; ")[2]
                    source = f"photos of objects and of groceries; {lab}"
                    self.sources.append(Source("Population: scores of foreign photos", "measured", words, source))

    def _columns(self) -> None:
        """Read the columns of files that quantities of the case take their values from."""
        for path, quantity in sourced_of(self.scenario):
            if isinstance(quantity, ColumnSamples):
                try:
                    quantity.read(self)
                except RecordingError as error:
                    self.missing((*path, "column"), str(error))

    def _note_shortened(self) -> None:
        """Say of a run that stands for a longer one what is simulated, and what that rests on."""
        run, many = self.scenario.run, self.scenario.unit.many
        if run.stands_for_days is None:
            return
        drawn = arrivals_of(self.scenario, self.recording).expected
        value = f"{duration(run.days * DAY_S)} of {duration(run.stands_for_days * DAY_S)}"
        reason = "queues settle faster than the rate changes, so each hour is as in the whole time"
        self.sources.append(Source("Time simulated", "assumed", value, reason))
        short, long, hour = run.days * DAY_S, run.stands_for_days * DAY_S, HOUR_S / run.pace
        stood_for = drawn * run.pace
        self.warnings.append(phrase("run.shortened", drawn=drawn, many=many, short=short, real=stood_for, long=long, hour=hour))

    def _check_size(self, plan: Plan) -> None:
        expected = plan.arrivals.drawn_under(surges(plan))
        sent = _sent(self.scenario, expected / plan.arrivals_end_s)
        most = int(RUN_MEMORY.most // bytes_a_request(self.scenario, sent))
        if expected > most:
            tries = max(sent.values())
            each, fewer = (f", each sent up to {tries:.3g} times", ", fewer tries") if tries > 1 else ("", "")
            less = f"{self.scenario.arrivals.to_lessen}{fewer} or run.days"
            message = f"about {expected:,.0f} requests a replication{each}; at most {most:,} fit into memory: {less}"
            if self.scenario.arrivals.has_rate and self.scenario.run.stands_for_days is None:
                message += ", and say with run.stands_for_days what they stand for"
            self.faults.append(self.scenario.document.fault(("arrivals",), message, code="too-large"))


#: Bytes that each further visit of a request takes, measured at queues of retried requests that wait for a pool.
_FURTHER_VISIT = 230


def bytes_a_request(scenario: Scenario, sent: Mapping[str, float]) -> float:
    """Return the memory that one request takes in a run; sent: the most times that it comes to each stage."""
    photos = max(stage.repeats.photos for stage in scenario.stages.values())
    further = _FURTHER_VISIT * sum(times - 1 for times in sent.values())
    visits = sum(1 + int(stage.service.again) for stage in scenario.stages.values())
    return 200 + 80 * visits + 40 * photos * len(scenario.scorers()) + 16 * len(scenario.attributes) + further


def _sent(scenario: Scenario, rate: float) -> dict[str, float]:
    """Return the most times that one request comes to each stage because of retries; rate: fresh requests a second."""
    sent = dict.fromkeys(scenario.stages, 1.0)
    for name, stage in scenario.stages.items():
        for each in scenario.network.ring_of(name) if stage.repeats.resends else ():
            sent[each] *= stage.repeats.tries(rate)
    return sent


def _where(path: FieldPath) -> str:
    return dotted(path).removesuffix(".median").removesuffix(".constant").removesuffix(".exponential_mean")
