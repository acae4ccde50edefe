"""Sections of features: a case that has none imports nothing of them."""

import subprocess
import sys

import pytest

from simulator.case.kinds import PLACES, section_model
from simulator.case.schema import Scenario

RUN = """
import sys
from simulator import compile_plan, load, simulate, summarise
summarise(simulate(compile_plan(load({case!r})), seed=1, replication=number) for number in range(2))
print(*sorted({{name.split(".")[1] for name in sys.modules if name.startswith("simulator.")}}))
"""


def imported_by(case: str) -> list[str]:
    finished = subprocess.run([sys.executable, "-c", RUN.format(case=case)], capture_output=True, text=True, check=True)
    return finished.stdout.split()


def test_a_case_without_sections_imports_no_feature():
    folders = imported_by("retry-storm")
    assert "engine" in folders
    assert not {"vehicle", "incident", "datalab", "rooms", "practice", "authoring", "tradeoffs"} & {*folders}


@pytest.mark.parametrize(("case", "folder", "other"), [("av-perception", "vehicle", "incident")])
def test_a_case_imports_the_feature_of_its_section_alone(case: str, folder: str, other: str):
    folders = imported_by(case)
    assert folder in folders
    assert other not in folders


def test_the_json_schema_holds_the_fields_of_every_section():
    schema = Scenario.model_json_schema()
    for name in PLACES:
        model = section_model(name)
        assert {"$ref": f"#/$defs/{model.__name__}"} in schema["properties"][name]["anyOf"]
        assert schema["$defs"][model.__name__]["properties"].keys() == model.model_fields.keys()
