"""Rules of a session: each worked by hand, and tried on sessions of bots that should and should not be accused."""

from collections import Counter
from functools import cache

import pytest

from simulator.session.event_log import LoggedEvent, Session, design_hash
from simulator.session.session_course import Course
from simulator.session.session_events import (
    AssumptionPinned,
    AssumptionWritten,
    CurveballStruck,
    DefenceAnswered,
    ObjectivesRanked,
    PanelOpened,
    PhaseBegun,
    PickChanged,
    PredictionMade,
    QuestionAsked,
    RunAsked,
    RunEnded,
)
from simulator.session.session_signals import LEVELS, SIGNALS, signals_of
from simulator.session.session_state import SessionState
from simulator.session.signal_rules import MISTAKES, RULES, decided_levels, fired_of, fired_rules, mistake_free, mistakes
from tests.effort import quick_cases
from tests.session.session_bots import BOTS, case, played_session

SEEDS = range(20)

#: Signals whose decided levels must differ between a good session and a careless one, where the case has the phase.
DIFFER = ("framing", "data", "safety", "quantified")
HEAD = Session("s" * 22, "skin-cancer-triage", 1, "0" * 12, "t" * 22, 1, 30, True, 1000.0)


@cache
def session(name, bot, seed):
    return played_session(name, bot, seed)


@cache
def levels(name, bot, seed):
    return {signal: found.level for signal, found in decided_levels(case(name), session(name, bot, seed)).items()}


@pytest.mark.parametrize("name", quick_cases())
def test_signals_that_should_differ_between_a_good_and_a_careless_session_do(name):
    for signal in DIFFER:
        pairs = [(levels(name, "reference", seed).get(signal), levels(name, "naive", seed).get(signal)) for seed in SEEDS]
        lower = [bad is not None and (good is None or LEVELS.index(good) > LEVELS.index(bad)) for good, bad in pairs]
        assert sum(lower) >= 0.95 * len(SEEDS), (signal, pairs)


@pytest.mark.parametrize("name", quick_cases())
def test_signals_of_equally_good_sessions_do_not_differ(name):
    """Of twenty sessions one may: its intervals miss by chance, as a tenth of them do, and then say nothing of a design."""
    for signal in SIGNALS:
        found = Counter(levels(name, "reference", seed).get(signal.name) for seed in SEEDS)
        assert max(found.values()) >= 0.95 * len(SEEDS), (signal.name, found)


@pytest.mark.parametrize("name", quick_cases())
def test_a_guess_is_not_taken_for_reasoning(name):
    assert sum(levels(name, "guesser", seed).get("quantified") == "strong" for seed in SEEDS) <= 0.05 * len(SEEDS)


@pytest.mark.parametrize("name", quick_cases())
def test_a_bluffer_gets_no_strong_level_and_a_good_session_keeps_its_own(name):
    assert sum("strong" in levels(name, "bluffer", seed).values() for seed in SEEDS) <= 0.05 * len(SEEDS)
    for signal in ("framing", "model", "safety", "quantified"):
        strong = [levels(name, "reference", seed).get(signal) == "strong" for seed in SEEDS]
        assert sum(strong) >= 0.95 * len(SEEDS), signal


@pytest.mark.parametrize("bot", BOTS)
@pytest.mark.parametrize("name", quick_cases())
def test_reasons_name_events_that_are_there_and_of_the_kind_that_they_speak_of(name, bot):
    for seed in SEEDS:
        state = session(name, bot, seed)
        found = [evidence for _, evidence in [*fired_rules(case(name), state), *mistakes(case(name), state)]]
        found += [evidence for signal in SIGNALS for evidence in signal.evidence(Course(case(name), state))]
        assert all(0 <= place < state.place for evidence in found for place in evidence.places)
        assert all(evidence.sentence.endswith(".") for evidence in found)


@pytest.mark.parametrize("name", quick_cases())
def test_no_mistake_is_found_in_a_good_session_and_all_in_a_careless_one(name):
    good = [mistake.name for seed in SEEDS for mistake, _ in mistakes(case(name), session(name, "reference", seed))]
    assert not good
    careless = [{mistake.name for mistake, _ in mistakes(case(name), session(name, "naive", seed))} for seed in SEEDS]
    expected = {mistake.name for mistake in MISTAKES}
    assert all(found | {"no_deployment"} == expected for found in careless)
    assert {"no_deployment" in found for found in careless} == {True, False}  # it leaves out serving now and then


def test_communication_is_never_graded():
    assert not [rule for rule in RULES if rule.signal == "communication"]


# ---- each rule, by hand


def played(*events):
    """The state after events, a minute apart; a run is asked for and ends at once."""
    return SessionState.of(
        HEAD, [LoggedEvent(place, 1000.0 + 60 * place, "candidate", event) for place, event in enumerate(events)]
    )


def run(standing="met", strikes=None, value=0.95, **picks):
    whole = case(HEAD.case).defaults() | picks
    design = design_hash(whole, strikes)
    figures = [{"metric": "sensitivity", "value": value, "standing": standing}]
    asked = RunAsked(picks=whole, strikes=strikes or {}, seed=1, replications=2)
    return asked, RunEnded(design=design, run_hash="0" * 12, figures=figures)


def guess(low, high, strikes=None, **picks):
    design = design_hash(case(HEAD.case).defaults() | picks, strikes)
    return PredictionMade(design=design, metric="sensitivity", low=low, high=high)


def change(choice, after):
    return PickChanged(choice=choice, before=case(HEAD.case).defaults()[choice], after=after)


def fired(*events):
    return {rule.name: evidence for rule, evidence in fired_rules(case(HEAD.case), played(*events))}


def place(words):
    """The place of the case's one question with these words."""
    (found,) = [index for index, question in enumerate(case(HEAD.case).questions) if words in question.ask]
    return found


def asked(words):
    return QuestionAsked(question=place(words))


RANKED = ObjectivesRanked(objectives=({"words": "Find the cancers"}, {"words": "Keep the cost low"}))
DECIDING = (asked("What do the 84%"), asked("Which labelled photos"), asked("Who labelled the photos"))
ASSUMED = AssumptionWritten(text="One in ten photos shows a cancer.")
FRAMED = (*DECIDING, ASSUMED, RANKED)


def test_a_run_before_any_framing_is_architecture_first_and_its_moment_is_the_run():
    assert fired(PhaseBegun(phase="model"), *run(), *FRAMED)["architecture_first"].places == [1]
    assert "architecture_first" not in fired(QuestionAsked(words="Who reads?"), *run())
    assert "architecture_first" not in fired(*FRAMED)  # nothing ran


def test_framing_is_strong_only_if_it_all_comes_before_the_first_run():
    assert fired(*FRAMED, *run())["decided_first"].places == [0, 1, 2, 3, 4]
    assert "decided_first" not in fired(*FRAMED[:-1], *run(), RANKED)
    assert "decided_first" not in fired(*FRAMED[1:], *run())  # two of five deciding questions
    others = asked("a missed cancer cost"), asked("How good are the photos"), asked("run on the phone")
    assert "decided_first" not in fired(*others, *FRAMED[len(DECIDING) :], *run())


def test_framing_by_the_whole_list_by_key_words_or_by_one_objective_is_not_strong():
    whole_list = [QuestionAsked(question=index) for index in range(len(case(HEAD.case).questions))]
    assert "decided_first" not in fired(*whole_list, ASSUMED, RANKED, *run())
    assert "decided_first" in fired(
        *whole_list[:-1], ASSUMED, RANKED, *run()
    )  # five of seven decide, of the list five of eight
    assert "decided_first" not in fired(*DECIDING, AssumptionWritten(text="latency drift GPU cost bias"), RANKED, *run())
    assert "decided_first" in fired(*DECIDING, AssumptionPinned(question=place("What do the 84%")), RANKED, *run())
    assert "decided_first" not in fired(*DECIDING, AssumptionPinned(question=place("May the model")), RANKED, *run())
    assert "decided_first" not in fired(*DECIDING, ASSUMED, ObjectivesRanked(objectives=({"words": "Accuracy"},)), *run())


def test_answers_that_stood_for_less_than_the_time_to_read_them_count_for_nothing():
    words = sum(len(case(HEAD.case).questions[question.question].answer.split()) for question in DECIDING)
    takes_s = words / 5  # 300 words a minute
    for seconds, strong in ((takes_s + 1, True), (takes_s - 1, False)):
        at = [0, 1, 2, 3, 4, seconds, seconds + 1]  # the first question at 0, the run after them all
        events = [LoggedEvent(index, 1000.0 + at[index], "candidate", event) for index, event in enumerate([*FRAMED, *run()])]
        course = Course(case(HEAD.case), SessionState.of(HEAD, events))
        assert ({0, 1, 2} <= course.read) is strong
        assert ("decided_first" in [rule.name for rule, _ in fired_of(RULES, course)]) is strong
        assert bool(course.touched("data")) is strong
        sentences = [evidence.sentence for _, evidence in fired_of(RULES, course)]
        assert any("about the data: no answer read" in sentence for sentence in sentences) is not strong
        assert not any("no question" in sentence for sentence in sentences)  # they were asked


def test_a_phase_is_touched_by_a_question_a_change_or_a_panel_and_not_by_a_visit():
    touches = {
        "no_data": [
            asked("Which labelled photos"),
            change("quality_gate", "lenient"),
            PanelOpened(panel="transfer"),
        ],
        "no_serving": [
            asked("Who reads the referrals"),
            change("replicas", 3),
            PanelOpened(panel="shifts"),
        ],
        "no_failure": [asked("nobody answers in time"), change("on_timeout", "message")],
    }
    phases = {"no_data": "data", "no_serving": "serve", "no_failure": "monitor"}
    struck = CurveballStruck(curveball="news", at_s=1.0)
    assert "no_failure" in fired(struck, *run())  # nothing ran under it
    assert "no_failure" not in fired(struck, *run(strikes={"news": 1.0}))
    for rule, events in touches.items():
        assert rule in fired(PhaseBegun(phase=phases[rule]), *run())
        assert rule in fired(QuestionAsked(words="latency drift GPU"), *run())
        assert not [event for event in events if rule in fired(event, *run())]
        assert rule not in fired(QuestionAsked(words="Who is it?"), *run())  # own words may have been about it


def test_a_model_is_compared_by_two_runs_that_differ_in_it_alone_with_an_effect_that_was_predicted():
    told = guess(0.7, 0.9, architecture="fine_tuned")
    assert fired(*run(), told, *run(value=0.8, architecture="fine_tuned"))["compared"].places == [0, 3]
    assert "compared" not in fired(*run(), *run(value=0.8, architecture="fine_tuned"))  # an arbitrary pair
    assert "compared" not in fired(*run(), told, *run(value=0.87, architecture="fine_tuned"))  # an effect of 8%
    assert "compared" not in fired(
        *run(), guess(0.0, 1.0, architecture="fine_tuned"), *run(value=0.8, architecture="fine_tuned")
    )
    assert "compared" not in fired(*run(), told, *run(value=0.6, architecture="fine_tuned"))  # 0.2 + 20 x 0.1 for a scale of 1
    several = {"architecture": "fine_tuned", "replicas": 3}
    assert "compared" not in fired(*run(), guess(0.7, 0.9, **several), *run(value=0.8, **several))
    assert "compared" not in fired(*run(), guess(0.7, 0.9, replicas=3), *run(value=0.8, replicas=3))


def test_three_changes_of_the_threshold_before_a_look_are_blind_and_two_are_not():
    turns = [PickChanged(choice=name, before="a", after="b") for name in ("operating_point", "certain", "promise")]
    assert fired(*turns, PanelOpened(panel="outcomes"))["blind_threshold"].places == [0, 1, 2, 3]
    assert "without a look" in fired(*turns)["blind_threshold"].sentence
    assert "blind_threshold" not in fired(*turns[:2], PanelOpened(panel="threshold"), *turns)
    assert "blind_threshold" not in fired(*turns[:2], *run(), *turns)  # a run of this case shows where the cancers went


def test_a_threshold_is_chosen_with_a_look_at_the_errors_and_a_prediction():
    moved = [*run(), guess(0.9, 1.0, operating_point=0.99), *run(operating_point=0.99)]
    look = PanelOpened(panel="outcomes")
    assert fired(look, *moved)["looked_at_errors"].places == [0, 4]
    assert "looked_at_errors" not in fired(*moved, look)
    assert "looked_at_errors" not in fired(look, *run(), *run(operating_point=0.99))
    assert "looked_at_errors" not in fired(look, *run(), guess(0.2, 1.0, operating_point=0.99), *run(operating_point=0.99))
    several = {"operating_point": 0.99, "replicas": 3}
    assert "looked_at_errors" not in fired(look, *run(), guess(0.9, 1.0, **several), *run(**several))


def test_a_service_is_sized_by_a_predicted_step_and_a_last_run_that_misses_nothing():
    told = guess(0.9, 1.0, replicas=3)
    assert "sized" in fired(*run(), told, *run(replicas=3))
    assert "sized" in fired(*run(), told, *run("not proven", replicas=3))
    assert "sized" in fired(*run(), told, *run(replicas=3), *run("not met", strikes={"news": 1.0}, replicas=3))
    assert "sized" not in fired(*run(), *run(replicas=3))
    assert "sized" not in fired(*run(), told, *run("not met", replicas=3))
    several = {"architecture": "fine_tuned", "decoders": 3}
    assert "sized" not in fired(*run(), told, *run(replicas=3), *run(replicas=3, **several))  # one move of two
    assert "sized" not in fired(*run(), told, *run("void", replicas=3))


def test_a_failure_is_answered_by_a_prediction_and_a_changed_design_that_was_predicted_too():
    strikes = {"news": 1.0}
    struck = CurveballStruck(curveball="news", at_s=1.0)
    told, again = guess(0.7, 0.9, strikes), guess(0.7, 0.9, strikes, replicas=3)
    under, changed = run("not met", strikes, 0.8), run(strikes=strikes, value=0.8, replicas=3)
    assert fired(*run(), struck, told, *under, again, *changed)["answered_a_failure"].places == [2, 3, 4, 7]
    assert "answered_a_failure" not in fired(*run(), struck, *under, again, *changed)
    assert "answered_a_failure" not in fired(*run(), struck, told, *under, *changed)
    assert "answered_a_failure" not in fired(*run(), struck, told, *under)
    whole = guess(0.0, 1.0, strikes)
    assert "answered_a_failure" not in fired(*run(), struck, whole, *under, again, *changed)
    slight = run("not met", strikes, 0.9)
    assert "answered_a_failure" not in fired(*run(), struck, told, *slight, again, *changed)  # 5%, and an objective missed
    assert "answered_a_failure" in fired(*run(), struck, told, *run("met", strikes, 0.9), again, *changed)  # nothing breaks


def designs():
    return [{}, {"replicas": 3}, {"replicas": 4}, {"replicas": 4, "decoders": 3, "max_batch": 2}]


def test_three_designs_without_a_prediction_are_a_habit_and_one_prediction_ends_it():
    runs = [event for picks in designs()[:3] for event in run(**picks)]
    assert fired(*runs)["unpredicted"].places == [0, 2, 4]
    assert "unpredicted" not in fired(*runs[:4])
    assert "unpredicted" not in fired(guess(0.9, 1.0), *runs)


def test_moves_of_several_choices_are_a_habit_from_three_moves_on():
    turns = [{}, {"replicas": 3, "decoders": 3}, {}, {"replicas": 3, "max_batch": 2}]
    runs = [event for picks in turns for event in run(**picks)]
    assert fired(*runs)["at_once"].places == [2, 4, 6]
    assert "at_once" not in fired(*runs[:6])
    single = [event for picks in [*turns, {"replicas": 3}, {}, {"replicas": 4}] for event in run(**picks)]
    assert "at_once" not in fired(*single)  # three of six


def test_reasoning_with_numbers_takes_three_predictions_single_moves_and_intervals_that_hold_an_effect():
    def course(held, picks, values=(0.95, 0.8, 0.95)):
        found = list[object]()
        for index, (one, value) in enumerate(zip(picks, values, strict=False)):
            low = value - 0.05 if index < held else 0.1
            found += [guess(low, low + 0.1, **one), *run(value=value, **one)]
        return found

    assert "checked" in fired(*course(3, designs()[:3]))
    assert "checked" not in fired(*course(2, designs()[:3]))  # a miss of 0.75 costs 15, over the 3 scales of all
    assert "checked" not in fired(*course(3, designs()[:3], (0.95, 0.94, 0.95)))  # no move had an effect
    assert "checked" not in fired(*course(3, designs()[:2]))
    assert "checked" not in fired(*course(3, [{}, {"replicas": 3, "decoders": 3}, {}]))


def test_intervals_that_the_form_starts_with_say_nothing():
    """The form starts with the interval of the last run, here 93% to 97% for the first and 78% to 82% for the second."""

    def course(*ends):
        found = list[object]()
        for one, (low, high), value in zip(designs()[:3], ends, (0.95, 0.8, 0.82), strict=True):
            asked, ended = run(value=value, **one)
            figure = ended.figures[0].model_copy(update={"low": value - 0.02, "high": value + 0.02})
            found += [guess(low, high, **one), asked, ended.model_copy(update={"figures": (figure,)})]
        return found

    own = fired(*course((0.9, 1.0), (0.75, 0.85), (0.79, 0.9)))
    assert {"checked", "sized"} <= set(own)
    copied = course((0.9, 1.0), (0.93, 0.97), (0.78, 0.825))
    assert not {"checked", "sized"} & set(fired(*copied))
    signal = next(one for one in SIGNALS if one.name == "quantified")
    told = " ".join(evidence.sentence for evidence in signal.evidence(Course(case(HEAD.case), played(*copied))))
    assert "2 intervals repeat the run before, where the form starts: no prediction of your own." in told


def test_intervals_over_the_whole_scale_are_weak_reasoning():
    wide = [event for one in designs()[:3] for event in (guess(0.3, 1.0, **one), *run(**one))]
    evidence = fired(*wide)["whole_scale"]
    assert "span 70% of the scale" in evidence.sentence and evidence.places == [0, 3, 6]
    assert "whole_scale" not in fired(*wide[:6])
    narrow = [event for one in designs()[:3] for event in (guess(0.5, 1.0, **one), *run(**one))]
    assert "whole_scale" not in fired(*narrow)


def test_rules_that_disagree_decide_nothing():
    turns = [PickChanged(choice=name, before="a", after="b") for name in ("operating_point", "certain", "promise")]
    moved = [guess(0.9, 1.0, operating_point=0.99), *run(operating_point=0.99)]
    both = [*turns, PanelOpened(panel="outcomes"), *run(), *moved]
    assert {"blind_threshold", "looked_at_errors"} <= set(fired(*both))
    assert "evaluation" not in decided_levels(case(HEAD.case), played(*both))


def test_a_defence_that_is_said_aloud_counts_as_a_reason():
    state = played(*run(), DefenceAnswered(prompt=0, ticked=True))
    assert "no_reason" not in [mistake.name for mistake, _ in mistakes(case(HEAD.case), state)]
    assert "no_reason" in [mistake.name for mistake, _ in mistakes(case(HEAD.case), played(*run()))]


def test_answers_without_a_sentence_are_no_reason():
    for text in ("latency drift GPU cost bias", "because because because because because", "xkq wvt plm zrt qqw bnm"):
        (found,) = [
            evidence
            for mistake, evidence in mistakes(case(HEAD.case), played(*run(), DefenceAnswered(prompt=0, text=text)))
            if mistake.name == "no_reason"
        ]
        assert found == ("None of your 1 answer to the defence prompts reads as a sentence.", [2])
    state = played(*run(), DefenceAnswered(prompt=0, text="The queue grows because the readers sleep at night."))
    assert "no_reason" not in [mistake.name for mistake, _ in mistakes(case(HEAD.case), state)]


def test_a_session_free_of_mistakes_is_told_its_acts_and_no_praise():
    assert mistake_free(case(HEAD.case), played(PhaseBegun(phase="data"))).startswith("No design ran")
    acts = [asked("Which labelled photos"), change("replicas", 3), *run(replicas=3)]
    words = mistake_free(case(HEAD.case), played(*acts, DefenceAnswered(prompt=0, ticked=True)))
    assert words == (
        "Of the others the log holds: Data: 1 question. Serve: 1 change. "
        "Reasons: 1 prompt answered in a sentence or aloud; no rule judges the words."
    )
    assert mistake_free(case(HEAD.case), played(*run())) == ""


def test_a_case_has_the_signals_of_its_phases_with_the_author_s_anchors():
    storm, skin = signals_of(case("retry-storm")), signals_of(case("skin-cancer-triage"))
    assert "evaluation" not in [signal.name for signal in storm]  # the case has no such phase
    assert [signal.name for signal in skin] == [signal.name for signal in SIGNALS]
    data = next(signal for signal in storm if signal.name == "data")
    assert data.anchor("very_weak") == case("retry-storm").anchors["data"][0]
    assert skin[0].anchors == SIGNALS[0].anchors


def test_questions_in_own_words_are_not_counted_among_those_of_the_case():
    own = [QuestionAsked(words="what is the colour of the moon"), QuestionAsked(words="melanoma")]
    framing = next(one for one in SIGNALS if one.name == "framing")
    first = next(framing.evidence(Course(case(HEAD.case), played(asked("Which labelled photos"), *own))))
    questions = len(case(HEAD.case).questions)
    assert first.sentence == f"You asked 1 of {questions} questions, 1 of them deciding, and 2 in your own words."
    assert list(first.places) == [0, 1, 2]


def test_the_evidence_says_what_no_rule_judges():
    def sentences(name, *events):
        signal = next(one for one in SIGNALS if one.name == name)
        return [evidence.sentence for evidence in signal.evidence(Course(case(HEAD.case), played(*events)))]

    assert "You noted 1 assumption, 1 of them in your own words, which no rule judges." in sentences("framing", ASSUMED)
    key_words = DefenceAnswered(prompt=0, text="latency drift GPU")
    assert sentences("communication", key_words) == [
        "You answered 1 defence prompt, 1 of them without a sentence. No rule judges your words."
    ]
    wide = sentences("quantified", guess(0.0, 1.0), *run())
    assert "1 of 1 interval held; it spans 100% of the scale, so that to hold says nothing." in wide
