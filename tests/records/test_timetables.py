"""Shifts against rotas worked out by hand, and minute by minute."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.engine.stages.people import Shift
from simulator.records.timetables import DAY_S, HOUR_S, Roster, clock_s

INF = float("inf")


def roster(*shifts, starts_at="00:00", end=DAY_S, **fields):
    rota = [Shift(start=start, end=stop, people=people, **fields) for start, stop, people in shifts]
    return Roster(rota, clock_s(starts_at), end)


def test_a_clock_time_counts_from_midnight():
    assert [clock_s(clock) for clock in ("00:00", "08:30", "24:00")] == [0, 30_600, 86_400]


def test_a_shift_over_midnight_beside_an_early_one_in_a_run_that_starts_in_the_evening():
    found = roster(("22:00", "06:00", 2), ("05:00", "13:00", 1), starts_at="20:00")
    hours = [0, 1.99, 2, 8.99, 9, 9.99, 10, 16.99, 17, 25.99, 26]
    assert [found.on_duty(hour * HOUR_S) for hour in hours] == [0, 0, 2, 2, 3, 3, 1, 1, 0, 0, 2]
    assert found.most == 3
    assert found.staffed_s(DAY_S) == 24 * HOUR_S


def test_a_run_that_starts_within_a_shift_finds_people_on_duty():
    assert roster(("22:00", "06:00", 2), starts_at="03:00").on_duty(0) == 2
    assert roster(("08:00", "16:00", 2), starts_at="08:00").on_duty(0) == 2
    assert roster(("08:00", "16:00", 2), starts_at="16:00").on_duty(0) == 0


def test_a_shift_that_ends_when_it_starts_lasts_all_day():
    found = roster(("08:00", "08:00", 3), starts_at="05:00", end=3 * DAY_S)
    assert {found.on_duty(hour * HOUR_S) for hour in range(72)} == {3}


def test_a_shift_may_end_at_24_00():
    found = roster(("18:00", "24:00", 1))
    assert [found.on_duty(hour * HOUR_S) for hour in (17, 18, 23.9, 24)] == [0, 1, 1, 0]


def test_the_next_change_is_the_next_start_or_end():
    found = roster(("08:00", "16:00", 2), ("12:00", "20:00", 1))
    changes, time = [], 0.0
    while (time := found.next_change(time)) < 1.4 * DAY_S:
        changes.append(time / HOUR_S)
    assert changes == [8, 12, 16, 20, 32]


def test_person_hours_are_counted_over_part_of_a_day():
    assert roster(("08:00", "16:00", 2), ("12:00", "20:00", 1)).staffed_s(14 * HOUR_S) == (6 * 2 + 2 * 1) * HOUR_S


def on_duty(found, *clocks):
    return [found.on_duty(clock_s(clock)) for clock in clocks]


def test_readers_keep_their_desk_and_the_next_shift_takes_the_first_that_are_vacant():
    found = roster(("08:00", "16:00", 2), ("12:00", "20:00", 1), ("16:00", "24:00", 3))
    since = {hour: found.readers(hour * HOUR_S) for hour in (7, 11, 13, 17, 21)}
    assert since[7] == {}
    assert since[11] == {0: 8 * HOUR_S, 1: 8 * HOUR_S}
    assert since[13] == since[11] | {2: 12 * HOUR_S}
    assert since[17] == {0: 16 * HOUR_S, 1: 16 * HOUR_S, 2: 12 * HOUR_S, 3: 16 * HOUR_S}
    assert since[21] == {0: 16 * HOUR_S, 1: 16 * HOUR_S, 3: 16 * HOUR_S}
    assert found.most == 4


def test_a_run_that_starts_within_a_shift_knows_when_it_began():
    assert roster(("22:00", "06:00", 1), starts_at="03:00").readers(0) == {0: -5 * HOUR_S}


def test_a_break_takes_all_of_the_shift_off_duty_and_not_the_others():
    found = roster(("08:00", "16:00", 2), breaks=[{"start": "10:30", "minutes": 15}])
    assert on_duty(found, "10:29", "10:30", "10:44", "10:45") == [2, 0, 0, 2]
    two = [Shift(start="08:00", end="16:00", people=2, breaks=[{"start": "10:30", "minutes": 15}]),
           Shift(start="08:00", end="16:00", people=3)]  # fmt: skip
    assert on_duty(Roster(two, 0.0, DAY_S), "10:29", "10:30", "10:45") == [5, 3, 5]


def test_a_break_in_groups_takes_one_group_after_the_other():
    found = roster(("08:00", "16:00", 5), breaks=[{"start": "12:00", "minutes": 30, "groups": 2}])
    assert on_duty(found, "11:59", "12:00", "12:30", "13:00") == [5, 2, 3, 5]
    assert [sorted(found.readers(clock_s(clock))) for clock in ("12:00", "12:30")] == [[1, 3], [0, 2, 4]]


def test_nobody_is_on_duty_during_the_hand_over_at_the_beginning_of_a_shift():
    found = roster(("22:00", "06:00", 2), starts_at="20:00", end=2 * DAY_S, handover_minutes=20)
    assert [found.on_duty(60 * minute) for minute in (119, 120, 139, 140, 599, 600, 1560, 1579, 1580)] == [
        0, 0, 0, 2, 2, 0, 0, 0, 2,
    ]  # fmt: skip


def test_breaks_and_hand_overs_that_overlap_count_once():
    breaks = [{"start": "08:05", "minutes": 20}, {"start": "08:15", "minutes": 5}, {"start": "08:25", "minutes": 5}]
    found = roster(("08:00", "09:00", 1), handover_minutes=10, breaks=breaks)
    assert found.times[:3] == [0, clock_s("08:30"), clock_s("09:00")]
    assert found.staffed_s(DAY_S) == HOUR_S / 2


def test_breaks_and_hand_overs_are_paid():
    found = roster(("08:00", "16:00", 4), handover_minutes=30, breaks=[{"start": "12:00", "minutes": 60, "groups": 2}])
    assert found.paid_s(DAY_S) == 4 * 8 * HOUR_S
    assert found.staffed_s(DAY_S) == 4 * 6.5 * HOUR_S
    assert found.paid_s(12 * HOUR_S) == 4 * 4 * HOUR_S


def test_what_a_tired_shift_gets_done_is_the_integral_over_its_pace():
    found = roster(("08:00", "16:00", 2), breaks=[{"start": "12:00", "minutes": 60}])
    hours = np.arange(0.0005, 8, 0.001)
    awake = (hours < 4) | (hours > 5)
    expected = 2 * (awake / (1 + 0.1 * hours)).sum() * 0.001 * HOUR_S
    assert found.staffed_s(DAY_S, slowing_per_h=0.1) == pytest.approx(expected, rel=1e-6)


pauses = st.tuples(st.integers(0, 400), st.integers(1, 60), st.integers(1, 3))  # minutes into the shift, minutes, groups


@settings(max_examples=40)
@given(st.integers(0, 1439), st.integers(180, 600), st.integers(0, 60), st.lists(pauses, max_size=3))
def test_minute_by_minute_on_duty_is_who_is_neither_in_a_break_nor_in_a_hand_over(start, length, handover, drawn):
    def clock(minute):
        return f"{minute // 60 % 24:02d}:{minute % 60:02d}"

    drawn = [pause for pause in drawn if pause[0] + pause[1] * pause[2] <= length]
    breaks = [{"start": clock(start + at), "minutes": minutes, "groups": groups} for at, minutes, groups in drawn]
    found = roster((clock(start), clock(start + length), 4), handover_minutes=handover, breaks=breaks)
    for minute in range(0, 1440, 5):
        into = (minute - start) % 1440
        away = [
            into < handover or any(0 <= into - at - member % groups * minutes < minutes for at, minutes, groups in drawn)
            for member in range(4)
        ]
        expected = 0 if into >= length else away.count(False)
        assert found.on_duty(60 * minute) == expected == len(found.readers(60 * minute))


clocks = st.integers(0, 95).map(lambda quarter: f"{quarter // 4:02d}:{15 * (quarter % 4):02d}")


@given(st.lists(st.tuples(clocks, clocks, st.integers(0, 5)), min_size=1, max_size=5), clocks)
def test_people_on_duty_are_those_whose_shift_covers_the_time_of_day(shifts, starts_at):
    found = roster(*shifts, starts_at=starts_at, end=2 * DAY_S)
    for quarter in range(2 * 96):
        clock = (clock_s(starts_at) + quarter * 900) % DAY_S
        spans = [((clock - clock_s(start)) % DAY_S, (clock_s(stop) - clock_s(start)) % DAY_S or DAY_S, people)
                 for start, stop, people in shifts]  # fmt: skip
        assert found.on_duty(quarter * 900) == sum(people for since, length, people in spans if since < length)
