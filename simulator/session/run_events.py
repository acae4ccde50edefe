"""The events of a run: that of asking for it, and that of its result."""

from __future__ import annotations

from simulator.case.phases import predicted_metrics
from simulator.case.schema import Scenario
from simulator.explain.result import Result
from simulator.intervals import Estimate
from simulator.metrics.summary import Standing
from simulator.session.session_events import RunAsked, RunEnded, RunFigure
from simulator.session.session_state import SessionState


def run_asked(scenario: Scenario, state: SessionState) -> RunAsked:
    """Return the event that asks for a run of the design at hand."""
    return RunAsked(
        picks=state.picks(scenario),
        strikes=state.strikes,
        seed=state.session.seed,
        replications=scenario.run.replications,
        drawing=state.drawing(scenario),
    )


def ended_event(design: str, result: Result) -> RunEnded:
    """Return the event of a result: the objectives, the predicted metrics and the bottleneck."""
    standings = {verdict.metric.name: verdict.standing for verdict in result.verdicts}
    names = dict.fromkeys([*standings, *predicted_metrics(result.plan.scenario)])
    estimates = [(name, result.metrics.get(name)) for name in names]
    figures = tuple(_figure(name, standings.get(name), estimate) for name, estimate in estimates)
    stage = result.bottleneck.stage if result.bottleneck else None
    return RunEnded(design=design, run_hash=result.run_hash, figures=figures, bottleneck=stage)


def _figure(name: str, standing: Standing | None, found: Estimate | None) -> RunFigure:
    if found is None:
        return RunFigure(metric=name, standing=standing)
    return RunFigure(metric=name, standing=standing, value=found.value, low=found.low, high=found.high)
