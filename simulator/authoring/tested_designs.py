"""Runs of a case's designs for its checks: each design once, in worker processes, kept on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from simulator.case.case_tests import picks_of
from simulator.case.choices import Pick
from simulator.case.schema import Scenario
from simulator.sweeps.design_space import DesignPoint, axis_of, points_of
from simulator.sweeps.outcome_cache import DesignOutcome, OutcomeCache
from simulator.sweeps.sweep import REPLICATIONS, ReportProgress, Submit, Sweep, SweepRequest, silent, swept

#: The seed of all runs of a test, that of `casesim run` by default.
SEED = 1

Strikes = Mapping[str, float | None]
Picks = Mapping[str, Pick]


@dataclass
class DesignRunner:
    """Runs designs of one case.

    submit: hands a task to a process; cache: outcomes on disk; report: called with what runs, the number done and the total
    """

    scenario: Scenario
    submit: Submit
    cache: OutcomeCache | None = None
    report: ReportProgress = silent
    _known: dict[str, DesignOutcome] = field(default_factory=dict)

    def outcomes(
        self,
        what: str,
        designs: Sequence[Picks],
        metrics: Sequence[str],
        replications: int = REPLICATIONS,
        strikes: Strikes | None = None,
    ) -> list[DesignOutcome]:
        """Return the outcome of each design, on the same requests."""
        names = [repr((sorted(design.items()), metrics, replications, strikes)) for design in designs]
        missing = {name: design for name, design in zip(names, designs, strict=True) if name not in self._known}
        if missing:
            points = [DesignPoint(dict(design)) for design in missing.values()]
            request = SweepRequest(
                self.scenario, [], list(metrics), points, strikes=strikes or {}, seed=SEED, replications=replications
            )
            found = swept(Sweep(request, self.submit, self.cache), lambda done, total: self.report(what, done, total))
            self._known |= dict(zip(missing, found, strict=True))
        return [self._known[name] for name in names]


def objective_metrics(scenario: Scenario) -> list[str]:
    return list(dict.fromkeys(objective.metric for objective in scenario.objectives))


def bases(scenario: Scenario) -> list[Picks]:
    """Return the default design and the references."""
    return [{}, *(picks_of(scenario, name) for name in scenario.reference)]


def random_designs(scenario: Scenario, count: int) -> list[Picks]:
    """Return designs spread over all choices of a designer as a scrambled Sobol sequence; the brief sets the situation."""
    free = [name for name, choice in scenario.choices.items() if len(choice.picks()) > 1 and not choice.situation]
    axes = [axis_of(scenario, name) for name in free]
    if not axes or count < 1:
        return []
    return [point.picks for point in points_of(axes, "sobol", count, SEED, DesignPoint())][:count]
