"""Defence: the prompts of the case, answered in words, or aloud and ticked. Answers are kept as they are."""

from __future__ import annotations

import streamlit as st

from simulator.app.live_session import LiveSession
from simulator.app.news import Latest, follow
from simulator.app.widgets import plain, say, shortened
from simulator.case.phases import defence_of
from simulator.practice.runs_so_far import last_verdicts, runs_so_far
from simulator.practice.session_at_hand import job_at_hand, note_result, take, was_asked
from simulator.session.session_events import DefenceAnswered

#: The most letters of an answer.
_LETTERS = 4000


def defence_panel(live: LiveSession) -> None:
    """Show the verdicts and the runs to defend, and ask each prompt, with a field to answer in."""
    _run_under_way(live)
    last_verdicts(live)
    runs_so_far(live)
    st.markdown("Answer in writing, or aloud and tick the box. Your words are kept as they are, and no program grades them.")
    for place, prompt in enumerate(defence_of(live.scenario)):
        text, ticked = answer_of(live, place)
        with st.form(f"session:defence:{place}", border=True):
            st.markdown(f"**{plain(prompt)}**")
            st.text_area("Your answer", text, key=f"session:answer:{place}", label_visibility="collapsed")
            st.checkbox("I said it aloud", ticked, key=f"session:aloud:{place}")
            st.form_submit_button("Keep", on_click=_answer, args=(live, place))
            if text or ticked:
                st.caption("Your answer is kept. A change is kept when you press the button again.")


@st.fragment
def _run_under_way(live: LiveSession) -> None:
    """Follow a run that was asked for in an earlier phase, and note its result: the design is defended with it."""
    if not was_asked(live) or live.state.revealed(live.state.design_at_hand(live.scenario)):
        return
    job = job_at_hand(live)
    if job.running:
        follow("session run", lambda: Latest(f"{job.ready} {job.running}"))
        st.progress(job.share, "Your design runs …")
    elif job.succeeded:
        note_result(live, job)
        st.rerun()


def answer_of(live: LiveSession, place: int) -> tuple[str, bool]:
    """Return the kept answer to a prompt, and whether it was said aloud."""
    kept = live.state.defences.get(place)
    return (kept.event.text, kept.event.ticked) if kept else ("", False)


def _answer(live: LiveSession, place: int) -> None:
    text, ticked = str(st.session_state[f"session:answer:{place}"]), bool(st.session_state[f"session:aloud:{place}"])
    if not text.strip() and not ticked:
        say("Write an answer, or tick that you said it aloud.")
    else:
        take(live, DefenceAnswered(prompt=place, text=shortened(text, _LETTERS), ticked=ticked))
