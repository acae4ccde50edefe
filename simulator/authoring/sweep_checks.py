"""Checks of a case's choices and objectives, from one sweep: can it be won, and not by accident?

Designs of the sweep: the default, the references, each choice alone at each option, and random designs over all choices. All
meet the same requests, so that differences are paired. A choice or an option that seems idle or beaten there is tried again on
every base design before it is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import islice, permutations

from simulator.authoring.check_results import Finding, RunCheck
from simulator.authoring.tested_designs import (
    SEED,
    DesignRunner,
    Picks,
    bases,
    objective_metrics,
    random_designs,
)
from simulator.case.choices import Options
from simulator.case.designs import one_by_one
from simulator.case.document import ScenarioError
from simulator.case.outputs import Metric
from simulator.case.scenario_parts import Objective
from simulator.case.schema import Scenario
from simulator.engine.compiled_plan import fingerprint
from simulator.engine.plan import compile_plan
from simulator.engine.run import ENGINE_VERSION
from simulator.intervals import share_interval
from simulator.metrics.paired_samples import chance_of, change
from simulator.metrics.summary import Verdict
from simulator.phrases import phrase
from simulator.sweeps.outcome_cache import DesignOutcome
from simulator.sweeps.sweep import REPLICATIONS
from simulator.units import counted, listed, percent

#: Raise it when a check judges in another way: kept results of before no longer count.
SWEEP_VERSION = 1

#: The chance of a false word on one case, over all changes that are looked at.
FALSE_ALARM = 0.05

#: A case is trivial where more than this share of random designs meets all objectives, for certain.
EASY = 0.5

#: Random base designs on which a seemingly idle choice, or a seemingly beaten option, is tried again.
MORE_BASES = 6
#: Random designs that are drawn for them: choices may exclude one another.
MOST_DRAWN = 128

#: The designs with the fewest misses that run again with all replications.
NEAREST = 4

#: Designs that reach every bound, and designs that do not: with fewer of either, no objective is said to decide all.
FEWEST = 5


@dataclass(frozen=True)
class DesignSample:
    """Designs of a sweep with their outcomes.

    random: the number of random designs
    stepped: the default first, then one choice changed; spread: random designs
    """

    scenario: Scenario
    runner: DesignRunner
    random: int

    @cached_property
    def key(self) -> str:
        """Identifies all that the answer of a check of the sweep depends on."""
        scenario = self.scenario
        tests = [scenario.tests.model_dump(exclude_defaults=True), scenario.run.replications]
        return fingerprint([SWEEP_VERSION, ENGINE_VERSION, SEED, self.random, tests, *_identities(scenario)])

    @property
    def metrics(self) -> list[str]:
        return objective_metrics(self.scenario)

    @cached_property
    def stepped(self) -> list[tuple[Picks, DesignOutcome]]:
        return self._run("one choice changed", list(one_by_one(self.scenario)))

    @cached_property
    def spread(self) -> list[tuple[Picks, DesignOutcome]]:
        return self._run("random designs", random_designs(self.scenario, self.random))

    @cached_property
    def more_bases(self) -> list[Picks]:
        """Further base designs: the references, and a few random ones that can run. The others would show nothing."""
        drawn = random_designs(self.scenario, MOST_DRAWN)
        return [*bases(self.scenario)[1:], *islice(filter(partial(_runs, self.scenario), drawn), MORE_BASES)]

    @property
    def tried(self) -> list[tuple[Picks, DesignOutcome]]:
        """All designs of the sweep that lie within the brief: on the others no verdict counts."""
        return [(picks, outcome) for picks, outcome in (*self.stepped, *self.spread) if not outcome.outside_brief]

    @cached_property
    def judged(self) -> list[tuple[Picks, list[Verdict]]]:
        """Designs with their verdicts: references and the nearest of the others with all replications of the case."""
        tried = self.tried
        ranked = sorted(tried, key=lambda pair: len(missed(self.verdicts(pair[1]))))
        first = [*bases(self.scenario), *(picks for picks, _ in ranked[:NEAREST])]
        outcomes = self.runner.outcomes("the nearest", first, self.metrics, self.scenario.run.replications)
        whole = zip(first, outcomes, strict=True)
        return [(picks, self.verdicts(outcome)) for picks, outcome in (*whole, *tried)]

    @cached_property
    def asked(self) -> set[str]:
        """The metrics of the objectives that a design must meet to win, or reach by its value, as `missing` says."""
        unmet = self.scenario.tests.unmet
        reached = {verdict.objective.metric for _, verdicts in self.judged for verdict in verdicts if verdict.met}
        return {name for name in self.metrics if name not in unmet or name in reached}

    def missing(self, verdicts: Iterable[Verdict]) -> list[Objective]:
        """Return the objectives that keep a design from winning.

        An objective that no design is proven to meet, on purpose, is to be reached by the value, if any design does so.
        """
        unmet = self.scenario.tests.unmet
        return [
            verdict.objective
            for verdict in verdicts
            if verdict.objective.metric in self.asked
            and not (verdict.met if verdict.objective.metric in unmet else verdict.standing == "met")
        ]

    def verdicts(self, outcome: DesignOutcome) -> list[Verdict]:
        return outcome.verdicts(self.scenario)

    def _run(self, what: str, designs: Sequence[Picks]) -> list[tuple[Picks, DesignOutcome]]:
        return list(zip(designs, self.runner.outcomes(what, designs, self.metrics), strict=True))


def _runs(scenario: Scenario, picks: Picks) -> bool:
    try:
        compile_plan(scenario, picks)
    except ScenarioError:
        return False
    return True


def missed(verdicts: Iterable[Verdict]) -> list[Objective]:
    """Return the objectives that are not met for certain."""
    return [verdict.objective for verdict in verdicts if verdict.standing != "met"]


def sweep_checks(sample: DesignSample) -> list[RunCheck]:
    """Return the checks that every case has of its choices and objectives."""
    of_winning = {
        "feasible": feasible,
        "objectives": undecided_objectives,
        "not trivial": not_trivial,
        "giveaway": no_giveaway,
        "dominated option": no_dominated_option,
    }
    works = {"dead choice": no_dead_choice} | ({"winning": a_setting} if sample.scenario.tests.setting else of_winning)
    kinds = {"objectives": "objective"}
    return [RunCheck(kinds.get(name, name), f"{name} {sample.key}", partial(work, sample)) for name, work in works.items()]


def _identities(scenario: Scenario) -> Iterator[object]:
    for picks in (*one_by_one(scenario), *bases(scenario)):
        try:
            yield compile_plan(scenario, picks).identity
        except ScenarioError as error:
            yield str(error)


# ---- objectives


def a_setting(sample: DesignSample) -> Iterator[Finding]:
    """Say that the designs of this case are a setting, so that they win nothing."""
    yield ("tests", "setting"), "designs", "skipped", f"a setting, by the author: {sample.scenario.tests.setting}"


def feasible(sample: DesignSample) -> Iterator[Finding]:
    """Check that some design meets every objective for certain, but for those that none meets on purpose."""
    scenario, unmet = sample.scenario, sample.scenario.tests.unmet
    if not scenario.objectives:
        yield (), "objectives", "fail", "the case has no objective; add the section `objectives`"
        return
    picks, verdicts = min(sample.judged, key=lambda pair: (len(_unproven(sample, pair[1])), len(sample.missing(pair[1]))))
    if misses := _unproven(sample, verdicts):
        labels = listed([f"“{miss.label}”" for miss in misses])
        nearest = f"the nearest ({written(picks)}) is not proven to meet {labels}"
        says = f"no design of {len(sample.judged)} meets all objectives; {nearest}"
        advice = "; change the bound, or name the objective in `tests.unmet` with the reason"
        yield ("objectives", scenario.objectives.index(misses[0])), labels, "fail", says + advice
        return
    on_purpose = f", but for {listed([f'“{scenario.metrics[name].label}”' for name in unmet])} on purpose" if unmet else ""
    yield (), "all objectives", "pass", f"{written(picks)} meets all of them{on_purpose}"


def _unproven(sample: DesignSample, verdicts: Iterable[Verdict]) -> list[Objective]:
    return [verdict for verdict in missed(verdicts) if verdict.metric not in sample.scenario.tests.unmet]


def undecided_objectives(sample: DesignSample) -> Iterator[Finding]:
    """Check that each objective is met by some design and missed by another one."""
    scenario = sample.scenario
    for place, objective in enumerate(scenario.objectives):
        at, of_all = ("objectives", place), [verdicts[place] for _, verdicts in sample.judged]
        met, failed = sum(verdict.standing == "met" for verdict in of_all), sum(not verdict.met for verdict in of_all)
        counts = f"met by {met} and missed by {failed} of {counted(len(of_all), 'design')}"
        if not failed:
            yield at, objective.label, "fail", f"{counts}: it cannot fail; make the bound tighter, or delete it"
        elif not met and objective.metric not in scenario.tests.unmet:
            reason = "make the bound wider, or name it in `tests.unmet` with the reason"
            yield at, objective.label, "fail", f"{counts}: it cannot be met; {reason}"
        else:
            yield at, objective.label, "pass", counts


def not_trivial(sample: DesignSample) -> Iterator[Finding]:
    """Check that the default misses something, and that most random designs do."""
    if sample.asked and not sample.missing(sample.judged[0][1]):
        says = "the default design meets every objective: there is nothing to do; choose a weaker default, or tighter bounds"
        yield ("choices",), "default", "fail", says
        return
    met = sum(not sample.missing(sample.verdicts(outcome)) for _, outcome in sample.spread)
    count = len(sample.spread)
    if not count:
        yield ("choices",), "random designs", "skipped", "the case has no choices"
        return
    interval = share_interval(met, count)
    share = f"{met} of {count} random designs meet every objective ({percent(interval.low)} to {percent(interval.high)})"
    easy = interval.low > EASY
    says = f"{share}; more than half win by accident: make the bounds tighter" if easy else f"the default does not, and {share}"
    yield ("objectives",), "random designs", "fail" if easy else "pass", says


def no_giveaway(sample: DesignSample) -> Iterator[Finding]:
    """Check that no objective decides all: some designs that meet it miss another one."""
    scenario = sample.scenario
    asked = [place for place, objective in enumerate(scenario.objectives) if objective.metric in sample.asked]
    by_design = [[sample.verdicts(outcome)[place].met for place in asked] for _, outcome in sample.tried]
    won = sum(map(all, by_design))
    if len(asked) < 2 or not FEWEST <= won <= len(by_design) - FEWEST:
        side = "few" if won < FEWEST else "many"
        says = f"too {side} designs reach every bound to compare objectives, {won} of {len(by_design)}; nothing to mend here"
        yield ("objectives",), "objectives", "skipped", says
        return
    for column, place in enumerate(asked):
        alone = sum(met[column] for met in by_design)
        objective = scenario.objectives[place]
        if alone == won:
            says = f"each of the {alone} designs that reach this bound reaches all others: they ask nothing more"
            yield ("objectives", place), objective.label, "fail", says
            return
    says = f"each objective is reached by designs that miss another one ({won} of {len(by_design)} reach all)"
    yield ("objectives",), "objectives", "pass", says


# ---- choices


def no_dead_choice(sample: DesignSample) -> Iterator[Finding]:
    """Check that each choice moves some metric beyond chance, on some base design."""
    scenario = sample.scenario
    default = sample.stepped[0][1]
    moved = {next(iter(picks)) for picks, outcome in sample.stepped[1:] if moves(sample, sample.metrics, default, outcome)}
    idle = [name for name in scenario.choices if name not in moved]
    for name in scenario.choices:
        at = "choices", name
        if name not in idle or (where := _moves_somewhere(sample, name)):
            says = "it moves an objective" if name not in idle else f"it moves {where}"
            yield at, name, "pass", says
        else:
            says = f"it moves no metric beyond chance, on {counted(1 + len(sample.more_bases), 'base design')}; delete it"
            yield at, name, "fail", says


def _moves_somewhere(sample: DesignSample, name: str) -> str:
    """Return the metric that a choice moves on some base design, with all metrics of the case; empty if none does.

    A few replications show a large change. Where they show a change of which they cannot be sure, all replications decide.
    """
    scenario, metrics = sample.scenario, list(sample.scenario.metrics)
    designs: list[list[Picks]] = [
        [{**base, name: pick} for pick in scenario.choices[name].extremes()] for base in ({}, *sample.more_bases)
    ]
    for count in (REPLICATIONS, scenario.run.replications):
        unsure = []
        for picks in designs:
            first, *others = sample.runner.outcomes(f"choice {name}", picks, metrics, count)
            for other in others:
                if found := moves(sample, metrics, first, other):
                    return f"“{scenario.metrics[found].label}”"
            if any(first.value(metric) != other.value(metric) for other in others for metric in metrics):
                unsure.append(picks)
        designs = unsure
    return ""


def moves(sample: DesignSample, metrics: Sequence[str], before: DesignOutcome, after: DesignOutcome) -> str:
    """Return the first metric that differs between two designs beyond chance; empty if none does.

    The chance of a false word is divided among all changes that are looked at (Bonferroni).
    """
    if bool(before.refused) != bool(after.refused):
        return metrics[0]
    most = FALSE_ALARM / max(len(sample.scenario.metrics) * len(list(one_by_one(sample.scenario))), 1)
    for name in metrics:
        if (name in before.metrics) != (name in after.metrics):
            return name
        if name in before.metrics and _differs(sample.scenario.metrics[name], before, after, most):
            return name
    return ""


def _differs(metric: Metric, before: DesignOutcome, after: DesignOutcome, most: float) -> bool:
    found = change(metric, before.readings[metric.name], after.readings[metric.name])
    return found.value != 0 and chance_of(found, before.replications - 1) < most


def no_dominated_option(sample: DesignSample) -> Iterator[Finding]:
    """Check that no option is worse than another one on every objective and every base design, unless on purpose."""
    scenario = sample.scenario
    for name, choice in scenario.choices.items():
        if not isinstance(choice, Options) or choice.situation:
            continue
        traps = scenario.tests.traps.get(name, {})
        beaten = {option: by for option, by in _beaten(sample, name, choice) if option not in traps}
        if not beaten:
            named = f", but for {listed(list(traps))} on purpose" if traps else ""
            yield ("choices", name), name, "pass", f"each option has its use{named}"
        for option, by in beaten.items():
            says = phrase("check.dominated", option=by)
            yield ("choices", name, "options", option), f"{name}={option}", "fail", says


def _beaten(sample: DesignSample, name: str, choice: Options) -> Iterator[tuple[str, str]]:
    """Yield each option that another one beats everywhere, with the other one."""
    if not sample.scenario.objectives:
        return
    pairs = list(permutations(choice.options, 2))
    better: set[tuple[str, str]] = set()
    for base in ({}, *sample.more_bases):
        needed = [option for option in choice.options if any(option in pair for pair in pairs)]
        found = sample.runner.outcomes(f"choice {name}", [{**base, name: option} for option in needed], sample.metrics)
        at = dict(zip(needed, found, strict=True))
        pairs = [(worse, by) for worse, by in pairs if no_worse(sample, at[by], at[worse])]
        better |= {(worse, by) for worse, by in pairs if moves(sample, sample.metrics, at[worse], at[by])}
        if not pairs:
            return
    first = {worse: by for worse, by in reversed(pairs) if (worse, by) in better}
    yield from first.items()


def no_worse(sample: DesignSample, design: DesignOutcome, other: DesignOutcome) -> bool:
    """Return whether a design's values are at least as good as another's on every objective."""
    return all(_gain(sample.scenario, objective, design, other) >= 0 for objective in sample.scenario.objectives)


def _gain(scenario: Scenario, objective: Objective, design: DesignOutcome, other: DesignOutcome) -> float:
    """Return by how much a design is better on an objective; a design without the figure is worse than any with it."""
    values = [None if outcome.refused else outcome.value(objective.metric) for outcome in (design, other)]
    if values[0] is None or values[1] is None:
        return float((values[0] is not None) - (values[1] is not None))
    gain = values[0] - values[1] if objective.upward else values[1] - values[0]
    return 0.0 if abs(gain) <= 1e-9 * max(abs(values[0]), abs(values[1])) else gain


# ---- words


def written(picks: Picks) -> str:
    """Return picks as the command takes them; `the default` without any."""
    return (
        ", ".join(f"{name}={pick:g}" if isinstance(pick, float) else f"{name}={pick}" for name, pick in picks.items())
        or "the default"
    )
