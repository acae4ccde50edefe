"""Marks on signals, one key each, and the interviewer's private notes."""

from __future__ import annotations

import streamlit as st

from simulator.app.autosave_text import autosave_text
from simulator.app.widgets import plain
from simulator.interview_room.room_at_hand import RoomAtHand
from simulator.limits import SESSION_TEXT
from simulator.session.room_events import CurveballArmed, NotesSaved, TagRemoved, TagSet
from simulator.session.room_record import LABELS, tag_words
from simulator.session.room_rules import CARD_SIGNALS
from simulator.session.session_record import minute_of

#: Events that a mark is never about.
_NEVER = (TagSet, TagRemoved, NotesSaved, CurveballArmed)

#: The marks that are listed, the latest first.
_LISTED = 8


def mark_panel(room: RoomAtHand) -> None:
    """Offer plus and minus on each signal; each mark is linked to the latest event of the room."""
    st.markdown("**Marks**: a digit is plus, with Shift it is minus.")
    # A form: the browser empties the word at once, so that two quick marks never share it.
    with st.form("room:marks", clear_on_submit=True, enter_to_submit=False, border=False):
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
            st.markdown(f"{minute_of(room.state, tag.at):.0f} min {plain(tag_words(tag))}")
            event = TagRemoved(tag=tag.place)
            st.button("Remove", key=f"room:untag:{tag.place}", type="tertiary", on_click=room.take, args=(event,))


def _mark(room: RoomAtHand, signal: str, plus: bool) -> None:
    latest = [one.place for one in room.live.seen_events("interviewer") if not isinstance(one.event, _NEVER)]
    words = str(st.session_state.get("room:mark:text", "")).strip()
    room.take(TagSet(signal=signal, plus=plus, about=latest[-1] if latest else None, text=words))


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
