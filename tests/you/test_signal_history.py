"""Signals over time: a column for each rated session, and a sign for each level."""

from simulator.session.session_signals import SIGNALS
from simulator.you import signal_history
from simulator.you.signal_history import MOST, level_table, signal_chart
from tests.you.records import session

SOURCE = "your rating"


def rated(*sessions):
    return level_table([session(ratings=ratings, begun_at=float(at)) for at, ratings in enumerate(sessions)], SOURCE)


def test_only_rated_sessions_have_a_column_and_unknown_signals_none():
    sessions = [session(), session(ratings={"framing": "weak"}), session(ratings={"charm": "weak"})]
    table = level_table(sessions, SOURCE)
    assert table.shape == (len(SIGNALS), 1)
    assert list(table.iloc[:, 0]) == ["weak", *[""] * (len(SIGNALS) - 1)]


def test_two_sessions_of_one_minute_are_two_columns():
    sessions = [session(ratings={"framing": level}, begun_at=5.0) for level in ("weak", "strong")]
    assert level_table(sessions, SOURCE).shape == (len(SIGNALS), 2)


def test_the_takeaway_names_the_lowest_and_the_moves_since_the_first():
    table = rated(
        {"framing": "weak", "data": "strong", "model": "weak"}, {"framing": "strong", "data": "weak", "model": "weak"}
    )
    made = signal_chart(table, SOURCE)
    assert made.takeaway == (
        "Lowest in the latest session (weak, your rating): Data and labels, Choice of the model. "
        "Since the first session 1 went up and 1 went down."
    )
    signs = made.figure.data[1]
    shown = {(x, y): text for x, y, text in zip(signs.x, signs.y, signs.text, strict=True)}
    assert (shown["1", "Framing"], shown["2", "Framing"], shown["1", "Communication"]) == ("−", "+", "")
    assert made.table.columns[0] == "signal"


def test_the_takeaway_names_no_signal_as_the_lowest_of_equals_and_counts_those_that_it_leaves_out():
    equal = dict.fromkeys(["framing", "data", "model", "serving", "safety"], "strong")
    assert signal_chart(rated(equal), SOURCE).takeaway == (
        "All 5 rated signals of the latest session are equal (strong, your rating)."
    )
    assert "Evaluation" not in signal_chart(rated(equal | {"evaluation": "very_strong"}), SOURCE).takeaway
    assert " and 2 more." in signal_chart(rated(equal | {"evaluation": "very_strong"}), SOURCE).takeaway


def test_the_picture_holds_the_latest_sessions_and_the_table_all():
    made = signal_chart(rated(*[{"framing": "weak"}] * (MOST + 3)), SOURCE)
    assert list(made.figure.data[0].x) == [str(number) for number in range(4, MOST + 4)]
    assert len(made.table.columns) == 1 + MOST + 3


def test_a_further_source_of_levels_is_one_entry(monkeypatch):
    monkeypatch.setitem(signal_history.SOURCES, "the log", lambda scenario, state: {"safety": "very_strong"})
    table = level_table([session()], "the log")
    assert table.loc["Failure and safety"].tolist() == ["very_strong"]
