"""Controls of the interviewer: curveballs, hints, panels, bounds, answers, marks and notes; the lock, the links and the end."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from simulator.app.visitors import clock
from simulator.app.widgets import faults_shown, plain, say
from simulator.case.exhibits import EXHIBITS
from simulator.case.interview import Probe, probes_of
from simulator.case.phases import phases_of
from simulator.limits import SESSION_TEXT
from simulator.metrics.summary import judged
from simulator.rooms import room_events
from simulator.rooms.room_at_hand import RoomAtHand
from simulator.rooms.room_doors import LINKED_WORDS, link_of, role_words, room_log
from simulator.rooms.room_session import latest_moment, moments, offered_moments, tag_words
from simulator.rooms.room_view import FOLLOW, autosave_text, drawable
from simulator.rooms.task_form import checked_words, task_fields, task_of_fields
from simulator.session.event_log import Role
from simulator.session.session_events import CurveballStruck, CurveballWithdrawn, HintTaken, SessionEnded, hint_words
from simulator.session.session_record import minute_of
from simulator.session.session_signals import LABELS

#: The most letters of an answer.
_LETTERS = 1000


def questions_panel(room: RoomAtHand) -> None:
    """Tell the candidate something in words; show the questions: an answer is a click on one of the case's, or words."""
    with st.form("room:tell", clear_on_submit=True, border=False):
        st.text_input("Tell the candidate", key="room:telling")
        st.form_submit_button("Send", on_click=_tell, args=(room,))
    open_ones = [question for question in room.state.questions if question.place not in room.state.room.answers]
    if not room.state.questions:
        st.caption("The candidate has asked nothing yet.")
    listed = {question.ask: question.answer for question in room.scenario.questions}
    for asked in open_ones:
        with st.container(border=True):
            st.markdown(f"**{plain(asked.event.words or '')}**")
            key, args = f"room:known:{asked.place}", (room, asked.place, listed)
            picked = st.selectbox("An answer of the case", list(listed), None, key=key, placeholder="Pick one")
            if picked:
                st.markdown(plain(listed[picked]))
                st.button("Send this answer", key=f"room:send:{asked.place}", on_click=_answer, args=args)
            with st.form(f"room:answer:{asked.place}", clear_on_submit=True, border=False):
                st.text_input("Or in your words", key=f"room:words:{asked.place}")
                st.form_submit_button("Send", on_click=_answer, args=(room, asked.place))
    with st.expander(f"Answered: {len(room.state.room.answers)}"):
        for asked in room.state.questions:
            if answer := room.state.room.answers.get(asked.place):
                st.markdown(f"**{plain(asked.event.words or '')}**\n\n{plain(answer)}")


def _tell(room: RoomAtHand) -> None:
    words = str(st.session_state["room:telling"]).strip()
    if len(words) > _LETTERS:
        say(f"Only the first {_LETTERS:,} letters were sent.")
    if words:
        room.take(room_events.MessageSent(text=words[:_LETTERS]))


def _answer(room: RoomAtHand, place: int, listed: Mapping[str, str] | None = None) -> None:
    """Send the answer that is typed, or picked in a list: a callback's arguments are those of the page as it was drawn last."""
    if listed is None:
        words = str(st.session_state[f"room:words:{place}"]).strip()
    else:
        words = listed.get(st.session_state[f"room:known:{place}"], "")
    if words:
        room.take(room_events.QuestionAnswered(question=place, text=words[:_LETTERS]))


def events_panel(room: RoomAtHand) -> None:
    """Offer curveballs, hints, panels and bounds."""
    _curveballs(room)
    _hints(room)
    _pushes(room)
    _bounds(room)


def _curveballs(room: RoomAtHand) -> None:
    st.markdown("**Curveballs**")
    armed = room.state.room.armed
    for name, ball in room.scenario.curveballs.items():
        if name in room.state.strikes:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f"{plain(ball.label)}: has struck.")
                room.button("Take back", f"back:{name}", CurveballWithdrawn(curveball=name))
            continue
        ready = name in armed
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(plain(ball.label))
            event = room_events.CurveballArmed(curveball=name, ready=not ready)
            room.button("Put away" if ready else "Arm", f"arm:{name}", event)
            if ready:
                strike = CurveballStruck(curveball=name, at_s=ball.usual_time(room.scenario))
                shortcut = "Alt+S" if name == armed[0] else None
                room.button("Strike now", f"strike:{name}", strike, type="primary", shortcut=shortcut)


def _hints(room: RoomAtHand) -> None:
    st.markdown("**Hints of this phase**")
    phase = next((phase for phase in phases_of(room.scenario) if phase.id == room.state.phase), None)
    if phase is None or not phase.hints:
        st.caption("The case has none here.")
        return
    taken = room.state.hints_taken(phase.id)
    for place, hint in enumerate(phase.hints, 1):
        words = f"{place}. {hint_words(hint)}"
        if place <= taken:
            st.markdown(f"{plain(words)} (shown)")
        elif place == taken + 1:
            st.markdown(plain(words))
            room.button("Push this hint", "hint", HintTaken(phase=phase.id, step=place), shortcut="Alt+H")
        else:
            st.caption(plain(words))


def _pushes(room: RoomAtHand) -> None:
    st.markdown("**Show a panel to the candidate**")
    names = drawable(room.scenario)
    st.selectbox(
        "Panel to show", names, format_func=lambda name: EXHIBITS[name].label, key="room:push", label_visibility="collapsed"
    )
    with st.container(horizontal=True):
        if names:
            st.button("Show it", key="room:push:show", on_click=_push, args=(room, False))
            if room.state.room.leads:
                room.button("End the lead", "push:end", room_events.LeadEnded())
            else:
                st.button("Lead: both see it", key="room:push:lead", on_click=_push, args=(room, True), shortcut="Alt+L")
    st.toggle("Follow the panel that the candidate opens", key=FOLLOW)
    if opened := room.state.panels:
        name = opened[-1].event.panel
        if name in EXHIBITS:
            st.caption(f"The candidate opened “{plain(EXHIBITS[name].label)}” last.")


def _push(room: RoomAtHand, lead: bool) -> None:
    """Show the panel that is picked now; a callback."""
    room.take(room_events.PanelPushed(panel=st.session_state["room:push"], lead=lead))


def _bounds(room: RoomAtHand) -> None:
    st.markdown("**Bounds**")
    shown, objectives = room.state.room.bounds, judged(room.scenario, {})
    hidden = [
        room_events.BoundRevealed(metric=objective.metric.name)
        for objective in objectives
        if objective.metric.name not in shown
    ]
    if len(hidden) > 1:
        room.button("Reveal all", "bound:all", *hidden)
    for objective in objectives:
        words = f"{objective.objective.label}: {objective.requirement}"
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"{plain(words)}{' (shown)' if objective.metric.name in shown else ''}")
            if objective.metric.name not in shown:
                name = objective.metric.name
                room.button("Reveal", f"bound:{name}", room_events.BoundRevealed(metric=name))


def room_panel(room: RoomAtHand) -> None:
    """Offer the lock, the links and the end of the interview."""
    locked, over = room.state.room.locked, room.state.ended_at is not None
    words, event = "Unlock the board" if locked else "Lock the board", room_events.BoardLocked(locked=not locked)
    room.button(words, "lock", event, disabled=over, shortcut="Alt+B")
    if not over:
        with st.expander("Change the task or the time"):
            _task_form(room)
    st.markdown("**Links**")
    links = room_log().links(room.id)
    for role in LINKED_WORDS:
        open_ones = [link for link in links if link.role == role and not link.revoked]
        state = f"open until {clock(open_ones[-1].expires_at)}" if open_ones else "revoked"
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"{role_words(role).capitalize()}: {state}")
            if role != "interviewer":
                st.button("New link", key=f"room:renew:{role}", on_click=_renew, args=(room, role))
                if open_ones:
                    st.button("Revoke", key=f"room:revoke:{role}", on_click=_revoke, args=(room, role))
    if made := st.session_state.get("room:renewed"):
        st.markdown(f"New link for the {role_words(made[0])}, shown once:")
        st.code(link_of(made[1]), language=None, wrap_lines=True)
    if not over:
        with st.popover("End the interview"):
            st.markdown("The clock stops, the board is closed, and the scorecard opens.")
            room.button("End it", "end", SessionEnded())


def _task_form(room: RoomAtHand) -> None:
    """Offer to change the words of the task, the minutes, and the numbers of a task of one's own."""
    settings, own = room.state.room.settings, room.state.room.own
    task, minutes = settings.task if settings else "", room.state.session.minutes
    with st.form("room:task:form", border=False):
        text = st.text_area("Task in your words; empty: the brief of the case", task, key=f"room:task:text:{room.id}")
        length = st.number_input("Minutes in all", 5, 240, minutes, key=f"room:task:minutes:{room.id}")
        fields = task_fields(f"room:task:{room.id}", own, narrow=True) if own else None
        if st.form_submit_button("Change"):
            with faults_shown():
                words, numbers = checked_words(text), task_of_fields(fields) if fields else None
                changes = room_events.TaskSet(
                    text=None if words == task else words,
                    minutes=None if length == minutes else int(length),
                    own=None if numbers == own else numbers,
                )
                if changes.payload():
                    room.take(changes)
                    st.rerun()


def _renew(room: RoomAtHand, role: Role) -> None:
    if room.leads and room.is_open:
        st.session_state["room:renewed"] = role, room_log().renew(room.id, role)


def _revoke(room: RoomAtHand, role: Role) -> None:
    if room.leads and room.is_open:
        room_log().revoke(room.id, role)
        st.session_state.pop("room:renewed", None)


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
        for place, signal in enumerate(room_events.CARD_SIGNALS, 1):
            with st.container(gap=None):
                st.markdown(plain(LABELS[signal]))
                with st.container(horizontal=True):
                    for sign, plus, key in ((r"\+", True, f"{place}"), ("−", False, f"Shift+{place}")):
                        name = f"room:{'plus' if plus else 'minus'}:{signal}"
                        st.form_submit_button(sign, key=name, on_click=_mark, args=(room, signal, plus), shortcut=key)
    for tag in room.state.room.tags[: -_LISTED - 1 : -1]:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"{minute_of(room.state, tag.at):.0f} min {plain(tag_words(tag.event, words))}")
            room.button("Remove", f"untag:{tag.place}", room_events.TagRemoved(tag=tag.place), type="tertiary")


def _subject(room: RoomAtHand) -> None:
    """Offer the probes of the phase and the moments, the latest first, as the subject of the next mark."""
    probes, words = [probe.ask for probe in _probes(room)], offered_moments(room.scenario, room.state)
    listed = [*words][::-1][:_OFFERED]
    st.selectbox(
        "The next mark is about",
        [*probes, *listed],
        None,
        format_func=lambda subject: words.get(subject, f"Probe: {subject}"),
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
        room.take(room_events.TagSet(signal=signal, plus=plus, probe=about, text=words))
        return
    place = latest_moment(room.scenario, room.state) if about is None else about
    room.take(room_events.TagSet(signal=signal, plus=plus, about=place, text=words))


def notes_panel(room: RoomAtHand) -> None:
    """Show the private notes, which save themselves."""
    autosave_text(
        f"notes:{room.id}",
        "Notes, for you alone (Markdown)",
        lambda: room.fresh_state.room.notes,
        lambda text: room.append(room_events.NotesSaved(text=text)),
        SESSION_TEXT.most,
        rows=12,
    )
