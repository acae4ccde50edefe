"""Marks on signals, one key each, and the interviewer's private notes."""

from __future__ import annotations

import streamlit as st

from simulator.app.widgets import plain
from simulator.case.interview import Probe, probes_of
from simulator.case.phases import phases_of
from simulator.limits import SESSION_TEXT
from simulator.rooms.autosave_text import autosave_text
from simulator.rooms.room_at_hand import RoomAtHand
from simulator.rooms.room_events import CARD_SIGNALS, NotesSaved, TagRemoved, TagSet
from simulator.rooms.room_record import LABELS, latest_moment, moments, offered_moments, tag_words
from simulator.session.session_record import minute_of

#: The marks that are listed, and the moments that a mark may be about, the latest first.
_LISTED, _OFFERED = 8, 100


def mark_panel(room: RoomAtHand) -> None:
    """Offer plus and minus on each signal; a mark is about the latest moment, an earlier one or a probe."""
    words = moments(room.scenario, room.state)
    st.markdown("**Marks**: a digit is plus, with Shift it is minus.")
    # A form: the browser empties the word at once, so that two quick marks never share it.
    with st.form("room:marks", clear_on_submit=True, enter_to_submit=False, border=False):
        _subject(room)
        st.text_input("A word on the next mark: type it, press Tab, then the key", key="room:mark:text", max_chars=300)
        for place, signal in enumerate(CARD_SIGNALS, 1):
            with st.container(gap=None):
                st.markdown(plain(LABELS[signal]))
                with st.container(horizontal=True):
                    for sign, plus, key in ((r"\+", True, f"{place}"), ("−", False, f"Shift+{place}")):
                        name = f"room:{'plus' if plus else 'minus'}:{signal}"
                        st.form_submit_button(sign, key=name, on_click=_mark, args=(room, signal, plus), shortcut=key)
    for tag in room.state.room.tags[: -_LISTED - 1 : -1]:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"{minute_of(room.state, tag.at):.0f} min {plain(tag_words(tag.event, words))}")
            event = TagRemoved(tag=tag.place)
            st.button("Remove", key=f"room:untag:{tag.place}", type="tertiary", on_click=room.take, args=(event,))


def _subject(room: RoomAtHand) -> None:
    """Offer the probes of the phase and the moments, the latest first, as the subject of the next mark."""
    probes, words = [probe.ask for probe in _probes(room)], offered_moments(room.scenario, room.state)
    listed = [*words][::-1][:_OFFERED]
    st.selectbox(
        "The next mark is about",
        [*probes, *listed],
        None,
        format_func=lambda one: words.get(one, f"Probe: {one}"),
        key="room:mark:about",
        placeholder="The latest moment",
    )


def _probes(room: RoomAtHand) -> list[Probe]:
    settings, phase = room.state.room.settings, room.state.phase or phases_of(room.scenario)[0].id
    level = st.session_state.get("room:script:level") or (settings.level if settings else "senior")
    return probes_of(room.scenario, phase, level)


def _mark(room: RoomAtHand, signal: str, plus: bool) -> None:
    words, about = str(st.session_state.get("room:mark:text", "")).strip(), st.session_state.get("room:mark:about")
    if isinstance(about, str):
        room.take(TagSet(signal=signal, plus=plus, probe=about, text=words))
        return
    place = latest_moment(room.scenario, room.state) if about is None else about
    room.take(TagSet(signal=signal, plus=plus, about=place, text=words))


def notes_panel(room: RoomAtHand) -> None:
    """Show the private notes, which save themselves."""
    autosave_text(
        f"notes:{room.id}",
        "Notes, for you alone (Markdown)",
        lambda: room.fresh_state.room.notes,
        lambda text: room.append(NotesSaved(text=text)),
        SESSION_TEXT.most,
        rows=12,
    )
