"""The page of the production incident: from the pager to the reveal, and what cannot be done."""

import re

import pytest

from simulator.app.store.incident_log import Hidden, Incidents
from simulator.case.load import load
from simulator.engine.compiled_plan import case_hash
from simulator.incident.player_actions import BelieveAction
from simulator.incident.sessions import games, packed
from tests.pages.conftest import jumps, opened, told

CASE = "production-drift"


@pytest.fixture(autouse=True)
def database(monkeypatch, tmp_path):
    """A database of its own for each test, and nothing held in memory from the test before."""
    monkeypatch.setenv("CASESIM_DATABASE", f"sqlite:///{tmp_path / 'kept.db'}")
    games.cache_clear()
    yield
    games.cache_clear()


@pytest.fixture
def room():
    """Opens the page at an address."""

    def open_page(**address):
        return opened("incident", **address)

    return open_page


@pytest.fixture
def paged(room):
    """The room after the first ring."""
    return room().button(key="pager").click().run()


def begun(cause, hours=None, seed=1, shape="abrupt"):
    """The id of an incident with this behind it, when it rang, or so many hours after the reference week unless it is told.

    Nothing is watched while those hours pass, so that nothing rings before.
    """
    scenario = load(CASE)
    watches = [watch.model_dump(mode="json") for watch in scenario.incident.watches]
    waiting = {"kind": "wait", "hours": hours}
    unwatched = [{"kind": "watch", "watches": []}, waiting, {"kind": "watch", "watches": watches}]
    name = Incidents().begin(CASE, scenario.version, case_hash(scenario), Hidden(seed, cause, shape))
    for place, action in enumerate(unwatched if hours else [waiting]):
        Incidents().add(name, place, action)
    return name


def tab(page, name):
    page.session_state[f"steps:{''.join(page.query_params['incident'])}"] = name
    return page.run()


def strip(page):
    [found] = [part.proto for part in page.get("bidi_component") if part.proto.component_name == "incident_strip"]
    return found.json


def press(page, key):
    page.button(key=key).click().run()
    assert not page.exception
    return page


def test_before_the_pager_is_taken_two_sentences_and_two_ways_to_begin(room):
    page = room()
    assert not page.exception
    assert page.title[0].value == load(CASE).title
    assert {"pager", "pager_watching"} <= {button.key for button in page.button}
    assert "Twenty-four cameras" in told(page)
    assert "incident" not in page.query_params


def test_the_first_minute_teaches_what_rang_by_how_much_and_what_to_do_first(paged):
    assert not paged.exception
    first = (paged.error or paged.info)[0].value.replace("\\", "")
    assert re.search(r"usual|asks", first)
    assert "Sensible first moves" in first
    assert "read the log of changes" in first
    charts = [element.proto for element in paged.get("plotly_chart")]
    assert len(charts) == len(load(CASE).incident.watches)
    assert all(chart.alt for chart in charts)
    assert len([part for part in paged.get("popover") if part.proto.popover.label == "Table"]) == len(charts)
    assert "USD" in strip(paged)
    assert set(paged.query_params) == {"case", "incident"}
    own = paged.session_state["trail"]  # the incident belongs to the visitor who took the pager
    assert [one.id for one in games().store.of(own)] == ["".join(paged.query_params["incident"])]


def test_a_look_takes_its_time_and_money_and_is_written_down(paged):
    before = strip(paged)
    press(paged, "look_changes")
    assert strip(paged) != before
    assert "2. Read the log of changes" in told(paged)
    assert jumps(paged) == []
    paged.selectbox(key="look_slices_statistic").set_value("brightness").run()
    press(paged, "look_slices")
    assert "3. Look at one figure by slice" in told(paged)
    paged.selectbox(key="look_labels_site").set_value("depot").run()
    paged.number_input(key="look_labels_frames").set_value(60).run()
    press(paged, "look_labels")
    assert "4. Have frames labelled, Depot" in told(paged)
    assert '"60"' in strip(paged)


def test_pictures_of_frames_are_marked_as_illustrations_and_name_no_condition(room):
    page = room(case=CASE, incident=begun("fog_season", hours=240))
    press(page, "look_pictures")
    images = [image.proto.imgs[0].caption for image in page.get("image")]
    assert len(images) == 2 and all("illustration, procedural" in caption for caption in images)
    assert "fog" not in " ".join(images).lower()


def test_a_query_a_person_and_the_log_are_asked_with_their_inputs(room):
    page = room(case=CASE, incident=begun("lost_step", hours=240))
    page.multiselect(key="look_query_groups").set_value(["site", "version"]).run()
    press(page, "look_query")
    [table] = [each.value for each in page.dataframe if "frames" in each.value]
    assert {"site", "version", "low", "high"} <= set(table.columns)
    page.selectbox(key="look_ask_person").set_value("data").run()
    press(page, "look_ask")
    assert "The data team: “" in told(page)
    press(page, "look_changes")
    assert "changes in 30 days" in told(page) and len(page.get("code")) >= 3


def test_a_technician_is_sent_to_one_site(room):
    page = room(case=CASE, incident=begun("blurred_camera", hours=240))
    tab(page, "Put right")
    page.selectbox(key="fix_technician_site").set_value("depot").run()
    press(page, "fix_technician")
    assert "Send a technician, Depot" in told(page)


@pytest.mark.long
def test_two_preparations_of_a_frame_are_drawn_where_they_differ(room):
    page = room(case=CASE, incident=begun("swapped_colours", hours=240))
    press(page, "look_preprocessing")
    assert len(page.get("image")) == 3
    assert "of the pixels of a drawn frame have another value" in told(page)


def hashes(page):
    """Every text like a hash, in the tables and the sentences of a page."""
    cells = [str(cell) for table in page.dataframe for cell in table.value.to_numpy().ravel()]
    return set(re.findall(r"\b[0-9a-f]{12,64}\b", " ".join([*cells, told(page)])))


def compared(room, name):
    """The page of an incident whose replicas have been compared."""
    return press(room(case=CASE, incident=name), "look_replicas")


@pytest.mark.long
def test_no_hash_on_the_page_follows_from_the_seed_and_the_case_alone(room):
    """Two incidents differ in their salts alone: where their hashes agree, those of another seed agree with them too."""
    first, second, other = (hashes(compared(room, begun("swapped_colours", 240, seed))) for seed in (5, 5, 6))
    assert len(first - second) == len(second - first) == 3  # two tested parts of a configuration, and one that runs
    assert first & second == first & other == second & other


@pytest.mark.long
def test_a_hash_is_the_same_after_a_reload_and_a_restart(room):
    name = begun("swapped_colours", 240)
    before = hashes(compared(room, name))
    assert len(before) == 4  # of the model's file, and of three parts of configurations
    games.cache_clear()
    assert hashes(room(case=CASE, incident=name)) == before


def test_a_threshold_without_labels_is_refused_beside_its_button_for_nothing_and_fixes_come_into_force(paged):
    before = strip(paged)
    tab(paged, "Put right")
    press(paged, "fix_threshold")
    assert any("have some labelled first" in error.value for error in paged.error)
    assert strip(paged) == before
    press(paged, "fix_people")
    assert not any("have some labelled first" in error.value for error in paged.error)
    press(paged, "fix_roll_back")
    assert "Roll the servers back: in force from now on." in told(paged)


def test_waiting_for_some_hours_moves_the_clock_and_another_browser_finds_the_same_state(room, paged):
    paged.number_input(key="wait_hours").set_value(9).run()
    press(paged, "wait")
    assert re.search(r"2\. (Waited|A monitor rings|A customer asks)", told(paged))
    games.cache_clear()  # as another process of the server would find it
    other = room(case=CASE, incident="".join(paged.query_params["incident"]))
    assert strip(other) == strip(paged)
    assert told(other) == told(paged)


def test_what_is_watched_can_be_changed_and_a_wrong_monitor_is_told_in_a_sentence(paged):
    tab(paged, "Watch")
    new = {str(box.key).rsplit(":", 1)[-1]: box for box in paged.selectbox if str(box.key).startswith("new:")}
    new["statistic"].set_value("brightness")
    new["test"].set_value("mmd")
    add = next(button for button in paged.button if button.label == "Add it")
    add.click().run()
    assert not paged.exception
    assert any("mmd compares features" in error.value for error in paged.error)
    new = {str(box.key).rsplit(":", 1)[-1]: box for box in paged.selectbox if str(box.key).startswith("new:")}
    new["test"].set_value("mean")
    new["by"].set_value("site")
    next(button for button in paged.button if button.label == "Add it").click().run()
    assert "5 monitors" in told(paged)
    press(paged, "watch")
    assert len(paged.get("plotly_chart")) == 5
    assert "Other monitors" in told(paged)


def test_monitors_can_be_chosen_before_the_pager_is_taken(room):
    page = room()
    next(button for button in page.button if str(button.key).startswith("remove:")).click().run()
    press(page, "pager_watching")
    assert len(page.get("plotly_chart")) == len(load(CASE).incident.watches) - 1


@pytest.mark.long
def test_charts_can_be_seen_as_they_were_before(room):
    page = room(case=CASE, incident=begun("int8_rollout"))
    now = [element.proto.spec for element in page.get("plotly_chart")]
    assert any("It rings." in element.proto.alt for element in page.get("plotly_chart"))
    page.select_slider[0].set_value(load(CASE).incident.reference_days * 86_400).run()
    assert not page.exception
    before = [element.proto for element in page.get("plotly_chart")]
    assert [chart.spec for chart in before] != now
    assert all(
        "day 8, Mon 00:00" in chart.alt or "nothing is known" in chart.alt or "to day 6" in chart.alt for chart in before
    )
    assert not any("It rings." in chart.alt for chart in before)


def test_diagnosed_and_closed_it_tells_what_it_was_and_how_it_went(room):
    page = room(case=CASE, incident=begun("int8_rollout"))
    press(page, "look_replicas")
    tab(page, "Put right")
    press(page, "fix_roll_back")
    tab(page, "Name the cause")
    assert page.button(key="diagnose").disabled
    name = "".join(page.query_params["incident"])
    games().act(name, load(CASE), BelieveAction(kind="believe", shares={"int8_rollout": 0.7, "overload": 0.3}))
    press(page.run(), "diagnose")
    press(page, "close")
    said, spec = told(page), load(CASE).incident
    assert page.header[0].value.replace("\\", "") == f"It was: {spec.causes['int8_rollout'].label}"
    assert "70% sure: right" in page.success[0].value.replace("\\", "")
    assert "you did not say where" in page.success[0].value
    assert " ".join(spec.causes["int8_rollout"].teaches.split())[:60] in said
    assert {"Detected after", "Mitigated after", "Spent", "Brier score"} <= {metric.label for metric in page.metric}
    assert all(lesson.title in said for lesson in load(CASE).debrief)
    assert jumps(page) == []
    press(page, "another")
    assert "incident" not in page.query_params
    assert page.button(key="pager")


@pytest.mark.long
def test_whoever_waited_to_the_end_of_the_stream_can_still_name_the_cause(room):
    name = begun("overload", hours=600)  # until somebody complains
    Incidents().add(name, 3, {"kind": "watch", "watches": []})
    Incidents().add(name, 4, {"kind": "wait", "hours": 600})
    page = room(case=CASE, incident=name)
    assert "The stream has ended" in told(page)
    assert "look_changes" not in {button.key for button in page.button}
    press(page, "close")
    assert "You named no cause" in page.error[0].value


@pytest.mark.long
def test_once_revealed_a_link_may_bring_other_actions(room):
    name = begun("overload")
    page = room(case=CASE, incident=name, actions=packed([]))
    assert "It was: " not in told(page)  # before the reveal the actions of an address count for nothing
    Incidents().reveal(name)
    page = room(case=CASE, incident=name, actions=packed([]))
    assert "You named no cause" in page.error[0].value
    page = room(case=CASE, incident=name, actions="nonsense")
    assert "cannot be read" in page.warning[0].value


def test_an_incident_that_is_not_there_is_told_and_a_new_one_may_begin(room):
    page = room(case=CASE, incident="made-up")
    assert not page.exception
    assert "This server has no incident with this link" in page.error[0].value
    assert page.button(key="pager")


def test_the_first_page_and_practice_lead_here(app, practice):
    page = app.button(key=f"incident_{CASE}").click().run()
    assert page.button(key="pager")
    links = [link.proto.page for link in practice(case=CASE).get("page_link")]
    assert any(link.startswith("incident") for link in links)


def test_a_case_without_an_incident_is_not_played(room):
    page = room(case="retry-storm")
    assert not page.exception
    assert "There is no case" in page.warning[0].value.replace("\\", "")
    assert page.title[0].value == load(CASE).title


@pytest.mark.long
def test_the_incident_of_the_day_is_one_for_all_visitors_and_comes_once(room):
    first, second = (press(room(case=CASE), "daily") for _ in range(2))
    names = ["".join(page.query_params["incident"]) for page in (first, second)]
    hidden = [games().store.get(name).hidden for name in names]
    assert names[0] != names[1] and hidden[0].seed == hidden[1].seed and hidden[0].salt != hidden[1].salt
    trail = first.session_state["trail"]
    again = room(case=CASE)
    again.session_state["trail"] = trail
    assert again.run().button(key="daily").label == "Continue today’s incident"
    assert "Your incidents" in told(again) and "incident of 20" in told(again)
    Incidents().reveal(names[0])
    assert "You are the first here who has closed it" in told(room(case=CASE, incident=names[0]))
    Incidents().reveal(names[1])
    assert "Of 1 other visitor who closed it here, 0 named the cause" in told(room(case=CASE, incident=names[0]))


def test_a_difficulty_is_kept_with_the_incident(room):
    page = room(case=CASE)
    page.radio(key="incident_level").set_value("hard").run()
    assert "looks may cost 400 USD" in told(page)
    press(page, "pager")
    stored = games().store.get("".join(page.query_params["incident"]))
    assert stored.hidden.level == "hard"
    assert "Left for looks" in strip(page)


@pytest.mark.long
def test_five_in_a_row_share_one_budget_of_monitors(room):
    page = press(room(case=CASE), "five")
    row = "".join(page.query_params["row"])
    assert "1,500 USD a week" in told(page)
    press(page, "pager_row")
    name = "".join(page.query_params["incident"])
    assert (games().store.get(name).hidden.series, games().store.get(name).hidden.place) == (row, 1)
    Incidents().reveal(name)
    press(page.run(), "next_of_row")
    assert "Incident 2 of 5" in told(page) and "1,045 USD a week" in told(page)
