"""The card of a signal: the evidence of the log, the person's own level, then the level that the log decides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic

import streamlit as st

from simulator.app.widgets import plain
from simulator.session.session_signals import LEVELS, NOT_OBSERVED, Evidence, Level, LogForm, Signal
from simulator.session.signal_rules import Decided

LEVEL_NAMES = {"very_weak": "Very weak", "weak": "Weak", "strong": "Strong", "very_strong": "Very strong"}

#: The levels of a rater in a room.
SCALE_NAMES = {**LEVEL_NAMES, NOT_OBSERVED: "Not observed"}


@dataclass(frozen=True)
class RatingCards(Generic[LogForm]):
    """The cards of one log.

    words: a sentence of evidence with its moments in the log; rate: keeps the person's level of a signal
    ratings: the levels kept so far; compared: signals whose decided level is shown, or the fact that there is none
    """

    log: LogForm
    words: Callable[[Evidence], str]
    rate: Callable[[str, Level], None]
    ratings: dict[str, str]
    decided: dict[str, Decided[LogForm]]
    compared: Callable[[str], bool]
    key: str

    def draw(self, signals: Sequence[Signal[LogForm]]) -> None:
        """Draw a card for each signal."""
        for signal in signals:
            with st.container(border=True):
                self._card(signal)

    def _card(self, signal: Signal[LogForm]) -> None:
        key, kept = f"{self.key}:rate:{signal.name}", self.ratings.get(signal.name)
        st.markdown(f"**{plain(signal.label)}**")
        st.markdown("\n".join(f"- {plain(self.words(one))}" for one in signal.evidence(self.log)))
        st.radio(
            f"Your level: {signal.label}",
            LEVELS,
            index=next((place for place, level in enumerate(LEVELS) if level == kept), None),
            format_func=lambda level: f"{LEVEL_NAMES[level]}: {signal.anchor(level)}",
            key=key,
            on_change=self._rate,
            args=(signal.name, key),
            label_visibility="collapsed",
        )
        if self.compared(signal.name):
            self._log_level(signal.name)

    def _rate(self, signal: str, key: str) -> None:
        if level := st.session_state.get(key):
            self.rate(signal, level)

    def _log_level(self, signal: str) -> None:
        if (decided := self.decided.get(signal)) is None:
            st.caption("The log decides no level here: you decide.")
            return
        words = " ".join(self.words(evidence) for _, evidence in decided.fired)
        st.info(plain(f"The log says: {LEVEL_NAMES[decided.level].lower()}. {words}"))
