"""`casesim show`, `devices` and `models`: what an author can look up is what there is."""

import json

import pytest
from rich.console import Console
from ruamel.yaml import YAML

from simulator.authoring.show_command import table_of_rows
from simulator.case.choices import parts
from simulator.case.load import load
from simulator.engine.plan import compile_plan
from simulator.engine.run import simulate
from simulator.errors import InputError
from simulator.evidence.projection import latency
from simulator.metrics.summary import summarise
from simulator.paths import CATALOGUE, PROFILES, SCENARIOS, SCORES


def shown(casesim, *words):
    status, out, err = casesim(*words, "--json")
    assert (status, err) == (0, "")
    return json.loads(out)


def test_the_metrics_are_those_of_a_run_with_their_units_and_bounds(casesim, cases, evidence):
    rows = {row["metric"]: row for row in shown(casesim, "show", "small", "metrics")["metrics"]}
    scenario = load("small")
    counted = summarise([simulate(compile_plan(scenario), seed=1)])
    assert counted.keys() <= rows.keys()
    assert (rows["sensitivity"]["unit"], rows["sensitivity"]["better"]) == ("share", "higher")
    assert {name: row["objective"] for name, row in rows.items() if row["objective"]} == {"sensitivity": "at least 0.9"}


def test_every_place_that_is_listed_can_be_written_and_names_the_choices_that_write_it(casesim, cases, evidence):
    told = shown(casesim, "show", "small")
    rows, document = told["places"], load("small").document
    places = {row["place"]: row for row in rows}
    for place in places:
        written = document.patched({parts(place): ("x", parts(place), "a test")})
        assert written.holds(parts(place))
    assert places["stages.sort.routes.1.at_sensitivity"]["written by"] == ["point"]
    assert places["stages.classify.max_queue"] == {"place": "stages.classify.max_queue", "now": None, "written by": []}
    assert places["population.prevalence.value"]["now"] == 0.5
    assert not {"id", "title", "stages.classify.kind", "stages.classify.label"} & places.keys()
    for place in (place for row in told["choices"] for place in row["writes"]):
        assert any(other == place or other.startswith(f"{place}.") for other in places)


@pytest.mark.parametrize("name", [file.stem for file in SCENARIOS.glob("*.yaml")])
def test_stages_ends_choices_and_figures_are_those_of_the_file(casesim, name):
    data = YAML(typ="safe", pure=True).load((SCENARIOS / f"{name}.yaml").read_text(encoding="utf-8"))
    told = shown(casesim, "show", name, "stages", "ends", "choices", "curveballs", "figures", "exhibits")
    for section, key in (("stages", "stage"), ("ends", "end"), ("choices", "choice"), ("curveballs", "curveball")):
        assert [row[key] for row in told[section]] == list(data.get(section, {}))
    for row in told["stages"]:
        assert (row["kind"], row["label"]) == tuple(data["stages"][row["stage"]][key] for key in ("kind", "label"))
    for row in told["figures"]:
        held = data
        for part in parts(row["figure"]):
            held = held[part]
        assert held[row["evidence"]] == row["source"]
    assert {row["exhibit"] for row in told["exhibits"] if row["here"] == "shown"} >= set(data.get("exhibits", []))


def test_the_devices_are_those_of_the_catalogue_and_say_what_can_run_there(casesim):
    data = YAML(typ="safe", pure=True).load((CATALOGUE / "hardware.yaml").read_text(encoding="utf-8"))
    rows = {row["device"]: row for row in shown(casesim, "devices")}
    assert list(rows) == list(data)
    for name, row in rows.items():
        assert (row["what"], row["usd_per_hour"]) == (data[name]["label"], data[name].get("usd_per_hour"))
        assert row["price_source"] == data[name].get("price_source")
        files = (PROFILES / name).glob("*.json")
        assert set(row["measured_models"]) == {file.stem.rpartition(".")[0] for file in files}
        for precision in ("fp32", "fp16", "int8_static"):
            assert (precision in row["projected_precisions"]) == can_project("mobilenet_v3_large", precision, 1, name)
        assert (row["projected_batches"] == "1") == (
            bool(row["projected_precisions"]) and not can_project("resnet50", row["projected_precisions"][0], 8, name)
        )


def can_project(*of) -> bool:
    try:
        return latency(*of).value > 0
    except InputError:
        return False


def test_the_models_are_those_with_a_profile_and_the_scores_those_with_a_table(casesim):
    told = shown(casesim, "models")
    measured = {
        (row["model"], precision, device)
        for row in told["models"]
        for device, precisions in row["measured"].items()
        for precision in precisions
    }
    files = [(*file.stem.rpartition(".")[::2], file.parent.name) for file in PROFILES.glob("*/*.json")]
    assert measured >= set(files)
    tables = {f"{row['scores']}.{precision}" for row in told["scores"] for precision in row["precisions"]}
    assert tables >= {file.stem for file in SCORES.glob("*.yaml")}
    by_name = {row["model"]: row for row in told["models"]}
    assert by_name["resnet50"]["projected"]["nvidia-t4"] == ["fp32", "fp16", "int8_static"]
    assert by_name["maxvit_t"]["projected"] == {}


def test_a_wrong_name_is_answered_with_the_nearest(casesim):
    assert casesim("devices", "nvidia-a10x")[::2] == (2, "there is no device 'nvidia-a10x'; did you mean 'nvidia-a10'?\n")
    assert casesim("models", "resnet5")[::2] == (2, "there is no model 'resnet5'; did you mean 'resnet50'?\n")
    assert casesim("show", "retry-storm", "metric")[::2] == (2, "there is no section 'metric'; did you mean 'metrics'?\n")


def test_the_tables_fit_on_80_columns_and_a_pipe_gets_a_line_a_row(casesim):
    status, out, _ = casesim("show", "retry-storm", "metrics", "curveballs")
    assert status == 0
    assert sum("at most 32" in line and "cost_per_1000_usd" in line and "USD" in line for line in out.splitlines()) == 1
    assert casesim("devices", "nvidia-t4")[1].startswith("nvidia-t4\n")
    narrow = Console(width=80, record=True)
    rows = shown(casesim, "show", "skin-cancer-triage", "metrics")["metrics"]
    narrow.print(table_of_rows("Metrics", rows))
    lines = narrow.export_text().splitlines()
    assert max(map(len, lines)) <= 80
    assert all(any(line.startswith(f"{row['metric']} ") for line in lines) for row in rows if len(row["metric"]) < 38)
