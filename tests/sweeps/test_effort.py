"""Where changes went, beside what a step of each choice helps."""

from types import SimpleNamespace

import pytest

from simulator.sweeps.levers import effort


def levers(**best):
    rows = [SimpleNamespace(best=gain, step=SimpleNamespace(choice=name, label=name.title())) for name, gain in best.items()]
    return SimpleNamespace(rows=sorted(rows, key=lambda row: -row.best))


def designs(*changes):
    found = [{"batch": 1, "people": 8, "model": "small"}]
    for change in changes:
        found.append(found[-1] | change)
    return found


def test_changes_that_went_to_a_lesser_lever_are_told_with_its_rank_and_the_first_one():
    told = effort(designs({"batch": 2}, {"batch": 4}, {"people": 9}), levers(people=0.6, model=0.2, batch=0.0))
    assert told == (
        "Of your 3 changes, 2 went to “Batch”, number 3 of 3 choices, ranked by the help of one step; "
        "number 1 is “People”, changed once."
    )


def test_changes_that_went_to_the_first_lever_are_praised():
    told = effort(designs({"people": 9}, {"people": 10}, {"batch": 2}), levers(people=0.6, batch=0.1))
    assert told == "Of your 3 changes, 2 went to “People”, the choice whose next step helps most."


@pytest.mark.parametrize("changes", [(), ({"batch": 2},), ({"batch": 2}, {"batch": 4})])
def test_few_changes_say_nothing(changes):
    assert effort(designs(*changes), levers(people=0.6, batch=0.1)) == ""


def test_where_no_step_helps_nothing_is_ranked():
    assert effort(designs({"batch": 2}, {"batch": 4}, {"batch": 8}), levers(people=0.0, batch=0.0)) == ""
