"""After the interview: the replay, the scorecard with its evidence, both raters beside each other, and files to take away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from html import escape

import pandas as pd
import streamlit as st

from simulator.app.html_page import MARKDOWN, bullets, html_page, paragraph, section, table
from simulator.app.rating_card import SCALE_NAMES
from simulator.app.store.session_files import StoredSession, written_sessions
from simulator.app.widgets import plain, say
from simulator.board.case_drawing import case_text
from simulator.case.schema import Scenario
from simulator.errors import InputError
from simulator.phrases import phrase
from simulator.rooms.room_at_hand import RoomAtHand
from simulator.rooms.room_events import CARD_SIGNALS, ScorecardSubmitted, SignalRated, shared
from simulator.rooms.room_replay import replay
from simulator.rooms.room_session import (
    RoomSession,
    drawing_of,
    mark_moments,
    moments,
    offered_moments,
    room_record,
    tag_words,
)
from simulator.session.event_log import AnyEvent, LoggedEvent, Role, Session, UnknownEvent
from simulator.session.session_record import figure_words, minute_of
from simulator.session.session_signals import LABELS, LEVELS, NOT_OBSERVED, signals_of
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
    rated, levels = room.state.room.ratings_of(room.role), [*LEVELS, NOT_OBSERVED]
    latest = list(offered_moments(room.scenario, room.state).items())[-_OFFERED:]
    evidence = mark_moments(room.scenario, room.state) | dict(latest)  # the marks come first
    for signal in CARD_SIGNALS:
        with st.container(border=True):
            kept = rated.get(signal)
            st.markdown(f"**{plain(LABELS[signal])}**{' · kept' if kept else ''}")
            marks = [tag for tag in room.state.room.tags if tag.event.signal == signal]
            plus = sum(tag.event.plus for tag in marks)
            st.caption(f"Marks: {plus} plus, {len(marks) - plus} minus.")
            words = dict(zip(LEVELS, anchors.get(signal, ("", "", "", "")), strict=True))
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
        st.caption(phrase("rooms.to_rate", signals=len(rest)))
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


#: The kinds of the files, by the end of their names.
_KINDS = {"html": "text/html", "json": "application/json", "yaml": "application/yaml"}


def files(room: RoomAtHand) -> None:
    """Offer the files that the role may have."""
    st.header("Take it with you", anchor=False)
    name = f"casesim-room-{room.scenario.id}-{room.id[:6]}"
    offers: list[tuple[str, str, Callable[[], str]]] = [
        ("The candidate's file (HTML)", "candidate.html", lambda: candidate_page(room.scenario, _shared_state(room))),
        ("The candidate's log (JSON)", "candidate.json", lambda: candidate_log(_head(room), room.live.events)),
        ("The drawing as a case (YAML)", "drawing.yaml", lambda: drawing_file(room)),
    ]
    if room.role in ("interviewer", "rater"):
        offers = [
            ("Sheet (HTML)", "sheet.html", lambda: sheet(room.scenario, room.state, room.role)),
            ("Whole log (JSON)", "log.json", lambda: whole_log(_head(room), list(room.live.seen_events(room.role)))),
            *offers,
        ]
    with st.container(horizontal=True):
        for label, file, content in offers:
            kind, key = _KINDS[file.rpartition(".")[2]], f"room:file:{file}"
            st.download_button(label, content, file_name=f"{name}-{file}", mime=kind, key=key, on_click="ignore")
    st.caption("The candidate's files hold the design, the runs and the timeline, and nothing of the interviewer's own.")


def drawing_file(room: RoomAtHand) -> str:
    """Return the board as a case file; a comment with the reason where it does not compile."""
    scenario, bounds = room.scenario, None if room.role in ("interviewer", "rater") else room.state.room.bounds
    name, title = f"{scenario.id}-drawn"[:60].rstrip("-"), f"{scenario.title}, as drawn"
    try:
        return case_text(drawing_of(scenario, room.state), name, title, bounds)
    except InputError as error:
        return f"# {error}\n"


def _head(room: RoomAtHand) -> Session:
    """Return the head of a room with its end: that in memory is of the time when the room was opened."""
    state = room.live.state
    return replace(state.session, ended_at=state.ended_at)


def _shared_state(room: RoomAtHand) -> RoomSession:
    """Return the state as candidate and interviewer may both see it."""
    return RoomSession.of(_head(room), shared(room.live.events))


def whole_log(session: Session, events: list[LoggedEvent]) -> str:
    """Return a log that another installation takes in and replays."""
    return written_sessions([], rooms=[StoredSession(session, _renumbered(events), is_room=True)])


def candidate_log(session: Session, events: list[LoggedEvent]) -> str:
    """Return the log in the same form as candidate and interviewer may both see it: without the scratchpad."""
    return whole_log(session, shared(events))


def _renumbered(events: list[LoggedEvent]) -> list[LoggedEvent]:
    """Return events with places from 0 on; events that name another's place follow it."""
    places = {event.place: place for place, event in enumerate(events)}
    return [replace(event, place=place, event=_moved(event.event, places)) for place, event in enumerate(events)]


#: Fields that hold the place of another event.
_POINTERS = {"question_answered": "question", "assumption_removed": "assumption", "tag_removed": "tag", "tag_set": "about"}


def _moved(event: AnyEvent | UnknownEvent, places: dict[int, int]) -> AnyEvent | UnknownEvent:
    if isinstance(event, UnknownEvent):
        return event
    if isinstance(event, SignalRated):
        kept = tuple(places[place] for place in event.evidence if place in places)
        return event.model_copy(update={"evidence": kept}) if kept else event
    name = _POINTERS.get(event.kind, "")
    before = getattr(event, name, None)
    return event if before is None else event.model_copy(update={name: places.get(before, before)})


# ---- pages


def candidate_page(scenario: Scenario, state: RoomSession) -> str:
    """Return the candidate's file; state: as candidate and interviewer may both see it."""
    task, answers = state.room.settings.task if state.room.settings else "", state.room.answers
    talk = [f"Question: {asked.event.words or ''} Answer: {answers.get(asked.place, 'none.')}" for asked in state.questions]
    body = "".join([
        f"<h1>{escape(scenario.title)}: an interview</h1>",
        paragraph(f"{state.session.minutes} minutes planned, {sum(state.used_s.values()) / 60:.1f} used."),
        section("The task", "".join(map(paragraph, task.split("\n\n")))),
        section("The design", _design(scenario, state)),
        section("Runs", bullets(_figures(scenario, state))),
        section("Questions and answers", bullets(talk)),
        section("Timeline", _timeline(scenario, state)),
    ])  # fmt: skip
    return html_page(f"{scenario.title}: an interview", body)


def sheet(scenario: Scenario, state: RoomSession, role: Role) -> str:
    """Return the rater's one page: ratings with their evidence, marks and notes."""
    settings = state.room.settings
    title = (settings.title if settings else "") or scenario.title
    body = "".join([
        f"<h1>{escape(title)}</h1>",
        paragraph(f"{scenario.title}. Level: {settings.level if settings else ''}. {state.session.minutes} minutes planned."),
        section("Ratings", "".join(_ratings(scenario, state, role))),
        section("Both raters", table(both_raters(state)) if rated_twice(state) else ""),
        section("Marks", bullets(_marks(scenario, state))),
        section("Notes", MARKDOWN.render(state.room.notes) if state.room.notes else ""),
        section("Runs", _runs(scenario, state)),
        paragraph("CaseSim ranks no candidate: one interview says little, and the scores of one person vary widely."),
    ])  # fmt: skip
    return html_page(title, body)


def _design(scenario: Scenario, state: RoomSession) -> str:
    picks = state.picks(scenario)
    rows = [[choice.label, choice.label_of(picks[name])] for name, choice in scenario.choices.items()]
    return table(pd.DataFrame(rows, columns=["choice", "pick"]))


def _runs(scenario: Scenario, state: RoomSession) -> str:
    rows = [[f"{row.minute:.0f}", row.details] for row in room_record(scenario, state) if row.what == "Run"]
    return table(pd.DataFrame(rows, columns=["minute", "verdicts"])) if rows else ""


def _figures(scenario: Scenario, state: RoomSession) -> Iterator[str]:
    """Yield each run with the figures of its objectives; a verdict only where the bound was revealed."""
    for run in state.runs:
        if run.ended is not None:
            yield f"{minute_of(state, run.ended_at or run.at):.0f} min. {figure_words(scenario, run)}"


def _timeline(scenario: Scenario, state: RoomSession) -> str:
    rows = [[f"{row.minute:.1f}", row.what, row.details] for row in room_record(scenario, state) if row.what != "Run"]
    return table(pd.DataFrame(rows, columns=["minute", "what", "details"]))


def _ratings(scenario: Scenario, state: RoomSession, role: str) -> Iterator[str]:
    rated, words = state.room.ratings_of(role), moments(scenario, state) | mark_moments(scenario, state)
    for signal in (signal for signal in CARD_SIGNALS if signal in rated):
        rating = rated[signal]
        evidence = [words.get(place, f"event {place}") for place in rating.evidence]
        absence = [f"Never came: {rating.absence}"] if rating.absence else []
        yield f"<h3>{escape(LABELS[signal])}: {escape(SCALE_NAMES[rating.level].lower())}</h3>"
        yield paragraph(rating.text) + bullets([*evidence, *absence])


def both_raters(state: RoomSession) -> pd.DataFrame:
    """Return both raters beside each other, a row a signal, with the mean and the number of levels between them.

    A signal that one of them has not observed has neither.
    """
    rows = []
    for signal, levels in rated_twice(state).items():
        places = [LEVELS.index(level) for level in levels if level != NOT_OBSERVED]
        figures = [f"{sum(places) / 2 + 1:g}", str(abs(places[0] - places[1]))] if len(places) == 2 else ["none", "none"]
        rows.append([LABELS[signal], *(SCALE_NAMES[level] for level in levels), *figures])
    return pd.DataFrame(rows, columns=["signal", "interviewer", "second rater", "mean (1 to 4)", "steps apart"])


def _marks(scenario: Scenario, state: RoomSession) -> Iterator[str]:
    words = moments(scenario, state)
    for tag in state.room.tags:
        yield f"{minute_of(state, tag.at):.0f} min, {tag_words(tag.event, words)}"


def rated_twice(state: RoomSession) -> dict[str, tuple[str, str]]:
    """Return the levels of both raters by signal; empty until both have submitted."""
    if not state.room.submitted >= {"interviewer", "rater"}:
        return {}
    first, second = state.room.ratings_of("interviewer"), state.room.ratings_of("rater")
    return {signal: (first[signal].level, second[signal].level) for signal in CARD_SIGNALS}
