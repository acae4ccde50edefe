"""Sections of features: a case that has none imports nothing of them."""

import subprocess
import sys

import pytest

from simulator.case.kinds import PLACES, section_model
from simulator.case.schema import Scenario

#: Runs cases one after the other in one process. After each it prints which folders of the package are imported by then.
RUN = """
import sys
from simulator import compile_plan, load, simulate, summarise
for case in sys.argv[1:]:
    summarise(simulate(compile_plan(load(case)), seed=1, replication=number) for number in range(2))
    print(*sorted({name.split(".")[1] for name in sys.modules if name.startswith("simulator.")}))
"""


@pytest.fixture(scope="module")
def imported() -> list[list[str]]:
    """The folders that are imported once a case without sections has run, and once a case with a vehicle has run too."""
    command = [sys.executable, "-c", RUN, "retry-storm", "av-perception"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [line.split() for line in printed.splitlines()]


def test_a_case_without_sections_imports_no_feature(imported):
    folders = imported[0]
    assert "engine" in folders
    assert not {"vehicle", "incident", "datalab", "rooms", "practice", "authoring", "tradeoffs"} & {*folders}


def test_a_case_imports_the_feature_of_its_section_alone(imported):
    folders = imported[1]
    assert "vehicle" in folders
    assert "incident" not in folders


def test_the_json_schema_holds_the_fields_of_every_section():
    schema = Scenario.model_json_schema()
    for name in PLACES:
        model = section_model(name)
        assert {"$ref": f"#/$defs/{model.__name__}"} in schema["properties"][name]["anyOf"]
        assert schema["$defs"][model.__name__]["properties"].keys() == model.model_fields.keys()
