"""The practice page of the vehicle's case: verdicts in metres and frames, an encounter, weather, curveballs."""

import re

import pytest

from simulator.case.load import load
from simulator.practice.exhibit_panels import panels
from tests.pages.conftest import chips, opened, settled, told

CASE = "av-perception"
STOPPED, AGE = "Stopped in time", "Age of the view ahead, 99% of the time"

#: Words of other cases. Here frames wait and encounters end; nobody is ill, read or referred.
FOREIGN = re.compile(r"\b(patients?|photos?|requests?|referr\w+|healthy|ill|cancers?|people)\b", re.IGNORECASE)


@pytest.fixture
def vehicle(practice):
    """Opens the case at an address."""
    return lambda **address: settled(practice(case=CASE, **address))


def shows(page, panel):
    page.session_state["tab"] = panel
    return page.run()


def drawn(page, panel):
    """What the charts of a panel say."""
    shows(page, panel)
    assert not page.exception
    return [element.proto.alt.replace("\\", "") for element in page.get("plotly_chart")]


def foreign(page):
    """The words of other cases on a page, each with what stands around it."""
    words = told(page)
    return [words[max(found.start() - 40, 0) : found.end() + 40] for found in FOREIGN.finditer(words)]


def test_it_opens_with_a_verdict_on_every_objective_and_why(default_design):
    page = default_design(CASE)
    assert not page.exception
    found = chips(page)
    assert list(found) == [objective.label for objective in load(CASE).objectives]
    assert {chip["words"] for chip in found.values()} <= {"met", "not met", "not proven"}
    unmet = [label for label, chip in found.items() if chip["words"] != "met"]
    assert AGE in unmet
    assert all(f"**{label}**" in told(page) for label in unmet)
    assert "of the encounters the vehicle does not stop in time" in told(page)
    assert foreign(page) == []


@pytest.mark.parametrize("panel", [name for name in panels(load(CASE)) if name != "Debrief"])
def test_every_panel_is_drawn_in_words_of_this_case(default_design, panel):
    page = shows(default_design(CASE), panel)
    assert not page.exception
    charts = [element.proto for element in page.get("plotly_chart")]
    assert charts
    assert all(chart.alt for chart in charts)
    assert len([part for part in page.get("popover") if part.proto.popover.label == "As a table"]) >= len(charts)
    assert foreign(page) == []


def test_the_debrief_tells_each_lesson(default_design):
    page = shows(default_design(CASE), "Debrief")
    assert not page.exception
    assert all(lesson.title in told(page) for lesson in load(CASE).debrief)


def test_picks_come_from_the_address_and_go_there(vehicle):
    page = vehicle(detector="yolox_nano", queue="fifo", front_rate="20", speed="walking")
    assert page.selectbox(key=f"{CASE}:detector").value == "yolox_nano"
    assert page.selectbox(key=f"{CASE}:queue").value == "fifo"
    assert page.select_slider(key=f"{CASE}:front_rate").value == 20
    page.selectbox(key=f"{CASE}:computer").set_value("nx").run()
    page.run()  # a changed pick draws its fragments alone
    assert "".join(page.query_params["computer"]) == "nx"
    assert "".join(page.query_params["speed"]) == "walking"
    assert {chip["words"] for chip in chips(page).values()} == {"void"}
    assert "Outside the brief: Speed is 6 km/h, the brief says 50. No verdict counts." in told(page)
    assert "**Situation**" in [one.value for one in page.sidebar.markdown]


def test_wrong_picks_in_the_address_are_told_and_left_at_their_defaults(vehicle):
    page = vehicle(detector="yolo", front_rate="11", weather="snow", strike="blnd@0.1")
    assert not page.exception
    wrong = told(page)
    assert all(name in wrong for name in ("detector=yolo", "front_rate=11", "weather=snow", "strike=blnd@0.1"))
    assert page.selectbox(key=f"{CASE}:detector").value == "yolox_x"
    assert page.select_slider(key=f"{CASE}:front_rate").value == 10


@pytest.mark.long
def test_an_encounter_is_picked_and_told_for_both_designs(vehicle):
    page = shows(vehicle(queue="fifo", computer="agx_frugal"), "Who stops in time")
    assert re.search(r"This design (never )?confirms it.*The default design (never )?confirms it", told(page))
    page.selectbox(key=f"{CASE}:encounter").set_value("by its number").run()
    page.number_input(key=f"{CASE}:encounter_number").set_value(3).run()
    assert not page.exception
    assert "Encounter 3 of one replication" in told(page)


def test_a_curveball_is_held_against_the_calm_run_in_metres(vehicle):
    page = vehicle(strike="blind@0.25")
    assert "“The front camera fails” struck at 12:00:15" in told(page)
    assert "this is the calm run, frame for frame" in told(page)
    for _ in range(100):
        if "Metres left at standstill" in told(page) and "calm" in chips(page)[STOPPED]["asked"]:
            break
        page.run()
    (taken,) = re.findall(r"Metres left at standstill, on average \(.*?\): (\S+) m → (\S+) m \((\S+) m", told(page))
    calm, struck, change = (float(number.replace("−", "-")) for number in taken)
    assert change < 0
    assert struck - calm == pytest.approx(change, abs=0.6)  # a change has no more digits than its interval carries
    assert "calm" in chips(page)[STOPPED]["asked"]
    assert "“Front camera” sends nothing for 8.00 s (“The front camera fails”)" in told(page)
    assert foreign(page) == []


def test_the_panels_ask_who_stops_in_time():
    titles = list(panels(load(CASE)))
    assert titles[0] == "Who stops in time"
    assert "Who is missed" not in titles
    assert "Who is served" not in titles


@pytest.mark.long
def test_the_design_is_drawn_beside_the_default_one(vehicle):
    page = vehicle(queue="fifo")
    sight, front = drawn(page, "Who stops in time")
    assert re.search(r"This design .*\. The default design ", told(page))
    assert sight.startswith("To stop, the vehicle needs ")
    assert "YOLOX-x" in front


def test_ages_and_machines_follow_one_slider_and_what_it_rests_on_names_the_drives(vehicle):
    page = vehicle(queue="fifo")
    found = drawn(page, "Who waits")
    assert [alt for alt in found if alt.startswith("Known to the planner: ")]
    assert [alt for alt in found if alt.startswith("In the second around ")]
    assert len(page.slider) == 1 + len(list(page.sidebar.slider))
    found = drawn(page, "What it rests on")
    assert any(alt.startswith("An answer of restored YOLOX-x that is ") for alt in found)
    assert "For non-commercial use" in told(page)


@pytest.mark.parametrize("script", ["practice", "tradeoffs"])
def test_without_the_drives_a_page_of_the_case_says_how_to_get_them(script, monkeypatch, tmp_path):
    monkeypatch.setattr("simulator.vehicle.sight.DRIVES", tmp_path / "drives")
    page = opened(script, case="av-perception")
    assert not page.exception
    assert "pip install casesim-drives" in told(page)


def test_without_the_drives_the_page_of_evidence_says_how_to_get_them(monkeypatch, tmp_path):
    monkeypatch.setattr("simulator.sources.drive_panel.DRIVES", tmp_path / "drives")
    page = opened("evidence", evidence="Real drives")
    assert not page.exception
    assert "pip install casesim-drives" in told(page)
