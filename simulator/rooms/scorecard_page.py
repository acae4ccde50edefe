"""After the interview: the replay, the scorecard with its evidence, both raters beside each other, and files to take away."""

from __future__ import annotations

import streamlit as st

from simulator.app.rating_card import SCALE_NAMES
from simulator.app.widgets import plain, say
from simulator.rooms.room_at_hand import RoomAtHand
from simulator.rooms.room_events import CARD_SIGNALS, RATINGS, ScorecardSubmitted, SignalRated
from simulator.rooms.room_files import both_raters, files, rated_twice
from simulator.rooms.room_replay import replay
from simulator.rooms.room_session import LABELS, mark_moments, offered_moments
from simulator.session.session_signals import NOT_OBSERVED, signals_of
from simulator.units import counted

#: The most moments of the log that are offered as evidence, the latest ones.
_OFFERED = 400


def scorecard_page(room: RoomAtHand) -> None:
    """Show the replay and the scorecard to a rater."""
    st.info("The interview has ended. Watch it again where you need to, then rate each signal by what happened.")
    replay(room)
    st.header("Scorecard", anchor=False)
    if room.role in room.state.room.submitted:
        st.success("Your scorecard is complete. It cannot be changed any more.")
        _both(room)
    else:
        _card(room)
    files(room)


def rater_page(room: RoomAtHand) -> None:
    """Show an ended interview to a second rater, without the first scorecard."""
    st.title(plain(room.scenario.title), anchor=False)
    if room.state.ended_at is None:
        st.info("The interview goes on. Your scorecard opens when it has ended.")
        return
    scorecard_page(room)


def _card(room: RoomAtHand) -> None:
    anchors = {signal.name: signal.anchors for signal in signals_of(room.scenario)}
    rated, levels = room.state.room.ratings_of(room.role), [*RATINGS, NOT_OBSERVED]
    latest = list(offered_moments(room.scenario, room.state).items())[-_OFFERED:]
    evidence = mark_moments(room.scenario, room.state) | dict(latest)  # the marks come first
    for signal in CARD_SIGNALS:
        with st.container(border=True):
            kept = rated.get(signal)
            st.markdown(f"**{plain(LABELS[signal])}**{' · kept' if kept else ''}")
            marks = [tag for tag in room.state.room.tags if tag.event.signal == signal]
            plus = sum(tag.event.plus for tag in marks)
            st.caption(f"Marks: {plus} plus, {len(marks) - plus} minus.")
            words = dict(zip(RATINGS, anchors.get(signal, ("", "", "", "")), strict=True))
            st.radio(
                f"Level: {LABELS[signal]}",
                levels,
                levels.index(kept.level) if kept else None,
                format_func=lambda level, words=words: ": ".join(filter(None, (SCALE_NAMES[level], words.get(level)))),
                key=f"room:rate:{signal}",
                label_visibility="collapsed",
            )
            st.multiselect(
                "What it rests on: moments of the log",
                list(evidence),
                [place for place in (kept.evidence if kept else [tag.place for tag in marks]) if place in evidence],
                format_func=evidence.__getitem__,
                key=f"room:evidence:{signal}",
            )
            st.text_input(
                "Or what never came: an absence may be the evidence",
                kept.absence if kept else "",
                max_chars=300,
                key=f"room:absence:{signal}",
            )
            st.text_input("Why, in a sentence", kept.text if kept else "", max_chars=1000, key=f"room:sentence:{signal}")
            st.button("Keep", key=f"room:keep:{signal}", on_click=_keep, args=(room, signal))
    rest = [signal for signal in CARD_SIGNALS if signal not in rated]
    if rest:
        st.caption(
            f"{counted(len(rest), 'signal')} to rate. Each rests on moments of the log or on an absence, or was not observed."
        )
    st.button("Complete the scorecard", type="primary", disabled=bool(rest), on_click=room.take, args=(ScorecardSubmitted(),))


def _keep(room: RoomAtHand, signal: str) -> None:
    """Keep a rating as its fields are now: a callback's arguments are those of the page as it was drawn last."""
    fields = ("rate", "evidence", "absence", "sentence")
    level, places, absence, text = (st.session_state[f"room:{field}:{signal}"] for field in fields)
    if level is None:
        say(f"“{LABELS[signal]}”: choose a level.")
    elif not (places or absence.strip() or level == NOT_OBSERVED):
        say(f"“{LABELS[signal]}”: choose a moment of the log, say what never came, or choose “{SCALE_NAMES[NOT_OBSERVED]}”.")
    else:
        words = {"absence": absence.strip(), "text": text.strip()}
        room.take(SignalRated(signal=signal, level=level, evidence=tuple(places), **words))


def _both(room: RoomAtHand) -> None:
    """Show both raters beside each other, once both are complete."""
    both = rated_twice(room.state)
    if not both:
        st.caption("The other scorecard is shown once both are complete. A second rater comes by the fourth link.")
        return
    st.subheader("Both raters", anchor=False)
    apart = [signal for signal, (first, second) in both.items() if first != second]
    words = "Both agree on every signal." if not apart else f"They differ on {counted(len(apart), 'signal')} of {len(both)}."
    st.markdown(f"{words} Talk about the evidence of those first. No mean over all signals is given: each stands for itself.")
    st.dataframe(both_raters(room.state), hide_index=True)
