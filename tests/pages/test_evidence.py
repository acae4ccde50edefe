"""The evidence page: what was measured, filtered and told."""

import sys
from time import monotonic, sleep

import pytest

from simulator.evidence.fidelity_reports import write_report
from simulator.evidence.profiles import Failure, write_failure, write_profile
from simulator.measure.model_measurements import Measurements
from tests.evidence.test_fidelity_reports import FORECAST, GOOD, NOISY, report
from tests.pages.conftest import opened, told
from tests.patience import PATIENCE_S
from tests.profiles import profile


@pytest.fixture
def evidence_page():
    """Opens the evidence page at an address."""

    def open_page(**address):
        return opened("evidence", **address)

    return open_page


def test_the_first_panel_tells_the_surprise(evidence_page):
    page = evidence_page()
    assert not page.exception
    assert "times slower for mobilenet_v3_small" in told(page)
    assert len(page.get("plotly_chart")) == 2


@pytest.mark.long
def test_a_broken_profile_is_told_and_the_others_are_shown(evidence_page, monkeypatch, tmp_path):
    broken = write_profile(profile("net", b1=[1.0, 2.0]), tmp_path)
    broken.write_text(broken.read_text(encoding="utf-8").replace("2.0", "-2.0"), encoding="utf-8")
    monkeypatch.setattr("simulator.paths.OWN_PROFILES", tmp_path)
    page = evidence_page()
    assert not page.exception
    assert "runs.0.calls.0.latency_ms.1: Input should be" in page.warning[0].value.replace("\\", "")
    assert len(page.get("plotly_chart")) == 2


def test_filters_come_from_the_address_and_change_what_is_told(evidence_page):
    page = evidence_page(models="resnet50", with_threads="2", at_batch="8")
    assert page.multiselect(key="models").value == ["resnet50"]
    assert "With 2 threads and batches of 8" in told(page)
    assert "mobilenet" not in told(page)
    page.multiselect(key="precisions").set_value(["fp32"]).run()
    assert not page.exception
    assert len(page.get("plotly_chart")) == 1  # nothing to hold against fp32


def test_what_an_address_gets_wrong_is_left_at_its_default(evidence_page):
    page = evidence_page(models="no-such-model", with_threads="99", at_batch="x", evidence="nothing")
    assert not page.exception
    assert page.multiselect(key="models").value == []


def test_steps_around_the_network_are_told(evidence_page):
    page = evidence_page(evidence="Around the network")
    assert not page.exception
    assert "The longest step" in told(page)


def test_without_a_report_the_page_says_how_to_measure_one(evidence_page, monkeypatch, tmp_path):
    monkeypatch.setattr("simulator.paths.FIDELITY", tmp_path)
    page = evidence_page(evidence="Against a real server")
    assert not page.exception
    assert "There is no report yet" in told(page)
    assert "casesim fidelity --out" in page.code[0].value


def test_a_report_is_shown_with_its_marks_and_date(evidence_page, monkeypatch, tmp_path):
    write_report(report(*[GOOD] * 6, NOISY), tmp_path / "here.json")
    monkeypatch.setattr("simulator.paths.FIDELITY", tmp_path)
    page = evidence_page(evidence="Against a real server")
    assert not page.exception
    assert page.selectbox(key="report").value == "a processor, 2 cores, 2026-01-01"
    assert "not met: at most 5.0%" in [metric.delta for metric in page.metric]
    assert "1 point is not judged" in told(page)
    assert len(page.get("plotly_chart")) == 2


def test_a_report_with_forecast_intervals_says_how_often_they_hold(evidence_page, monkeypatch, tmp_path):
    write_report(report(FORECAST), tmp_path / "here.json")
    monkeypatch.setattr("simulator.paths.FIDELITY", tmp_path)
    page = evidence_page(evidence="Against a real server")
    assert not page.exception
    assert "p99 2 of 2 (100.0%" in told(page)
    assert len(page.get("plotly_chart")) == 3


def test_a_report_that_cannot_be_read_is_told(evidence_page, monkeypatch, tmp_path):
    (tmp_path / "here.json").write_text("{}")
    monkeypatch.setattr("simulator.paths.FIDELITY", tmp_path)
    page = evidence_page(evidence="Against a real server")
    assert not page.exception
    assert "here" in page.warning[0].value


def test_sources_are_searched_by_words_and_kind(evidence_page):
    page = evidence_page(evidence="Sources")
    assert not page.exception
    everything = len(page.dataframe[0].value)
    page.text_input(key="words").set_value("latency of resnet50").run()
    found = page.dataframe[0].value
    assert 0 < len(found) < everything
    assert found.astype(str).agg(" ".join, axis=1).str.contains("resnet50").all()
    page.multiselect(key="kinds").set_value(["assumed"]).run()
    assert page.dataframe[0].value.empty


def test_what_failed_is_shown_with_its_reason(evidence_page, monkeypatch, tmp_path):
    fields = {"device": "here", "libraries": {}, "date": "2026-01-01"}
    write_failure(Failure(model="net", precision="fp16", step="run", reason="it has no such kernel", **fields), tmp_path)
    monkeypatch.setattr("simulator.paths.PROFILES", tmp_path)
    page = evidence_page(evidence="What failed")
    assert not page.exception
    assert page.dataframe[0].value["reason"].tolist() == ["it has no such kernel"]


@pytest.fixture
def measuring(monkeypatch, tmp_path):
    """Puts a script in place of the command that measures."""

    # The test driver is a visitor from elsewhere; who sits at the machine may name a file of it.
    monkeypatch.setattr("streamlit.runtime.context.ContextProxy.ip_address", None)

    def set_up(script):
        (tmp_path / "command.py").write_text(f"import json, sys, time\n{TELL}\n{script}\n", encoding="utf-8")
        kept = Measurements([sys.executable, str(tmp_path / "command.py")])
        monkeypatch.setattr("simulator.measure.model_measurements.measurements", lambda: kept)
        return kept

    return set_up


TELL = "def tell(event, **told): print(json.dumps({'event': event} | told), file=sys.stderr, flush=True)"
BEGIN = "tell('start', model='net', precision='fp32', device='here', threads=[1], batches=[1, 2])\n"
HALF = "tell('progress', done=0.5, threads=1, medians_ms={'1': 3.0, '2': 5.5})\n"


def measure(page, file=__file__):
    page.text_input(key="own_path").set_value(file)
    next(button for button in page.button if button.label == "Measure this model").click()
    return page.run()


def look_until(page, words):
    deadline = monotonic() + PATIENCE_S
    while words not in told(page):
        assert monotonic() < deadline, told(page)
        sleep(0.1)
        page.run()


def test_a_model_of_ones_own_is_followed_and_cancelled(evidence_page, measuring):
    kept = measuring(BEGIN + HALF + "time.sleep(300)")
    page = measure(evidence_page(evidence="Your own model"))
    look_until(page, "a batch of 2 takes 5.50 ms")
    assert not page.exception
    assert "measurement" not in page.query_params
    other = measure(evidence_page(evidence="Your own model"))
    assert not other.get("progress")
    assert "another measurement is running; yours can begin in about" in told(other)
    assert "net" not in other.error[0].value
    page.button(key="cancel_measurement").click().run()
    assert kept.running is None or kept.running.process.wait(PATIENCE_S)


def test_the_commands_own_sentence_is_shown(evidence_page, measuring):
    measuring("tell('error', text='net.onnx: is no ONNX file')\nsys.exit(2)")
    page = measure(evidence_page(evidence="Your own model"))
    look_until(page, "net.onnx: is no ONNX file")
    assert not page.exception


def test_a_finished_measurement_shows_its_curve(evidence_page, measuring, tmp_path):
    path = write_profile(profile("net", b1=[1.0, 2.0], b2=[3.0]), tmp_path)
    measuring(BEGIN + HALF + f"tell('done', profile={str(path)!r})")
    page = measure(evidence_page(evidence="Your own model"))
    look_until(page, "net fp32 on here")
    assert not page.exception
    assert len(page.get("plotly_chart")) == 1


def test_without_a_file_the_page_asks_for_one(evidence_page, measuring):
    measuring("")
    page = measure(evidence_page(evidence="Your own model"), file="")
    assert "expected one file that ends in" in told(page)


def test_what_projections_are_worth_is_told(evidence_page):
    page = evidence_page(evidence="Projected hardware")
    assert not page.exception
    assert "pairs of device and family reach both bars" in told(page)
    assert "an analytic model" in told(page)
    assert "at least 80.0%" in " ".join(metric.delta for metric in page.metric)


def test_detectors_show_what_eight_bits_and_fog_do(evidence_page):
    page = evidence_page(evidence="Detectors")
    assert not page.exception
    assert "The same 8 bits cost" in told(page)
    assert "The same 8-bit file of FastestDet has an AP of 0.180 on a processor with VNNI" in told(page)
    assert len(page.get("plotly_chart")) == 5
    page = evidence_page(evidence="Detectors", detector="FastestDet", condition="Stale model")
    assert not page.exception
    assert "does not apply to FastestDet" in told(page)


def test_without_detection_tables_the_page_says_how_to_make_them(evidence_page, monkeypatch, tmp_path):
    monkeypatch.setattr("simulator.sources.detector_panel.DETECTIONS", tmp_path)
    page = evidence_page(evidence="Detectors")
    assert not page.exception
    assert "`python -m campaigns.detections tables` writes it" in told(page)


def test_incidents_have_a_panel_with_what_many_of_them_taught(evidence_page):
    page = evidence_page(evidence="Incidents")
    assert not page.exception
    assert [heading.value for heading in page.header] == [
        "Delay of the alarm against false alarms",
        "Promised and real rates of false alarms",
        "Harm that each fix takes away",
        "Results of scripted investigators",
    ]
    assert len(page.get("plotly_chart")) == 4


def test_real_drives_have_a_panel_with_their_credit(evidence_page):
    page = evidence_page(evidence="Real drives")
    assert not page.exception
    assert [heading.value for heading in page.header] == [
        "What lateness takes",
        "How misses follow each other",
        "What a second sensor adds",
    ]
    assert len(page.get("plotly_chart")) == 5
    assert "non-commercial" in page.caption[-1].value.replace("\\", "")
