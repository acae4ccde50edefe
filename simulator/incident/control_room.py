"""Before an incident: what it is about, and the pager."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

import streamlit as st

from simulator.app.widgets import CONFIG, plain
from simulator.case.schema import Scenario
from simulator.charts.look import inked
from simulator.errors import InputError
from simulator.incident.incident_charts import MonitorMarks, MonitorView, Words, monitor, reading
from simulator.incident.monitoring import WindowSeries
from simulator.incident.player_actions import Action, WaitAction, WatchAction
from simulator.incident.room_panels import editor
from simulator.incident.section import Watch
from simulator.incident.sessions import Game, games
from simulator.incident.wording import OF_MEANS, SHARES, came_of, figure_of, first_moves, moment, number, unit_of


def start(scenario: Scenario) -> None:
    """Take the pager, or choose first what is watched."""
    assert scenario.incident is not None
    st.markdown(_opening(scenario.brief))
    st.markdown(
        f"Something will ring, and {len(scenario.incident.causes)} things may be behind it. Look closer, which takes time and "
        "money; say what it is and how sure you are; put it right. The stream goes on meanwhile."
    )
    if st.button("Take the pager", key="pager", type="primary"):
        _begin(scenario, [])
    with st.expander("Choose what is watched first", key="first_watches", width=720):
        watches = editor(scenario, scenario.incident.watches, f"start:{scenario.id}")
        if st.button("Take the pager with these monitors", key="pager_watching"):
            _begin(scenario, _watching(scenario, watches))


def _opening(brief: str) -> str:
    """The first two sentences of what a person is told."""
    first = " ".join(brief.split("\n\n")[0].split())
    return " ".join(re.split(r"(?<=[.!?])\s+", first)[:2])


def _watching(scenario: Scenario, watches: list[Watch]) -> list[Action]:
    assert scenario.incident is not None
    return [] if watches == scenario.incident.watches else [WatchAction(kind="watch", watches=watches)]


def _begin(scenario: Scenario, actions: list[Action]) -> None:
    """A new incident, which begins with the first ring."""
    try:
        name = games().begin(scenario, [*actions, WaitAction(kind="wait")])
    except InputError as error:
        st.error(plain(str(error)))
        return
    st.query_params.from_dict({"case": scenario.id, "incident": name})
    st.rerun()


#: The timeline is scrubbed in steps of this length (s).
STEP_S = 6 * 3600.0


def latest(game: Game) -> str:
    """What the person knows since a moment ago, in a sentence or two."""
    if not game.notes:
        return "Nothing has rung yet."
    note = next((one for one in reversed(game.notes) if one.action.kind != "believe"), game.notes[-1])
    said = came_of(note, game.play.spec)
    if note.action.kind == "wait" and not (note.ring or note.complaint):
        said = f"{said} {_ringing(game)}"
    looked = any(one.action.kind == "look" for one in game.notes)
    return said if looked or not (note.ring or note.complaint) else f"{said}\n{first_moves(game.play.spec)}"


def _ringing(game: Game) -> str:
    loud = {figure_of(one.watch): None for one in game.series if MonitorView.by(one, game.now_s).ringing(game.now_s)}
    return f"Ringing: {', '.join(loud)}." if loud else "Nothing rings."


def news(game: Game) -> None:
    """The same on the screen: red where something rings."""
    last = next((one for one in reversed(game.notes) if one.action.kind != "believe"), None)
    loud = bool(last and (last.ring or last.complaint))
    sentence, _, rest = latest(game).partition("\n")
    (st.error if loud else st.info)(f"**{plain(sentence)}** {plain(rest)}")
    told = f"told:{game.id}"
    if len(game.notes) > st.session_state.get(told, len(game.notes)):
        st.toast(plain(sentence))  # on a narrow screen the button that was pressed is far below
    st.session_state[told] = len(game.notes)


@st.fragment
def watched(game: Game) -> None:
    """Every monitor, those that ring first, up to now or to the earlier time that is chosen."""
    place = st.empty()
    at_s = _scrubbed(game)
    marks = MonitorMarks(
        game.play.start_s, game.play.end_s, at_s, tuple(one.at_s for one in game.play.shipped if one.at_s <= at_s)
    )
    with place.container(gap="xsmall"):
        shown = _by_watch(game.series, at_s)
        if not shown:
            st.markdown("Nothing is watched.")
            return
        with st.grid(2 if len(shown) > 1 else 1, min_column_width=280, gap="xsmall"):
            for number_, (watch, parts) in enumerate(shown):
                _small(game, watch, parts, marks, f"watch_{number_}")
        st.caption("Grey: the usual range. Dot: it rang. Upright line: the time shown; dotted: a fix in force.")


def _scrubbed(game: Game) -> float:
    """The time up to which charts are drawn (s)."""
    steps = int((game.now_s - game.play.start_s) // STEP_S)
    instants = [game.play.start_s + step * STEP_S for step in range(steps + 1)]
    instants += [game.now_s] if game.now_s > instants[-1] else []
    if len(instants) < 2:
        return game.now_s
    told = partial(moment, game.scenario)
    # A new action brings a new slider, which stands at the present.
    key = f"scrub:{game.id}:{len(game.notes)}"
    return float(st.select_slider("Charts as they were on", instants, instants[-1], format_func=told, key=key))


def _by_watch(series: Sequence[WindowSeries], at_s: float) -> list[tuple[Watch, list[MonitorView]]]:
    """The slices of each monitor, the monitors that ring first."""
    found: dict[int, tuple[Watch, list[MonitorView]]] = {}
    for one in series:
        found.setdefault(id(one.watch), (one.watch, []))[1].append(MonitorView.by(one, at_s))
    return sorted(found.values(), key=lambda pair: not any(part.ringing(at_s) for part in pair[1]))


def _small(game: Game, watch: Watch, parts: list[MonitorView], marks: MonitorMarks, key: str) -> None:
    words = Words(
        figure_of(watch),
        lambda value: number(value, watch.statistic, watch.test),
        partial(moment, game.scenario),
        unit_of(watch.statistic) if watch.test in OF_MEANS else "",
        watch.test in OF_MEANS and watch.statistic in SHARES,
    )
    chart = monitor(parts, words, marks)
    loud = any(part.ringing(marks.now_s) for part in parts)
    with st.container(border=True, gap=None):
        left, right = st.columns([4, 1], gap="xsmall")
        head = f"{':red-badge[rings] ' if loud else ''}**{plain(words.title)}** :small[{watch.window_h:g} h]"
        left.markdown(f"{head}  \n:small[{plain(reading(parts, words, marks))}]")
        with right.popover("Table", type="tertiary"):
            st.dataframe(chart.table, hide_index=True)
        if chart.figure is not None:
            st.plotly_chart(inked(chart.figure, st.context.theme.type), alt=chart.takeaway, config=CONFIG, key=key)
