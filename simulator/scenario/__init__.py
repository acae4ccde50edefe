"""What an author writes: the schema of a scenario, loading with line numbers, checks."""

from simulator.scenario.cases import find, scenario_ids
from simulator.scenario.faults import Fault, ScenarioError
from simulator.scenario.load import load, load_all
from simulator.scenario.schema import Scenario

__all__ = ["Fault", "Scenario", "ScenarioError", "find", "load", "load_all", "scenario_ids"]
