"""Turns: nobody idles while something waits, a person's own order is kept, and nobody is served much more than others."""

from collections import defaultdict
from functools import partial
from heapq import heappop, heappush
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.app.turns import KEPT_S, PATIENCE_S, Submitter, Turns

#: So long a task takes at most here (s); what is not known of a run is taken to last a second.
LONGEST_S = 3.0


class Served:
    """So many processes, in a time of their own: what each did, for whom, and for how long."""

    def __init__(self, processes):
        self.turns, self.idle, self.now, self.under_way, self.order = Turns(), processes, 0.0, [], count()
        self.began, self.seconds, self.processes = [], defaultdict(float), processes

    def ask(self, person, urgency, seconds, run=None):
        return self.turns.add(Submitter(person, run or person, urgency), partial(float, seconds))

    def begin(self):
        while self.idle and (task := self.turns.next()):
            self.idle -= 1
            self.began.append(task)
            heappush(self.under_way, (self.now + task.work(), next(self.order), task))

    def step(self):
        """Until the next task ends; whether there was one."""
        self.begin()
        if not self.under_way:
            return False
        self.now, _, task = heappop(self.under_way)
        self.idle += 1
        self.turns.done(task, task.work())
        self.seconds[task.behalf.person] += task.work()
        self.begin()
        return True


tasks = st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.floats(0.01, LONGEST_S))


@given(st.lists(st.one_of(tasks, st.none()), max_size=40), st.integers(1, 4))
def test_no_process_is_idle_while_something_waits_and_all_of_it_is_done_once(steps, processes):
    served, asked = Served(processes), []
    for one in steps:
        if one is None:
            served.step()
        else:
            asked.append(served.ask(*one))
            served.begin()
        waiting = sum(task not in served.began for task in asked)
        assert not (waiting and served.idle)
    while served.step():
        pass
    assert sorted(task.order for task in served.began) == [task.order for task in asked]


@given(st.lists(tasks, max_size=40), st.integers(1, 4))
def test_what_a_person_asked_for_begins_by_urgency_and_then_in_its_order(asked, processes):
    served = Served(processes)
    for one in asked:
        served.ask(*one)
    while served.step():
        pass
    for person in "abc":
        begun = [(task.urgency, task.order) for task in served.began if task.behalf.person == person]
        assert begun == sorted(begun)


@pytest.mark.long
@given(
    st.lists(st.floats(0.01, LONGEST_S), min_size=2, max_size=5),
    st.lists(st.integers(0, 12), min_size=5, max_size=5),
    st.integers(1, 4),
)
def test_of_people_who_always_want_something_none_is_served_much_more_than_another(lengths, urgencies, processes):
    served, people = Served(processes), list(zip("abcde", lengths, urgencies, strict=False))
    for person, seconds, urgency in people:
        for _ in range(int(60 / seconds) + 10):
            served.ask(person, urgency, seconds)
    while max(served.seconds.values(), default=0) < 50:
        served.step()
        lets_go = max(urgencies[: len(people)]) * PATIENCE_S
        apart = max(served.seconds[one] for one, *_ in people) - min(served.seconds[one] for one, *_ in people)
        assert apart <= lets_go + KEPT_S + 2 * (processes + 1) * LONGEST_S


def test_who_changes_a_choice_every_second_does_not_keep_others_later_results_waiting():
    served, waiting, designs = Served(1), [], count()
    later = [served.ask("patient", urgency=1, seconds=0.5) for _ in range(20)]
    while not all(task.future.running() for task in later):
        for task in waiting:  # the choice has changed: what had not begun is dropped
            task.future.cancel()
        design = f"design {next(designs)}"
        waiting = [served.ask("restless", urgency=0, seconds=0.5, run=design) for _ in range(4)]
        until = served.now + 1
        while served.now < until:
            served.step()
        assert served.now < 30
    assert served.seconds["restless"] == pytest.approx(served.seconds["patient"], abs=PATIENCE_S + 1)


def test_first_results_come_before_later_ones_where_both_were_served_alike():
    served = Served(1)
    for person in ("first", "second"):
        for urgency in (0, 0, 1, 1):
            served.ask(person, urgency, 0.1)
    while served.step():
        pass
    assert [task.urgency for task in served.began] == [0, 0, 0, 0, 1, 1, 1, 1]


def test_two_replications_do_not_wait_for_a_strangers_eighty():
    served = Served(2)
    for number in range(80):
        served.ask("stranger", urgency=min(number // 8, 3), seconds=1.0)
    for _ in range(10):
        served.step()
    asked = served.now
    mine = [served.ask("me", urgency=0, seconds=1.0) for _ in range(2)]
    while not all(task in served.began for task in mine):
        served.step()
    assert served.now - asked <= 2


def test_to_have_been_away_earns_nothing():
    served = Served(1)
    for _ in range(30):
        served.ask("busy", 0, 1.0)
    for _ in range(20):
        served.step()
    for _ in range(10):
        served.ask("new", 0, 1.0)
    before = dict(served.seconds)
    for _ in range(10):
        served.step()
    assert served.seconds["busy"] - before["busy"] == pytest.approx(5, abs=1)


def test_what_comes_before_a_run_is_counted_by_run_and_in_seconds():
    served = Served(2)
    for person in ("one", "two"):
        for _ in range(4):
            served.ask(person, 0, 1.0)
    served.ask("me", 0, 1.0, run="mine")
    served.begin()
    before = served.turns.ahead("mine", 2)
    assert before.runs == 2
    assert before.seconds == pytest.approx((2 * 0.5 + 2 + 4) / 2)  # two under way, the rest of theirs, and all of another's
    assert served.turns.ahead("one", 2) is None
    while served.now < 4:
        served.step()
    assert served.turns.ahead("mine", 2) is None  # it is under way


def test_of_more_people_than_can_be_served_some_see_their_first_results_and_then_others():
    """Eight people change something every ten seconds; the first results of one take four of those."""
    served, seen, waiting = Served(1), defaultdict(int), {}
    for turn in range(40):
        for person in "abcdefgh":
            dropped = waiting.get(person, [])
            waiting[person] = [served.ask(person, 0, 1.0, run=f"{person} {turn}") for _ in range(4)]
            for task in dropped:  # once the next is asked for, as the registry does it
                task.future.cancel()
        until, before = served.now + 10, len(served.began)
        while served.now < until:
            served.step()
        done = [task.behalf.person for task in served.began[before:]]
        for person in set(done):
            seen[person] += done.count(person) == 4
    assert sum(seen.values()) >= 2 * 40  # two of eight each time, of the two and a half that there is time for
    assert min(seen[person] for person in "abcdefgh") >= 8  # each in about every fourth turn


def test_what_nobody_wants_any_more_is_not_counted():
    served = Served(1)
    served.ask("one", 0, 1.0)
    served.begin()
    dropped = served.ask("two", 0, 1.0)
    served.ask("me", 0, 1.0, run="mine")
    dropped.future.cancel()
    assert served.turns.ahead("mine", 1).runs == 1


def test_accounts_of_people_who_went_away_are_forgotten():
    served = Served(1)
    for number in range(100):
        served.ask(str(number), 0, 1.0)
        served.step()
    assert served.turns._accounts == {}


def test_accounts_of_people_who_come_and_go_one_after_the_other_do_not_grow_for_ever(monkeypatch):
    monkeypatch.setattr("simulator.app.turns.REMEMBERED", 10)
    served = Served(2)
    for number in range(100):
        served.ask(str(number), 0, 1.0)
        served.begin()
        if number:
            served.step()
    assert len(served.turns._accounts) <= 12


def test_what_is_begun_comes_sooner_than_the_first_of_another_and_something_new_of_the_same_person_does_not():
    served = Served(1)
    for _ in range(2):
        served.ask("mine", urgency=0, seconds=1.0, run="begun")
    served.step()
    newcomer = Submitter("newcomer", "theirs", 0)
    assert served.turns.sooner(Submitter("mine", "begun", 0), newcomer)
    assert not served.turns.sooner(newcomer, Submitter("mine", "begun", 0))
    assert not served.turns.sooner(Submitter("mine", "begun", 1), newcomer)
    assert not served.turns.sooner(Submitter("mine", "new", 0), newcomer)


def test_a_person_who_drops_one_run_after_the_other_leaves_none_of_their_work_behind():
    served = Served(1)
    served.ask("busy", 0, 3.0)
    served.begin()
    before = []
    for number in range(50):
        for task in before:
            task.future.cancel()
        before = [served.ask("me", urgency, 1.0, run=f"run {number}") for urgency in range(3)]
    assert sorted(served.turns._accounts["me"].waiting) == before
