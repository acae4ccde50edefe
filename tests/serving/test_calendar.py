"""Shifts against rotas worked out by hand, and minute by minute."""

from hypothesis import given
from hypothesis import strategies as st

from simulator.scenario.stages import Shift
from simulator.serving.calendar import DAY_S, HOUR_S, Roster, clock_s

INF = float("inf")


def roster(*shifts, starts_at="00:00", end=DAY_S):
    return Roster([Shift(start=start, end=stop, people=people) for start, stop, people in shifts], clock_s(starts_at), end)


def test_a_clock_time_counts_from_midnight():
    assert [clock_s(clock) for clock in ("00:00", "08:30", "24:00")] == [0, 30_600, 86_400]


def test_a_shift_over_midnight_beside_an_early_one_in_a_run_that_starts_in_the_evening():
    found = roster(("22:00", "06:00", 2), ("05:00", "13:00", 1), starts_at="20:00")
    hours = [0, 1.99, 2, 8.99, 9, 9.99, 10, 16.99, 17, 25.99, 26]
    assert [found.on_duty(hour * HOUR_S) for hour in hours] == [0, 0, 2, 2, 3, 3, 1, 1, 0, 0, 2]
    assert sorted(found.readers(9 * HOUR_S)) == [0, 1, 2]
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


clocks = st.integers(0, 95).map(lambda quarter: f"{quarter // 4:02d}:{15 * (quarter % 4):02d}")


@given(st.lists(st.tuples(clocks, clocks, st.integers(0, 5)), min_size=1, max_size=5), clocks)
def test_people_on_duty_are_those_whose_shift_covers_the_time_of_day(shifts, starts_at):
    found = roster(*shifts, starts_at=starts_at, end=2 * DAY_S)
    for quarter in range(2 * 96):
        clock = (clock_s(starts_at) + quarter * 900) % DAY_S
        spans = [((clock - clock_s(start)) % DAY_S, (clock_s(stop) - clock_s(start)) % DAY_S or DAY_S, people)
                 for start, stop, people in shifts]  # fmt: skip
        assert found.on_duty(quarter * 900) == sum(people for since, length, people in spans if since < length)
