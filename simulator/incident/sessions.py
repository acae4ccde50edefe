"""Which case, and which incident of it, an address asks for."""

from __future__ import annotations

import json
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from threading import Lock
from urllib.parse import urlencode

import streamlit as st
from cachetools import TTLCache

from simulator.app.own_cases import case_now, follow, show_faults
from simulator.app.store.incident_log import Hidden, Incidents, StoredIncident
from simulator.app.widgets import plain
from simulator.case.load import scenario_ids
from simulator.case.schema import Scenario
from simulator.engine.plan import fingerprint
from simulator.errors import InputError
from simulator.incident.monitoring import WindowSeries
from simulator.incident.play import NotebookEntry, Play
from simulator.incident.player_actions import Action, ActionError, read_actions
from simulator.incident.secret import draw


def chosen_case() -> Scenario | None:
    """The case of the address, else the first one, of those that have an incident; None: there is none."""
    follow()
    found, faults = {}, []
    for case in scenario_ids():
        scenario, mine = case_now(case)
        faults += mine
        if scenario is not None and scenario.incident is not None:
            found[case] = scenario
    if faults:
        show_faults(faults, None)
    wanted = st.query_params.get("case")
    if wanted is not None and wanted not in found:
        st.warning(f"There is no incident of a case “{plain(wanted)}”.")
    if len(found) > 1 and wanted not in found:
        wanted = st.selectbox("Case", list(found), format_func=lambda case: found[case].title, key="incident_case")
    return found.get(wanted or "", next(iter(found.values()), None))


def asked_incident(scenario: Scenario) -> Game | None:
    """The incident of the address as it stands; None, with a sentence where need be: there is none."""
    name = st.query_params.get("incident")
    if name is None:
        return None
    try:
        game = games().find(name, scenario)
    except InputError as error:
        st.error(plain(str(error)))
        return None
    return _replayed(game)


def _replayed(game: Game) -> Game:
    """The incident with the actions of the address in place of its own, once nothing of it is secret any more."""
    carried = st.query_params.get("actions")
    if carried is None or not game.revealed:
        return game
    try:
        play = _play_of(game, carried)
    except InputError as error:
        st.warning(plain(f"{error}. This is the incident as it was played."))
        return game
    return replace(game, play=play, now_s=play.now_s, notes=tuple(play.notes), usd=play.usd, labels=play.labels)


def _play_of(game: Game, carried: str) -> Play:
    return Play(game.scenario, game.play.secret, unpacked(carried))


#: Plays held in memory, and for how long nobody may have looked (s): each holds weeks of frames.
HELD, IDLE_S = 12, 3600


class GameError(InputError):
    """An incident cannot be gone on with; the message says why, and what would help."""


@dataclass(eq=False)
class _Live:
    """A play in memory; one at a time may work on it."""

    play: Play
    lock: Lock = field(default_factory=Lock)
    seen: dict[tuple[int, int], list[WindowSeries]] = field(default_factory=dict)

    def catch_up(self, actions: Sequence[Action]) -> None:
        """Take what was done elsewhere."""
        for action in actions[len(self.play.notes) :]:
            self.play.act(action)

    def series(self) -> list[WindowSeries]:
        """What is watched, worked out once for each set of monitors and changes."""
        key = len(self.play.watches), len(self.play.changes()) + len(self.play.shipped)
        if key not in self.seen:
            self.seen = {key: self.play.series()}
        return self.seen[key]


@dataclass(frozen=True, eq=False)
class Game:
    """An incident as it stands: its time (s), what was done, and what is watched. Later actions do not change it."""

    id: str
    scenario: Scenario
    play: Play
    revealed: bool
    now_s: float
    notes: tuple[NotebookEntry, ...]
    series: list[WindowSeries]
    usd: float
    labels: int

    @property
    def over(self) -> bool:
        """Whether the stream has come to its end, so that nothing is left but to name the cause."""
        return self.now_s >= self.play.end_s

    @cached_property
    def paged(self) -> NotebookEntry | None:
        """The first time that something rang or somebody complained."""
        return next((note for note in self.notes if note.ring or note.complaint), None)


class Games:
    """The incidents of this server."""

    def __init__(self, store: Incidents) -> None:
        self.store = store
        self._live: TTLCache[str, _Live] = TTLCache(HELD, IDLE_S)
        self._lock = Lock()

    def begin(self, scenario: Scenario, actions: Sequence[Action], hidden: Hidden | None = None) -> str:
        """A new incident, with these actions taken at once; its id."""
        name = self.store.begin(scenario.id, scenario.version, fingerprint(scenario.document.data), hidden)
        for action in actions:
            self.act(name, scenario, action)
        return name

    def find(self, name: str, scenario: Scenario) -> Game:
        """The incident of that id as it stands; raises GameError where there is none, or its case has changed since."""
        kept = self._kept(name, scenario)
        live = self._lively(kept, scenario)
        with live.lock:
            self._catch_up(live, kept)
            play = live.play
            revealed = kept.revealed or play.closed
            return Game(name, scenario, play, revealed, play.now_s, tuple(play.notes), live.series(), play.usd, play.labels)

    def act(self, name: str, scenario: Scenario, action: Action) -> None:
        """Take an action; raises ActionError where it cannot be taken, OvertakenError where another browser was faster."""
        kept = self._kept(name, scenario)
        live = self._lively(kept, scenario)
        with live.lock:
            self._catch_up(live, kept)
            live.play.act(action)
            try:
                self.store.add(name, len(kept.actions), action.model_dump(mode="json", exclude_defaults=True))
            except InputError:
                self._forget(name)
                raise

    def reveal(self, name: str) -> None:
        """The secret may be told from now on."""
        self.store.reveal(name)

    def _kept(self, name: str, scenario: Scenario) -> StoredIncident:
        kept = self.store.get(name)
        if kept is None or kept.case != scenario.id:
            raise GameError(
                "There is no such incident here: the link is of another server, or of another case. Begin a new one."
            )
        if kept.scenario_hash != fingerprint(scenario.document.data):
            raise GameError("The case has changed since this incident began, so that it cannot go on. Begin a new one.")
        return kept

    def _lively(self, kept: StoredIncident, scenario: Scenario) -> _Live:
        with self._lock:
            live = self._live.get(kept.id)
            if live is None:
                live = _Live(Play(scenario, draw(scenario, kept.hidden.seed, kept.hidden.cause, kept.hidden.shape)))
            self._live[kept.id] = live  # anew, so that its time begins again
            return live

    def _catch_up(self, live: _Live, kept: StoredIncident) -> None:
        try:
            live.catch_up(read_actions(kept.actions))
        except InputError as error:
            self._forget(kept.id)
            raise GameError(f"This incident cannot be worked out again: {error}. Begin a new one.") from error

    def _forget(self, name: str) -> None:
        """What is in memory may be ahead of what is kept."""
        with self._lock:
            self._live.pop(name, None)


@cache
def games() -> Games:
    """The one table of incidents of this server."""
    return Games(Incidents())


#: No link brings more actions than this, nor more text (bytes).
MOST, _BYTES = 500, 200_000


def link(game: Game) -> str:
    """The query string that opens the incident with these actions."""
    return "?" + urlencode({"case": game.scenario.id, "incident": game.id, "actions": packed([n.action for n in game.notes])})


def packed(actions: list[Action]) -> str:
    """Actions as an address carries them."""
    told = [action.model_dump(mode="json", exclude_defaults=True) for action in actions]
    return urlsafe_b64encode(zlib.compress(json.dumps(told, separators=(",", ":")).encode(), 9)).decode().rstrip("=")


def unpacked(text: str) -> list[Action]:
    """The actions that an address carries; raises ActionError for what is none."""
    try:
        inflate = zlib.decompressobj()
        told = json.loads(inflate.decompress(urlsafe_b64decode(text + "=" * (-len(text) % 4)), _BYTES))
    except (ValueError, RecursionError, zlib.error) as error:
        raise ActionError("the actions in the link cannot be read; copy the whole link") from error
    if isinstance(told, list) and len(told) > MOST:
        raise ActionError(f"the link has {len(told)} actions; at most {MOST} are replayed")
    return read_actions(told)
