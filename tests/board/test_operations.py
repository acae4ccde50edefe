"""Operations that a browser says are taken once and in order, however many tabs it names."""

from simulator.board.operations import hear_operations

ERASE = {"op": "erase", "note": "a"}


def test_a_number_is_taken_once_and_what_is_no_operation_is_refused_at_its_number():
    took, taken = [], {}
    said = {"tab": "t", "operations": [{"number": 1, "op": ERASE}, {"number": 2, "op": 3}, {"number": 1, "op": ERASE}, None]}
    for _ in range(2):
        reply = hear_operations(said, taken, lambda *words: took.append(words))
    assert (reply["acknowledged"], [number for _, number, _ in took]) == (2, [1])


def test_the_tabs_that_are_remembered_have_a_bound():
    taken = {}
    for number in range(1000):
        hear_operations({"tab": f"tab {number}", "operations": [{"number": 1, "op": ERASE}]}, taken, lambda *_: None)
    assert len(taken) == 100
    assert taken["tab 999"] == 1
