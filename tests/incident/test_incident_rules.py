"""Rules of an incident: each worked by hand on a log of actions, with findings whose probabilities are given."""

from dataclasses import replace

import numpy as np
import pytest

from simulator.incident.beliefs import FALSE_ALARM, PAGE, Beliefs, load_beliefs, minutes_of, questions
from simulator.incident.incident_course import IncidentCourse, helping_fixes
from simulator.incident.incident_score import DebriefStep, path
from simulator.incident.incident_signals import INCIDENT_RULES, INCIDENT_SIGNALS
from simulator.incident.play import Play
from simulator.incident.player_actions import NotebookEntry, read_actions
from simulator.incident.secret import DAY_S, HOUR_S
from simulator.session.signal_rules import fired_of, levels_of
from tests.incident.plays import ONSET, case, fix, look, secret_of, wait

CASE = case()
ALARM = {"kind": "wait"}
HELPING = {"fog_season": {"people", "bigger_model"}}


def diagnose(cause, confidence=0.9):
    return {"kind": "diagnose", "cause": cause, "confidence": confidence}


def believe(**shares):
    return {"kind": "believe", "shares": shares}


def course(*actions, shares=(), of_best=(), cause="fog_season", alarms_at=(ONSET + 1,), looks_known=True):
    """The course of actions an hour apart, with alarms at these days.

    shares: the probabilities after each look in turn; of_best: its part of the best look's information
    """
    play = Play(CASE, secret_of(cause, "abrupt"))
    alarms, now_s = iter(alarms_at), 7 * DAY_S
    for action in read_actions(list(actions)):
        until_s, rings = now_s + HOUR_S, action.kind == "wait" and action.hours is None
        if rings:
            until_s = next(alarms) * DAY_S
        elif action.kind == "wait":
            until_s = now_s + action.hours * HOUR_S
        of = {name: action for name in [{"diagnose": "diagnosis", "believe": "beliefs"}.get(action.kind)] if name}
        made = NotebookEntry(action, now_s, until_s, complaint=rings, look=getattr(action, "look", ""), **of)
        play.notes.append(made)
        now_s = until_s
    made = IncidentCourse(play, None, HELPING)
    steps = [_step(place, dict.fromkeys(CASE.incident.causes, 1 / len(CASE.incident.causes)), None) for place in made.pages[:1]]
    given = list(shares) + [{}] * len(made.looks)
    near = list(of_best) + [1.0] * len(made.looks)
    steps += [_step(place, given[at], near[at]) for at, place in enumerate(made.looks) if looks_known]
    made.__dict__["steps"] = sorted(steps, key=lambda step: step.place)
    return made


def _step(place, shares, of_best):
    full = {FALSE_ALARM: max(1 - sum(shares.values()), 0.0)} | shares
    return DebriefStep("a look", 0.0, 1.0, "the best", 2.0, "", shares.get("fog_season", 0.0), place, of_best, full)


def fired(*actions, **given):
    return {rule.name for rule, _ in fired_of(INCIDENT_RULES, course(*actions, **given))}


FOG = {"fog_season": 0.85}
SURE = {"fog_season": 0.98}
COUNTERS, SLICES, REPLAY = look("counters"), look("slices", statistic="found"), look("replay")
FOUR = (COUNTERS, SLICES, REPLAY, look("shadow"))
PLAIN = (ALARM, COUNTERS, diagnose("fog_season"), fix("people"))

#: What fires and what does not, of each rule: actions, and what the findings say.
TRUE = {
    "no_look": [((ALARM, diagnose("fog_season")), {}), ((ALARM, fix("roll_back")), {})],
    "far_look": [((ALARM, COUNTERS), {"of_best": [0.2]})],
    "near_looks": [((ALARM, COUNTERS, SLICES, REPLAY), {"of_best": [0.2, 0.6, 0.8]})],
    "named_blind": [((ALARM, diagnose("fog_season"), COUNTERS), {})],
    "named_when_likely": [(PLAIN, {"shares": [FOG]})],
    "overconfident": [((ALARM, diagnose("fog_season", 0.8)), {}), (PLAIN, {"shares": [{"fog_season": 0.5}]})],
    "calibrated": [(PLAIN, {"shares": [FOG]})],
    "informed": [((ALARM, believe(fog_season=0.4), COUNTERS, believe(fog_season=0.9)), {})],
    "fixed_blind": [((ALARM, fix("bigger_model"), COUNTERS), {})],
    "unfit": [((ALARM, COUNTERS, diagnose("overload"), fix("technician")), {})],
    "fit": [(PLAIN, {}), ((ALARM, COUNTERS, diagnose("blurred_camera"), fix("technician")), {})],
    "idle": [((ALARM, COUNTERS, wait(24), wait(24)), {}), ((ALARM, wait(49), fix("people")), {})],
    "protected": [((ALARM, fix("people"), COUNTERS, diagnose("fog_season")), {})],
    "fixed_a_false_alarm": [((ALARM, fix("technician"), ALARM), {"alarms_at": (8.0, 11.0)})],
    "waited_out": [((ALARM, COUNTERS, ALARM, fix("people")), {"alarms_at": (8.0, 11.0)})],
    "kept_looking": [
        ((ALARM, *FOUR, fix("people")), {"shares": [SURE] * 4}),
        ((ALARM, look("audit"), wait(24), *FOUR, fix("people")), {"shares": [FOG] + [SURE] * 4}),
    ],
    "stopped_in_time": [(PLAIN, {"shares": [FOG]})],
}
FALSE = {
    "no_look": [(PLAIN, {}), ((ALARM, wait(5)), {}), ((ALARM, fix("nothing")), {})],
    "far_look": [((ALARM, COUNTERS, SLICES), {"of_best": [0.25, 0.1]}), ((ALARM, COUNTERS), {"looks_known": False})],
    "near_looks": [((ALARM, COUNTERS, SLICES, REPLAY), {"of_best": [0.2, 0.3, 0.9]}), ((ALARM,), {})],
    "named_blind": [((ALARM, diagnose("overload", 0.2), COUNTERS, diagnose("fog_season")), {})],
    "named_when_likely": [(PLAIN, {"shares": [{"fog_season": 0.7}]}), ((ALARM, diagnose("fog_season")), {})],
    "overconfident": [
        (PLAIN, {"shares": [{"fog_season": 0.6}]}),
        # the words of a log, and pictures, say more to a person than their sign
        ((ALARM, look("changes"), diagnose("fog_season")), {"shares": [{"fog_season": 0.1}]}),
        ((ALARM, COUNTERS, look("pictures"), diagnose("fog_season")), {"shares": [{"fog_season": 0.1}] * 2}),
        ((ALARM, look("slices", statistic="noise"), diagnose("fog_season")), {"looks_known": False}),
    ],
    "calibrated": [(PLAIN, {"shares": [{"fog_season": 0.7}]}), ((ALARM, diagnose("fog_season", 1 / 15)), {})],
    "informed": [
        ((ALARM, believe(overload=0.9), COUNTERS, believe(overload=0.9)), {}),
        ((ALARM, believe(fog_season=0.4), believe(fog_season=0.9), COUNTERS), {}),
        ((ALARM, COUNTERS, believe(fog_season=0.9)), {}),
    ],
    "fixed_blind": [((ALARM, fix("people")), {}), ((ALARM, fix("roll_back")), {}), ((ALARM, COUNTERS, fix("technician")), {})],
    "unfit": [
        ((ALARM, COUNTERS, diagnose("overload"), fix("technician"), fix("more_replicas")), {}),
        ((ALARM, fix("technician"), COUNTERS, diagnose("overload")), {}),
        ((ALARM, diagnose("fog_season"), COUNTERS, diagnose("overload"), fix("people")), {}),
    ],
    "fit": [
        ((ALARM, diagnose("fog_season"), fix("people")), {}),
        ((ALARM, COUNTERS, fix("people"), diagnose("fog_season")), {}),
    ],
    "idle": [
        ((ALARM, COUNTERS, wait(47)), {}),
        ((ALARM, fix("people"), wait(300)), {}),
        ((ALARM, wait(300)), {"cause": "seasons"}),
        ((ALARM, wait(24 * 4), ALARM, fix("people")), {"alarms_at": (8.0, 13.0)}),  # the first alarm was false
    ],
    "protected": [
        ((ALARM, COUNTERS, diagnose("fog_season"), fix("people")), {}),
        ((ALARM, wait(13), fix("people"), diagnose("fog_season")), {}),
        ((ALARM, fix("technician"), diagnose("fog_season")), {}),
        ((ALARM, fix("people"), diagnose("fog_season")), {"alarms_at": (8.0,)}),
    ],
    "fixed_a_false_alarm": [
        ((ALARM, fix("technician")), {}),
        ((ALARM, COUNTERS, fix("technician"), ALARM), {"alarms_at": (8.0, 11.0)}),
        ((ALARM, fix("nothing"), ALARM), {"alarms_at": (8.0, 11.0)}),
        ((ALARM, fix("people"), ALARM), {"alarms_at": (8.0, 11.0)}),
    ],
    "waited_out": [
        ((ALARM, ALARM, COUNTERS), {"alarms_at": (8.0, 11.0)}),
        ((ALARM, COUNTERS), {"alarms_at": (8.0,)}),
        (PLAIN, {}),
    ],
    "kept_looking": [
        ((ALARM, COUNTERS, SLICES, REPLAY, fix("people")), {"shares": [SURE] * 3}),
        # three looks of the day before, to see whether their findings still hold
        (
            (ALARM, COUNTERS, SLICES, REPLAY, wait(24), COUNTERS, SLICES, REPLAY, fix("people")),
            {"shares": [FOG] * 3 + [SURE] * 3},
        ),
        ((ALARM, COUNTERS, fix("people"), SLICES, REPLAY, look("shadow")), {"shares": [SURE] * 4}),
    ],
    "stopped_in_time": [
        (PLAIN, {"shares": [{"fog_season": 0.79}]}),
        ((ALARM, diagnose("fog_season"), COUNTERS), {"shares": [FOG]}),
    ],
}


@pytest.mark.parametrize("rule", [rule.name for rule in INCIDENT_RULES])
def test_a_rule_fires_where_it_says_so_and_nowhere_beside(rule):
    for actions, given in TRUE[rule]:
        assert rule in fired(*actions, **given)
    for actions, given in FALSE[rule]:
        assert rule not in fired(*actions, **given)


def test_rules_of_a_signal_that_disagree_decide_nothing():
    log = course(ALARM, COUNTERS, SLICES, REPLAY, of_best=[0.1, 0.9, 0.9])
    found = fired_of(INCIDENT_RULES, log)
    assert {"far_look", "near_looks"} <= {rule.name for rule, _ in found}
    assert "first_looks" not in levels_of(INCIDENT_SIGNALS, found)
    assert levels_of(INCIDENT_SIGNALS, fired_of(INCIDENT_RULES, course(*PLAIN)))["remedy"].level == "strong"


def test_every_rule_belongs_to_a_signal_and_every_signal_has_a_rule():
    assert {rule.signal for rule in INCIDENT_RULES} == {signal.name for signal in INCIDENT_SIGNALS}


def test_evidence_names_lines_that_are_there_also_where_nothing_was_done():
    for log in (course(), course(ALARM), course(*PLAIN, shares=[FOG]), course(ALARM, fix("nothing"), alarms_at=(8.0,))):
        found = [evidence for _, evidence in fired_of(INCIDENT_RULES, log)]
        found += [evidence for signal in INCIDENT_SIGNALS for evidence in signal.evidence(log)]
        assert found and all(one.sentence.endswith(".") for one in found)
        assert all(0 <= place < len(log.notes) for one in found for place in one.places)


def test_fixes_that_help_are_those_of_the_study():
    helping = helping_fixes("production-drift")
    assert helping["stale_model"].keys() >= {"roll_back", "bigger_model", "smaller_model", "people"}
    assert "technician" not in helping["fog_season"] and "threshold" not in helping["stale_model"]
    assert helping_fixes("made-up") == {}


# The path of findings


@pytest.fixture(scope="module")
def beliefs():
    return load_beliefs(CASE)


def test_each_look_has_its_part_of_the_best_information_and_the_probabilities_after_it(beliefs):
    play = Play(CASE, secret_of("overload", "abrupt"), read_actions([COUNTERS, REPLAY]))
    [counters, replay] = path(play, beliefs)
    asked = questions(CASE.incident)
    known = {name: beliefs.bits(name, beliefs.prior) for name in asked}
    pace = {name: known[name] / minutes_of(CASE.incident, asked[name]) for name in asked}
    expected = max(known["counters"] / max(known.values()), pace["counters"] / max(pace.values()))
    assert counters.of_best == pytest.approx(expected) and (counters.place, replay.place) == (0, 1)
    sign = play.notes[0].finding.sign
    assert counters.shares == pytest.approx(beliefs.by_cause(beliefs.after([("counters", sign)])))
    assert counters.true_share == counters.shares["overload"]


def test_a_page_after_a_likely_false_alarm_starts_anew():
    play = Play(CASE, secret_of("overload", "abrupt"))
    page = NotebookEntry(read_actions([ALARM])[0], 0.0, 1.0, complaint=True)
    looked = play.act(read_actions([COUNTERS])[0])
    other = np.array([[0.98, 0.02], [0.02, 0.98], [0.02, 0.98]])
    toy = Beliefs(
        [FALSE_ALARM, "overload", "seasons"],
        {PAGE: (["complaint"], np.full((3, 2), 0.5)), "counters": ([looked.finding.sign], other)},
        false_alarms=0.5,
    )
    first = path(_with(play, [page, looked, page, looked]), toy)
    # a third that nothing happens, and half of the others' first pages; then the prior again, and the look counts again
    prior = 1 / 3 + 0.5 * 2 / 3
    likely = prior * 0.98 / (prior * 0.98 + (1 - prior) * 0.02)
    assert [step.shares[FALSE_ALARM] for step in first] == pytest.approx([prior, likely, prior, likely])
    assert first[3].bits == pytest.approx(first[1].bits) and first[2].label == "What rang"
    unlikely = replace(toy, chances=toy.chances | {"counters": ([looked.finding.sign], other[::-1])})
    kept = path(_with(play, [page, looked, page, looked]), unlikely)
    assert kept[2].shares == pytest.approx(kept[1].shares) and kept[3].bits == pytest.approx(kept[1].bits)


def test_a_repeated_look_counts_at_its_latest_answer():
    play = Play(CASE, secret_of("overload", "abrupt"))
    looked = play.act(read_actions([COUNTERS])[0])
    later = replace(looked, finding=replace(looked.finding, sign="later"))
    table = np.array([[0.9, 0.1], [0.1, 0.9]])
    toy = Beliefs(["overload", "seasons"], {"counters": ([looked.finding.sign, "later"], table)})
    steps = path(_with(play, [looked, later]), toy)
    assert [step.true_share for step in steps] == pytest.approx([0.9, 0.1])


def _with(play, notes):
    made = object.__new__(Play)
    made.__dict__.update(play.__dict__)
    made.notes = notes
    return made


def test_the_places_of_a_course_are_those_of_the_notebook():
    log = course(ALARM, fix("people"), COUNTERS, fix("nothing"), diagnose("fog_season"), believe(fog_season=1.0))
    assert (log.pages, [*log.fixes.items()], log.looks, [*log.diagnoses], [*log.suspicions]) == (
        [0],
        [(1, "people")],
        [2],
        [4],
        [5],
    )
    assert log.true_page == 0 and log.early_page is None
    assert replace(log, play=log.play).pages == [0]
