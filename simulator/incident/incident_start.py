"""The start of an incident: the pager at three difficulties, the incident of the day, five in a row, and the visitor's own."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime

import pandas as pd
import streamlit as st

from simulator.app.own_sessions import trail
from simulator.app.store.incident_log import Hidden, StoredIncident
from simulator.app.store.session_rows import new_id
from simulator.app.widgets import faults_shown, plain
from simulator.case.schema import Scenario
from simulator.engine.compiled_plan import case_hash
from simulator.incident.control_room import editor
from simulator.incident.incident_score import score
from simulator.incident.monitoring import priced
from simulator.incident.player_actions import Action, WaitAction, WatchAction
from simulator.incident.secret import DIFFICULTIES, USUAL, Level, at_level, spec_of
from simulator.incident.sessions import (
    BUDGET_USD,
    FIVE,
    FiveInARow,
    Game,
    affordable,
    diagnosis_words,
    games,
    last_diagnosis,
    own_line,
    own_list,
    own_of_case,
)
from simulator.incident.wording import usd
from simulator.phrases import phrase

#: The field of the address with the id of five in a row.
ROW = "row"
_ROW_ID = re.compile(r"[A-Za-z0-9_-]{22}")


def start(scenario: Scenario) -> None:
    """Offer the pager, the incident of the day and five in a row; or go on with the row of the address."""
    row = st.query_params.get(ROW, "")
    if _ROW_ID.fullmatch(row):
        _row(scenario, row)
        return
    own = own_of_case(scenario)
    st.markdown(_opening(scenario.brief))
    st.markdown(phrase("incident.rules"))
    level = _level()
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Take the pager", key="pager", type="primary"):
            _begin(scenario, [], lambda: Hidden(level=level))
        _daily(scenario, own)
        if st.button("Five in a row", key="five", help=phrase("incident.five", usd=BUDGET_USD)):
            st.query_params.from_dict({"case": scenario.id, ROW: new_id()})
            st.rerun()
    with st.expander("Choose the monitors first", key="first_watches", width=720):
        watches = editor(scenario, spec_of(scenario).watches, f"start:{scenario.id}")
        if st.button("Take the pager with these monitors", key="pager_watching"):
            changed = watches != spec_of(scenario).watches
            _begin(scenario, [WatchAction(kind="watch", watches=watches)] if changed else [], lambda: Hidden(level=level))
    with st.expander("The suspects, and how often each comes", key="first_suspects", width=720):
        spec = spec_of(at_level(scenario, level))
        lines = [phrase("incident.suspects", label=cause.label, share=spec.prior[name]) for name, cause in spec.causes.items()]
        st.markdown("\n".join(f"* {plain(line)}" for line in lines))
    own_list(scenario, own)


def _opening(brief: str) -> str:
    first = " ".join(brief.split("\n\n")[0].split())
    return " ".join(re.split(r"(?<=[.!?])\s+", first)[:2])


def _level() -> Level:
    levels = [*DIFFICULTIES]
    level: Level = st.radio("Difficulty", levels, levels.index(USUAL), str.capitalize, key="incident_level", horizontal=True)
    st.caption(phrase(f"incident.{level}_level"))
    return level


def _begin(scenario: Scenario, actions: list[Action], hidden: Callable[[], Hidden]) -> None:
    """Begin an incident, which starts with the first alarm."""
    with faults_shown():
        name = games().begin(scenario, [*actions, WaitAction(kind="wait")], hidden(), owner=trail())
        st.query_params.from_dict({"case": scenario.id, "incident": name})
        st.rerun()


# The incident of the day


def today() -> date:
    """Return the day of the incident that all share; it changes at midnight UTC."""
    return datetime.now(UTC).date()


def _daily(scenario: Scenario, own: list[StoredIncident]) -> None:
    """Offer the incident of the day once: a second play of it would know the cause."""
    day = today()
    known = next(
        (incident for incident in own if incident.shared_day == f"{day}" and incident.scenario_hash == case_hash(scenario)),
        None,
    )
    about = f"All visitors of this server get the same incident on {day} (UTC), each one once."
    if known is None:
        if st.button("Today’s incident", key="daily", help=about):
            _begin(scenario, [], lambda: games().store.daily(scenario.id, case_hash(scenario), day))
    elif st.button(f"{'See' if known.revealed else 'Continue'} today’s incident", key="daily", help=about):
        st.query_params.from_dict({"case": scenario.id, "incident": known.id})
        st.rerun()


def shared_result(game: Game) -> None:
    """Say how others have done at the incident of the day."""
    if game.day is None:
        return
    causes = game.play.secret.causes
    others = [incident for incident in games().store.closed_on(game.scenario.id, game.day) if incident.id != game.id]
    right = sum((named := last_diagnosis(other)) is not None and named.cause in causes for other in others)
    st.caption(phrase("incident.shared_result", day=game.day, others=len(others), right=right))


# Five in a row


def _row(scenario: Scenario, row: str) -> None:
    """Show the incidents of a row and the money for monitors, and offer the next one."""
    spec = spec_of(scenario)
    five = FiveInARow.of(spec, own_of_case(scenario), row)
    st.subheader("Five in a row", anchor=False)
    for incident in five.incidents:
        own_line(scenario, incident)
    if five.over:
        _totals(scenario, five)
        return
    place = five.next_place
    if place is None:
        st.markdown("Close the last one first.")
        return
    st.markdown(phrase("incident.next_of_row", place=place, all=FIVE, usd=five.left_usd))
    watches = editor(scenario, affordable(spec, five.left_usd), f"row:{row}:{place}")
    if (price := priced(watches, spec.prices)) > five.left_usd:
        st.error(f"These monitors cost {usd(price)} a week, more than is left.")
    elif st.button(f"Take the pager for incident {place}", key="pager_row", type="primary"):
        hidden = Hidden(series=row, place=place)
        _begin(scenario, [WatchAction(kind="watch", watches=watches)], lambda: hidden)


@st.cache_data(max_entries=64, show_spinner="Adding up the five")
def _total(_scenario: Scenario, name: str) -> tuple[str, float]:
    play = games().find(name, _scenario).play
    return " and ".join(play.spec.causes[cause].label for cause in play.secret.causes), score(play).total_usd


def _totals(scenario: Scenario, five: FiveInARow) -> None:
    rows = []
    for incident in five.incidents:
        cause, total = _total(scenario, incident.id)
        rows.append((incident.hidden.place, cause, diagnosis_words(scenario, incident), round(total)))
    table = pd.DataFrame(rows, columns=["incident", "it was", "you said", "harm and money (USD)"])
    st.dataframe(table, hide_index=True, alt="The five incidents of the row")
    st.markdown(f"**Harm and money of all five: {usd(float(table['harm and money (USD)'].sum()))}.**")


def next_of_row(game: Game) -> None:
    """Lead from a reveal to the next incident of its row, or to the sum."""
    if game.row is None:
        return
    label = "Next of the five" if game.row_place < FIVE else "The five together"
    if st.button(label, key="next_of_row", type="primary"):
        st.query_params.from_dict({"case": game.scenario.id, ROW: game.row})
        st.rerun()
