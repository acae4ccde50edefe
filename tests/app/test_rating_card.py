"""The card of a signal: the evidence stands at once, the level of the log only where it is due."""

from streamlit.testing.v1 import AppTest

from tests.patience import PATIENCE_S


def _page():
    import streamlit as st

    from simulator.app.rating_card import RatingCards
    from simulator.session.session_signals import Evidence, Signal
    from simulator.session.signal_rules import SignalRule, fired_of, levels_of

    def evidence(log):
        yield Evidence(f"You did it {log} times.", [4])

    signals = [Signal(name, name.title(), ("one", "two", "three", "four"), evidence) for name in ("decided", "open")]
    rules = [
        SignalRule("often", "decided", "strong", "twice", lambda log: iter([Evidence("You did it again.", [7])][: log > 1]))
    ]
    RatingCards(
        3,
        words=lambda one: f"{one.sentence} ({one.places[0]})",
        rate=lambda signal, level: st.session_state.setdefault("rated", []).append((signal, level)),
        ratings={},
        decided=levels_of(signals, fired_of(rules, 3)),
        compared=lambda signal: bool(st.session_state.get(f"made:rate:{signal}")),
        key="made",
    ).draw(signals)


def test_the_level_of_the_log_appears_below_ones_own_and_never_before_it():
    page = AppTest.from_function(_page, default_timeout=PATIENCE_S).run()
    assert "You did it 3 times. (4)" in page.markdown[1].value
    assert not page.info and not page.caption
    page.radio(key="made:rate:decided").set_value("weak").run()
    assert page.session_state["rated"] == [("decided", "weak")]
    assert [one.value for one in page.info] == [r"The log says\: strong. You did it again. (7)"]
    assert not page.caption
    page.radio(key="made:rate:open").set_value("very_strong").run()
    assert [one.value for one in page.caption] == ["The log decides no level here: you decide."]
