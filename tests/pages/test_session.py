"""A session: what is asked for appears and nothing before it, a prediction comes before its run, and the record comes first."""

import re
from concurrent.futures import Future

import pytest

from simulator.app.jobs import registry
from simulator.app.live_session import LiveSession
from simulator.app.store.session_files import StoredSession, written_sessions
from simulator.app.store.session_log import SessionLog
from simulator.app.widgets import plain
from simulator.app.workers import Workers
from simulator.case.exhibits import EXHIBITS
from simulator.case.load import load, scenario_ids
from simulator.case.phases import defence_of, phases_of, predicted_metrics
from simulator.case.scenario_parts import SHOWN_LESSONS
from simulator.charts.design_diagram import diagram
from simulator.engine.plan import compile_plan
from simulator.explain.result import replicate
from simulator.metrics.summary import judged
from simulator.practice.prediction_panel import verdicts_of
from simulator.practice.report import session_report
from simulator.practice.session_at_hand import job_at_hand
from simulator.practice.session_debrief import last_plan, other_seed, started
from simulator.session.best_known import best_known
from simulator.session.session_events import PickChanged, RunEnded
from simulator.session.session_record import record, run_asked
from simulator.units import bound_scale
from tests.pages.conftest import chips, opened, said, settled, told

CASE = "production-drift"


@pytest.fixture
def scenario():
    return load(CASE)


@pytest.fixture
def begun():
    """A session of twenty minutes at its first phase."""
    page = opened("session", case=CASE)
    assert not page.exception
    page.radio(key="session:minutes").set_value(20)
    return pressed(page, "session:begin")


def pressed(page, key):
    page.button(key=key).click().run()
    assert not page.exception
    return page


def assuming(page, words="We assume that one in ten frames shows a person."):
    """Write an assumption, so that the session holds an act."""
    page.text_input(key="session:assumption").set_value(words).run()
    assert not page.exception
    return page


def asking(page, words):
    """Type words into the field of a question, and press Enter."""
    page.text_input(key="session:question").set_value(words)
    return pressed(page, "session:ask")


def link(page):
    """The id of the session in the address; the driver gives what it has set as a list, and the page's own as text."""
    found = page.query_params["session"]
    return found if isinstance(found, str) else found[0]


def live(page, scenario):
    return LiveSession(SessionLog(), scenario, link(page))


def shown_bytes(page):
    """All that the page has sent to the browser, as text: every element that the driver holds."""
    return "\n".join(str(element.proto) for element in page.main) + "\n".join(str(element.proto) for element in page.sidebar)


def with_choices(page, scenario):
    """Go to the first phase that has choices."""
    phase = next(phase for phase in phases_of(scenario) if phase.choices)
    return pressed(page, f"session:phase:{phase.id}"), phase


def predicted(page):
    """Predict as the form stands, and wait for the run."""
    button = next(one for one in page.button if one.label == "Predict and run")
    button.click().run()
    assert not page.exception
    return settled(page)


def test_the_minutes_of_the_phases_add_up_to_the_session(scenario, begun):
    phases = phases_of(scenario, 20)
    assert sum(phase.minutes for phase in phases) == 20
    labels = [one.label for one in begun.button if str(one.key).startswith("session:phase:")]
    assert labels == [f"{phase.title}, 0 of {phase.minutes:g} min" for phase in phases]


def test_an_answer_is_sent_only_once_its_question_was_asked(scenario, begun):
    answers = [question.answer[:40] for question in scenario.questions]
    assert not any(answer in shown_bytes(begun) for answer in answers)
    assert not any(question.ask in shown_bytes(begun) for question in scenario.questions)  # no list to pick from
    page = asking(begun, scenario.questions[1].ask)
    assert scenario.questions[1].answer[:60] in told(page)
    assert [answer in shown_bytes(page) for answer in answers] == [index == 1 for index in range(len(answers))]


def test_nothing_of_the_debrief_is_sent_before_the_end(scenario, begun):
    sent, page = shown_bytes(begun), begun
    for phase in phases_of(scenario)[1:]:
        page = pressed(page, f"session:phase:{phase.id}")
        sent += shown_bytes(page)
    private = [lesson.title for lesson in scenario.debrief] + [lesson.text[:40] for lesson in scenario.debrief]
    private += [hint.question or hint.step or "" for one in phases_of(scenario) for hint in one.hints]
    private += [one.text[:40] for one in scenario.reference.values()]
    assert not [text for text in private if text and text in sent]


def test_a_pinned_answer_is_an_assumption_until_it_is_removed(scenario, begun):
    page = pressed(asking(begun, scenario.questions[0].ask), "session:pin:0")
    (assumption,) = live(page, scenario).state.assumptions
    page = pressed(page, f"session:unpin:{assumption.place}")
    assert live(page, scenario).state.removed == {assumption.place}


def test_the_bounds_of_the_case_come_after_the_person_s_own_objectives(scenario, begun):
    assert "The case asks for" not in said(begun)
    begun.text_area(key="session:objectives").set_value("Fast answers\n\nLow cost")
    page = pressed(begun, "session:rank")
    assert [one.words for one in live(page, scenario).state.objectives] == ["Fast answers", "Low cost"]
    assert "The case asks for" in said(page)


def test_the_field_of_the_objectives_shows_the_lines_that_are_kept(scenario, begun):
    begun.text_area(key="session:objectives").set_value("\n\n".join(f"Objective {number}" for number in range(7)))
    page = pressed(begun, "session:rank")
    words = [objective.words for objective in live(page, scenario).state.objectives]
    assert len(words) == 5
    assert page.text_area(key="session:objectives").value.splitlines() == words


def test_a_run_that_was_asked_for_in_an_earlier_phase_is_noted_in_the_defence(scenario, begun):
    now = live(begun, scenario)
    now.take("candidate", run_asked(now.scenario, now.state))
    page = pressed(begun, f"session:phase:{phases_of(scenario)[-1].id}")
    assert "You have run no design" not in said(page)
    page = settled(page)
    assert not page.exception
    assert live(page, scenario).state.runs[-1].ended is not None
    assert "**Your last run**" in said(page)
    assert "before this design" not in said(page)


def test_a_session_without_a_run_is_said_to_be_compared_with_nothing(scenario, begun):
    page = ended(begun)
    page.toggle(key="session:compare").set_value(True).run()
    assert not page.exception
    assert "It is the best of " in said(page)
    assert "Both run here" not in said(page)


def test_a_design_is_predicted_before_it_runs_and_the_reveal_shows_both(scenario, begun):
    page, _ = with_choices(begun, scenario)
    assert not [one for one in page.button if one.label == "Run without a prediction"]
    assert not page.get("bidi_component") or "chips" not in str(page.get("bidi_component")[-1].proto)
    page = predicted(page)
    state = live(page, scenario).state
    assert {one.metric for one in state.predictions if one.metric} == set(predicted_metrics(scenario))
    assert all(one.settled is not None for one in state.predictions)
    (run,) = state.runs
    assert isinstance(run.ended, RunEnded)
    assert len(chips(page)) == len(scenario.objectives)
    assert said(page).count("your interval") == len(predicted_metrics(scenario))


def test_a_changed_choice_is_an_event_and_asks_for_a_prediction_again(scenario, begun):
    page, phase = with_choices(begun, scenario)
    page = predicted(page)
    page = other_pick(page, scenario, phase)
    change = live(page, scenario).state.changes[-1].event
    assert isinstance(change, PickChanged)
    assert (change.choice, change.before) == (phase.choices[0], scenario.choices[phase.choices[0]].default)
    assert [one for one in page.button if one.label == "Predict and run"]


def other_pick(page, scenario, phase):
    """Change the first choice of a phase."""
    name = phase.choices[0]
    widget = next(one for one in [*page.select_slider, *page.slider, *page.selectbox] if one.key == f"session:pick:{name}")
    widget.set_value(next(pick for pick in scenario.choices[name].picks() if pick != scenario.choices[name].default)).run()
    assert not page.exception
    return page


def test_a_design_is_predicted_beside_its_picture_and_the_last_run_and_nothing_of_its_own_result_is_sent(scenario, begun):
    page, phase = with_choices(begun, scenario)
    assert "flowchart TB" in shown_bytes(page)
    assert "Your last run" not in said(page)
    page = other_pick(predicted(page), scenario, phase)
    first = live(page, scenario).state.runs[0].ended
    assert "Your last run" in said(page)
    assert len(chips(page)) == len(scenario.objectives)
    assert "planned load" in diagram(compile_plan(scenario, {})).source
    assert "planned load" not in shown_bytes(page)  # the loads of theory are the answer to the stage that limits
    for name in predicted_metrics(scenario):
        low, high = page.slider(key=f"session:predict:{name}").value
        figure, metric = next(one for one in first.figures if one.metric == name), scenario.metrics[name]
        factor, _ = bound_scale(next((one.bound for one in judged(scenario, {}) if one.metric.name == name), 1.0), metric.unit)
        assert low <= factor * figure.value <= high
    sent = shown_bytes(page)
    page = predicted(page)
    second = live(page, scenario).state.runs[1]
    own = {one.reached for one in verdicts_of(scenario, second)} - {
        one.reached for one in verdicts_of(scenario, live(page, scenario).state.runs[0])
    }
    assert own
    assert not [words for words in own if words in sent]


def test_the_stage_that_limits_is_one_of_queues_and_the_form_says_so(scenario, begun):
    page, _ = with_choices(begun, scenario)
    assert page.selectbox(key="session:predict:stage").label == "The stage that holds most clips up or turns them away"
    assert "queues, not quality" in said(page)


def test_the_clock_stands_still_while_a_design_runs(scenario, begun):
    page, _ = with_choices(begun, scenario)
    now = live(page, scenario)
    now.take("candidate", run_asked(now.scenario, now.state))
    asked_at = now.state.last_at
    assert now.state.used_at(asked_at + 600) == now.state.used_at(asked_at)
    page = settled(page.run())
    after = live(page, scenario).state
    assert not after.stands
    assert after.used_s == now.state.used_s


def test_the_defence_shows_the_verdicts_and_every_run_and_ends_the_session(scenario, begun):
    page, phase = with_choices(begun, scenario)
    page = predicted(other_pick(predicted(page), scenario, phase))
    page = pressed(page, "session:phase:defend")
    assert len(chips(page)) == len(scenario.objectives)
    (table,) = [one.value for one in page.dataframe]
    assert list(table["run"]) == [1, 2]
    assert scenario.choices[phase.choices[0]].label in table["changed before it"][1]
    page = pressed(page, "session:finish")
    assert "The record" in said(page)


def test_the_record_comes_before_the_rating_and_the_comparison_after_it(scenario, begun):
    page = ended(assuming(begun))
    assert "The record" in said(page)
    assert scenario.debrief[0].title not in told(page)
    page.radio(key="session:rate:framing").set_value("weak").run()
    assert not page.exception
    assert scenario.debrief[0].title in told(page)
    assert "Questions that you left out" in said(page)
    assert dict(live(page, scenario).state.ratings) == {"framing": "weak"}


def test_a_defence_is_kept_in_its_own_words(scenario, begun):
    page = pressed(begun, "session:phase:defend")
    assert defence_of(scenario)[0] in told(page)
    page.text_area(key="session:answer:0").set_value("Because *cost* decides.")
    next(one for one in page.button if one.label == "Keep").click().run()
    assert not page.exception
    assert live(page, scenario).state.defences[0].event.text == "Because *cost* decides."


def test_a_kept_answer_is_told_to_be_kept_and_a_longer_one_to_be_cut(scenario, begun):
    page = pressed(begun, "session:phase:defend")
    assert "Your answer is kept." not in told(page)
    page.text_area(key="session:answer:0").set_value("x" * 5000)
    next(one for one in page.button if one.label == "Keep").click().run()
    assert not page.exception
    assert len(live(page, scenario).state.defences[0].event.text) == 4000
    assert "Only the first 4,000 letters are kept." in told(page)
    assert "Your answer is kept." in told(page)


def test_a_length_or_a_goal_in_the_address_that_is_not_offered_is_told():
    page = opened("session", case=CASE, minutes="7", goal="nope")
    assert [one.value for one in page.warning] == [
        "There is no goal “nope”. This session has none.",
        "A session takes 20, 30 or 45 minutes, not “7”.",
    ]
    assert not opened("session", case=CASE, minutes="30").warning


@pytest.mark.parametrize("case", scenario_ids())
def test_a_session_without_a_change_has_its_whole_comparison(case):
    page = opened("session", case=case)
    page = pressed(pressed(page, "session:begin"), "session:end")
    page.toggle(key="session:compare").set_value(True).run()
    assert not page.exception
    assert "a fault of CaseSim's own" not in told(page)
    assert ("mattered most" in told(page)) == ("You changed no choice." in told(page))
    assert "What next" in said(page)
    lessons = [f"**{plain(lesson.title)}**" for lesson in load(case).debrief]
    folded = [part.value for box in page.expander if "further lesson" in box.label for part in box.markdown]
    at_once = [part.value for part in page.markdown if part.value not in folded]
    assert sum(value.startswith(tuple(lessons)) for value in [*at_once, *folded]) == len(lessons)
    assert sum(value.startswith(tuple(lessons)) for value in at_once) <= SHOWN_LESSONS


def test_more_objectives_than_are_kept_are_told(scenario, begun):
    begun.text_area(key="session:objectives").set_value("\n".join("abcdefg"))
    page = pressed(begun, "session:rank")
    assert [one.words for one in live(page, scenario).state.objectives] == list("abcde")
    assert "Only the first 5 objectives are kept." in told(page)


def test_panels_over_time_stand_in_a_session_as_the_case_lists_them(scenario, begun):
    phase = next(phase for phase in phases_of(scenario) if "batches" in phase.panels)
    page = predicted(pressed(begun, f"session:phase:{phase.id}"))
    assert [one.label for one in page.expander][: len(phase.panels)] == [EXHIBITS[name].label for name in phase.panels]


def test_a_hint_on_a_panel_names_it_and_the_phase_that_shows_it():
    page = opened("session", case="skin-cancer-triage")
    page = pressed(pressed(page, "session:begin"), "session:phase:model")
    page = pressed(pressed(page, "session:hint"), "session:hint")
    assert "Panel “Threshold” in the phase “Evaluate”: Compare the share" in told(page)


def test_a_session_goes_on_from_its_link_in_another_browser(scenario, begun):
    page = asking(begun, scenario.questions[2].ask)
    other = opened("session", session=link(page))
    assert not other.exception
    assert scenario.questions[2].answer[:60] in told(other)


def test_another_case_is_picked_on_the_page_and_its_session_begins(scenario):
    page = opened("session", case=CASE, minutes="30")
    assert page.radio(key="session:minutes").value == 30
    page.selectbox(key="session:case").set_value("retry-storm").run()
    assert load("retry-storm").summary in told(page)
    page = pressed(page, "session:begin")
    assert page.title[0].value == load("retry-storm").title


def test_a_length_that_is_not_offered_gives_the_shortest():
    assert opened("session", case=CASE, minutes="7").radio(key="session:minutes").value == 20


def test_a_link_to_no_session_is_told_and_a_new_one_is_offered():
    page = opened("session", session="A" * 22, case=CASE)
    assert not page.exception
    assert "There is no session with this link" in page.warning[0].value
    assert page.button(key="session:begin")


def ended(page):
    return pressed(page, "session:end")


def test_the_debrief_says_what_the_log_says_only_after_the_own_rating(scenario, begun):
    page, _ = with_choices(begun, scenario)
    page = ended(predicted(page))
    assert "Very weak: Starts with an architecture" in str(page.radio(key="session:rate:framing").options)
    assert "The log says" not in told(page)
    page.radio(key="session:rate:framing").set_value("strong").run()
    assert not page.exception
    assert "The log says: very weak. Your first design ran before you asked a question" in told(page)
    assert "Architecture without data" in told(page)


def test_the_weakest_signal_leads_to_a_session_with_its_goal(scenario, begun):
    page = ended(assuming(begun))
    page.radio(key="session:rate:model").set_value("very_weak").run()
    assert "Your weakest signal is **Choice of the model**" in said(page)
    goal = opened("session", case=CASE, goal="model")
    assert "Run two models with everything else equal" in told(goal)
    page = pressed(goal, "session:begin")
    assert "Goal: Run two models" in told(page)
    page = ended(page)
    assert "Not reached yet" in told(page)


def test_a_session_without_an_act_is_told_so_with_one_next_step_and_nothing_to_rate(begun):
    page = ended(pressed(begun, "session:phase:defend"))
    assert "You asked nothing, changed nothing, predicted nothing and ran no design." in told(page)
    assert "Begin with **Framing**." in told(page)
    assert not [one for one in page.radio if (one.key or "").startswith("session:rate")]
    assert "you saw to" not in told(page) and "Mistakes that interviewers name" not in said(page)


def test_a_session_without_a_run_is_told_that_no_mistake_can_be_seen(begun):
    page = ended(assuming(begun))
    assert "No design ran, so the log shows none of the four mistakes, and not that you avoid them." in told(page)


def test_the_debrief_calls_no_strong_signal_the_weakest(begun):
    page = ended(assuming(begun))
    page.radio(key="session:rate:framing").set_value("strong").run()
    assert "Your weakest signal" not in said(page)
    assert "Nothing is rated below strong. You practised **Data and labels** least." in told(page)


def test_help_that_is_asked_for_is_noted_as_a_hint(scenario, begun):
    page, _ = with_choices(begun, scenario)
    page = predicted(page)
    page = pressed(page, "session:each_lever")
    helps = [one.event.tool for one in live(page, scenario).state.helps]
    assert helps == ["each_lever"]
    assert "Hint" in {row.what for row in record(scenario, live(page, scenario).state)}


@pytest.fixture
def held(monkeypatch):
    """Futures of work that never begins, from now on."""
    futures = []

    def submit(workers, behalf, work, *arguments):
        futures.append(Future())
        return futures[-1]

    return lambda: monkeypatch.setattr(Workers, "submit", submit) or futures


@pytest.fixture
def stormy():
    """A session of the retry storm whose first design ran in the second phase with choices, and misses three objectives."""
    page = pressed(opened("session", case="retry-storm"), "session:begin")
    return predicted(pressed(page, "session:phase:serve"))


def keys(page):
    return {one.key for one in page.button}


def test_what_would_help_does_not_hold_the_page_up_and_ends_with_the_phase(held, stormy):
    futures = held()
    page = pressed(stormy, "session:what_would_help")  # it would not come back if the page waited for the trials
    assert futures
    assert "0 steps tried, of" in shown_bytes(page)
    page = pressed(page, "session:next")
    assert all(future.cancelled() for future in futures)
    assert "steps tried" not in shown_bytes(page)
    page = pressed(page, "session:phase:serve")
    assert {"session:what_would_help"} <= keys(page)  # it is to be asked for again


def test_what_would_help_can_be_cancelled_and_asked_for_again(held, stormy):
    futures = held()
    page = pressed(pressed(stormy, "session:what_would_help"), "session:cancel_help")
    assert all(future.cancelled() for future in futures)
    count = len(futures)
    page = pressed(page.run(), "session:what_would_help")
    assert len(futures) > count
    assert "session:cancel_help" in keys(page)


def test_the_levers_of_a_session_stay_cancelled(held, scenario, begun):
    page, _ = with_choices(begun, scenario)
    page = predicted(page)
    futures = held()
    page = pressed(pressed(page, "session:each_lever"), "cancel_levers")
    count = len(futures)
    page.run()
    assert (len(futures), all(future.cancelled() for future in futures)) == (count, True)


def test_what_would_help_gives_the_advice_of_the_run(stormy):
    page = settled(pressed(stormy, "session:what_would_help"))
    now = live(page, load("retry-storm"))
    advised = registry().get(job_at_hand(now).id).summary.reasons
    assert advised
    for reason in advised.values():
        assert plain(reason.advice.sentence) in "\n".join(one.value for one in page.info)


@pytest.mark.parametrize(
    ("button", "sentence"), [("session:ask", "Type a question first"), ("session:rank", "Write at least one objective")]
)
def test_a_button_that_has_nothing_to_take_says_so(begun, button, sentence):
    page = pressed(begun, button)
    assert sentence in page.warning[0].value


def test_a_defence_without_words_says_so(begun):
    page = pressed(begun, "session:phase:defend")
    next(one for one in page.button if one.label == "Keep").click().run()
    assert "Write an answer" in page.warning[0].value


def test_the_files_to_take_away_hold_the_session_and_need_no_network(scenario, begun, tmp_path):
    page, _ = with_choices(begun, scenario)
    page = ended(predicted(page))
    now = live(page, scenario)
    shown = now.state.runs[0].ended.run_hash
    file = session_report(now, started(now, last_plan(now)).summary)
    assert f"Run hash {shown}" in file
    assert not re.search(r'(?:src|href)="https?:', re.sub(r"(?s)<script.*?</script>", "", file))

    other = SessionLog(f"sqlite:///{tmp_path / 'other.db'}")
    events = now.log.events_after(now.state.session.id)
    assert other.take_in("u" * 22, written_sessions([StoredSession(now.state.session, events)]).encode()) == len(events)
    again = LiveSession(other, scenario, other.sessions_of("u" * 22)[0].id)
    asked = again.state.runs[0].asked
    assert replicate(compile_plan(scenario, asked.picks, asked.strikes), asked.seed, asked.replications).run_hash == shown


def test_words_that_mean_one_question_ask_it_and_the_log_has_both():
    page = pressed(opened("session", case="skin-cancer-triage"), "session:begin")
    page = asking(page, "who labelled")
    (asked,) = live(page, load("skin-cancer-triage")).state.questions
    assert (asked.event.question, asked.event.words) == (2, "who labelled")
    assert "Every cancer is proven by biopsy" in told(page)


def test_words_that_an_answer_alone_holds_are_confirmed_by_the_person_first():
    case = load("skin-cancer-triage")
    page = asking(pressed(opened("session", case=case.id), "session:begin"), "skin tone")
    assert live(page, case).state.questions == ()
    assert case.questions[1].answer[:40] not in shown_bytes(page)
    page = pressed(page, "session:mean:1")
    assert "skin types V" in told(page)
    assert [asked.event.question for asked in live(page, case).state.questions] == [1]
    assert not [one for one in page.button if str(one.key).startswith("session:mean:")]


def test_words_like_no_question_are_taken_back_or_asked_as_they_are(scenario, begun):
    page = asking(begun, "Zebras in *winter*?")
    assert "No question of the case is like this one." in said(page)
    assert live(page, scenario).state.questions == ()
    page = pressed(page, "session:take_back")
    assert "Zebras" not in told(page)
    assert live(page, scenario).state.questions == ()
    page = pressed(asking(page, "Zebras in *winter*?"), "session:own")
    assert [asked.event.words for asked in live(page, scenario).state.questions] == ["Zebras in *winter*?"]
    assert "The case has no answer to this." in said(page)


def test_a_question_longer_than_its_bound_is_cut_before_it_is_matched(scenario, begun):
    page = pressed(asking(begun, "zebra " * 1000), "session:own")
    assert "Only the first 400 letters are kept." in told(asking(page, "zebra " * 1000))
    assert [len(asked.event.words) for asked in live(page, scenario).state.questions] == [400]


@pytest.mark.long
def test_a_phase_without_hints_of_the_author_gives_those_of_the_run():
    page = opened("session", case="retry-storm")
    page = predicted(pressed(pressed(page, "session:begin"), "session:phase:model"))
    assert "It has the same cause as “Photos checked in time”, which is explained there." in told(page)
    page = pressed(page, "session:phase:defend")
    for step in ("Which stage decides", "Panel “Overload”", "It improves"):
        page = settled(pressed(page, "session:hint"))
        assert step in told(page)
    assert not [one for one in page.button if one.key == "session:hint"]


def test_the_way_on_stands_at_the_end_of_each_phase_but_the_last(scenario, begun):
    page, titles = begun, [phase.title for phase in phases_of(scenario)]
    for title in titles[1:]:
        assert page.button(key="session:next").label == f"Go on to “{title}”"
        page = pressed(page, "session:next")
    assert not [one for one in page.button if one.key == "session:next"]


def test_the_best_known_design_is_compared_on_requests_of_another_seed(scenario, begun):
    now, best = live(begun, scenario), best_known(scenario)
    assert other_seed(now, best) not in (best.seed, now.state.session.seed)
    page, _ = with_choices(begun, scenario)
    page = ended(predicted(page))
    page.toggle(key="session:compare").set_value(True).run()
    assert not page.exception
    assert {one.seed for one in registry()._jobs.values()} >= {now.state.session.seed, other_seed(now, best)}
    assert "Both run here on other clips" in said(page)
