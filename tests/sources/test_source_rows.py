"""The table of every source."""

from functools import partial

import pytest

from simulator.app.widgets import EVIDENCE
from simulator.case.load import load
from simulator.engine.plan import compile_plan
from simulator.evidence.catalogue import field_drops, hardware
from simulator.evidence.detection_tables import coco_c, load_scales, read_about
from simulator.evidence.drive_tables import load_drives
from simulator.evidence.projection import networks, power, published
from simulator.evidence.score_tables import FOLDERS, score_names
from simulator.paths import DRIVES
from simulator.sources.source_rows import COLUMNS, matching, sources
from tests.evidence.test_fidelity_reports import GOOD, report
from tests.profiles import profile


@pytest.fixture(scope="module")
def found():
    found, broken = sources([profile("net", b1=[1.0, 2.0], b2=[3.0])], [report(GOOD)], [load("skin-cancer-triage")])
    assert broken == []
    return found


def test_a_broken_file_takes_its_own_rows_and_no_others(found, monkeypatch, tmp_path):
    (tmp_path / "mine.net.fp32.yaml").write_text("kind: [")
    monkeypatch.setattr("simulator.evidence.score_tables.FOLDERS", (*FOLDERS, tmp_path))  # another test may have own tables
    monkeypatch.setattr("simulator.sources.source_rows.hardware", partial(hardware, tmp_path / "hardware.yaml"))
    there, broken = sources([profile("net", b1=[1.0, 2.0], b2=[3.0])], [report(GOOD)], [load("skin-cancer-triage")])
    assert [sentence.split(": ")[0] for sentence in broken] == [
        str(tmp_path / "mine.net.fp32.yaml"),
        str(tmp_path / "hardware.yaml"),
    ]
    gone = set(found["what"]) - set(there["what"])
    assert gone and all(what.startswith(("price of", "peaks and memory")) for what in gone)


def test_there_is_a_row_for_each_source(found):
    figures = compile_plan(load("skin-cancer-triage")).provenance
    machines = [told for entry in hardware().values() for told in (entry.price_source, entry.source) if told]
    facts = 2 * len(field_drops()) + len(published()) + len(power()) + len(networks())
    detections = len(read_about().detectors) + len(coco_c().models)
    detections += 1 + len(load_scales().about.networks) + load_drives(DRIVES).recall["seen_by"].nunique()
    assert len(found) == 1 + 1 + len(score_names()) + len(machines) + facts + len(figures) + detections
    assert list(found.columns) == COLUMNS


def test_a_row_says_when_and_where_it_was_measured(found):
    row = found[found["what"] == "latency of net fp32 on here"].iloc[0]
    assert row.to_dict() | {"source": ""} == {
        "what": "latency of net fp32 on here",
        "kind": "measured",
        "value": "3 calls",
        "source": "",
        "date": "2026-01-02",
        "machine": "a processor",
        "licence": "Apache-2.0, measured by CaseSim; weights: random",
    }


def test_every_kind_has_a_badge_and_every_source_is_told(found):
    assert set(found["kind"]) <= set(EVIDENCE)
    assert (found["source"] != "").all()
    assert found["licence"][found["what"].str.startswith("scores")].str.len().gt(0).all()


def test_words_are_found_in_any_column_and_case(found):
    rows = matching(found, "NET HERE latency", [])
    assert rows["what"].tolist() == ["latency of net fp32 on here"]
    assert set(matching(found, "", ["assumed"])["kind"]) == {"assumed"}
    assert len(matching(found, "", [])) == len(found)
    assert matching(found, "no-such-word", []).empty
    assert len(matching(found, "(", [])) < len(found)  # what is typed is no pattern
