"""Incidents of this server: that of an address, plays in memory, links with actions, five in a row, and those of a visitor."""

from __future__ import annotations

import json
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from threading import Lock
from urllib.parse import urlencode

import streamlit as st
from cachetools import TTLCache

from simulator.app.own_cases import case_now, follow_files, show_faults
from simulator.app.own_sessions import LINK_WIDTH, trail
from simulator.app.store.faults import StoreError
from simulator.app.store.incident_log import Hidden, Incidents, StoredIncident
from simulator.app.visitors import clock
from simulator.app.widgets import faults_shown, plain
from simulator.case.load import scenario_ids
from simulator.case.schema import Scenario
from simulator.engine.compiled_plan import case_hash
from simulator.errors import InputError
from simulator.incident.monitoring import WindowSeries, priced
from simulator.incident.play import Play
from simulator.incident.player_actions import Action, ActionError, DiagnoseAction, NotebookEntry, WatchAction, read_actions
from simulator.incident.secret import USUAL, Secret, draw, level_of, spec_of
from simulator.incident.section import Incident
from simulator.incident.watches import Watch
from simulator.paths import PAGES
from simulator.phrases import phrase
from simulator.session.next_steps import Review
from simulator.session.session_signals import Level
from simulator.units import counted

#: The number of incidents, and the sum of their monitors' prices a week that they may reach together (USD).
FIVE, BUDGET_USD = 5, 120.0


class BudgetError(InputError):
    """The monitors cost more than the incidents in a row have left."""


def dearest_watches(spec: Incident, actions: Sequence[Action]) -> float:
    """Return the price a week (USD) of an incident's dearest monitors; those of the case count unless others came first.

    Before the first action nothing is watched.
    """
    if not actions:
        return 0.0
    sets = [action.watches for action in actions if isinstance(action, WatchAction)]
    if not isinstance(actions[0], WatchAction):
        sets.append(spec.watches)
    return max(priced(list(each), spec.prices) for each in sets)


def affordable(spec: Incident, usd: float) -> list[Watch]:
    """Return the monitors of the case that a price a week allows, in its order; a dearer one is left out."""
    chosen: list[Watch] = []
    for watch in spec.watches:
        if priced([*chosen, watch], spec.prices) <= usd:
            chosen.append(watch)
    return chosen


@dataclass(frozen=True)
class FiveInARow:
    """Incidents of one row in their order; left_usd: of the budget after all of them."""

    incidents: tuple[StoredIncident, ...]
    left_usd: float

    @classmethod
    def of(cls, spec: Incident, own: Iterable[StoredIncident], series: str) -> FiveInARow:
        """Choose the incidents of a row among a visitor's own."""
        row = sorted((stored for stored in own if stored.hidden.series == series), key=lambda stored: stored.hidden.place)
        spent = sum(dearest_watches(spec, read_actions(incident.actions)) for incident in row)
        return cls(tuple(row), BUDGET_USD - spent)

    @property
    def over(self) -> bool:
        return len(self.incidents) >= FIVE and self.incidents[-1].revealed

    @property
    def next_place(self) -> int | None:
        """The place of the next incident; None while the last one goes on, and after the fifth."""
        ready = not self.incidents or self.incidents[-1].revealed
        return len(self.incidents) + 1 if ready and len(self.incidents) < FIVE else None

    def check(self, spec: Incident, stored: StoredIncident, action: Action) -> None:
        """Raise BudgetError if the monitors of an action go beyond the budget of the row."""
        if not isinstance(action, WatchAction):
            return
        before = dearest_watches(spec, read_actions(stored.actions))
        more = priced(list(action.watches), spec.prices) - before
        if more > self.left_usd:
            raise BudgetError(phrase("incident.beyond_budget", price=before + more, left=self.left_usd + before))


def chosen_case() -> Scenario | None:
    """Return the case of the address, else the first case with an incident; None without one."""
    follow_files()
    cases, faults = {}, []
    for case in scenario_ids():
        scenario, case_faults = case_now(case)
        faults += case_faults
        if scenario is not None and scenario.incident is not None:
            cases[case] = scenario
    if faults:
        show_faults(faults, None)
    wanted = st.query_params.get("case")
    if wanted is not None and wanted not in cases:
        st.warning(f"There is no case “{plain(wanted)}” with an incident.")
    if len(cases) > 1 and wanted not in cases:
        wanted = st.selectbox("Case", list(cases), format_func=lambda case: cases[case].title, key="incident_case")
    return cases.get(wanted or "", next(iter(cases.values()), None))


def incident_of_address(scenario: Scenario) -> Game | None:
    """Return the incident of the address; None without one, with a message if the address names an unknown one."""
    name = st.query_params.get("incident")
    if name is None:
        return None
    with faults_shown():
        return _replayed(games().find(name, scenario))
    return None


def _replayed(game: Game) -> Game:
    """Return the incident with the actions of the address in place of its own, if it is revealed."""
    carried = st.query_params.get("actions")
    if carried is None or not game.revealed:
        return game
    try:
        play = Play(game.scenario, game.play.secret, unpacked(carried))
    except InputError as error:
        st.warning(plain(f"{error}. The page shows the incident as it was played."))
        return game
    same = [note.action for note in play.notes] == [note.action for note in game.notes]
    ratings = game.ratings if same else None
    notes = tuple(play.notes)
    return replace(game, play=play, now_s=play.now_s, notes=notes, usd=play.usd, labels=play.labels, ratings=ratings)


#: Plays held in memory, since each holds weeks of frames, and the time (s) after which an unused one goes.
HELD, IDLE_S = 12, 3600


class GameError(InputError):
    """An incident cannot continue; the message gives the reason, and a way out."""


@dataclass(frozen=True, eq=False)
class Game:
    """An incident at a time (s): its notebook and its monitors. Later actions do not change it.

    ratings: the person's own level of each signal; None for a replay with other actions, which keeps none
    day, row: of the incident that all share on a day, and of one of five in a row; row_place: its place in the row
    """

    id: str
    scenario: Scenario
    play: Play
    revealed: bool
    now_s: float
    notes: tuple[NotebookEntry, ...]
    series: list[WindowSeries]
    usd: float
    labels: int
    ratings: Mapping[str, Level] | None = None
    day: str | None = None
    row: str | None = None
    row_place: int = 1

    @property
    def over(self) -> bool:
        return self.now_s >= self.play.end_s

    @cached_property
    def paged(self) -> NotebookEntry | None:
        return next((note for note in self.notes if note.ring or note.complaint), None)


#: A play in memory, and a lock that lets one session at a time work on it.
_LivePlay = tuple[Play, Lock]


class Games:
    """The incidents of this server."""

    def __init__(self, store: Incidents) -> None:
        self.store = store
        self._live: TTLCache[str, _LivePlay] = TTLCache(HELD, IDLE_S)
        self._lock = Lock()

    def begin(self, scenario: Scenario, actions: Sequence[Action], hidden: Hidden | None = None, owner: str = "") -> str:
        """Begin an incident of a visitor with these actions, and return its id; owner: the trail."""
        name = self.store.begin(scenario.id, scenario.version, case_hash(scenario), hidden, owner)
        for action in actions:
            self.act(name, scenario, action)
        return name

    def find(self, name: str, scenario: Scenario) -> Game:
        """Return the incident of an id; raises GameError for an unknown id, or a case that has changed since."""
        stored = self._stored(name, scenario)
        play, lock = self._live_play(stored, scenario)
        with lock:
            self._catch_up(play, stored)
            revealed = stored.revealed or play.closed
            seen = tuple(play.notes), play.series(), play.usd, play.labels
            shared = stored.shared_day, stored.hidden.series, stored.hidden.place
            return Game(name, scenario, play, revealed, play.now_s, *seen, stored.ratings, *shared)

    def act(self, name: str, scenario: Scenario, action: Action) -> None:
        """Take an action; raises ActionError for an impossible one, OvertakenError if another browser was faster."""
        stored = self._stored(name, scenario)
        if stored.hidden.series is not None:
            self.row_of(stored, scenario).check(spec_of(scenario), stored, action)
        play, lock = self._live_play(stored, scenario)
        with lock:
            self._catch_up(play, stored)
            play.act(action)
            try:
                self.store.add(name, len(stored.actions), action.model_dump(mode="json", exclude_defaults=True))
            except InputError:
                self._forget(name)
                raise
            if play.closed:
                self.store.reveal(name)

    def row_of(self, stored: StoredIncident, scenario: Scenario) -> FiveInARow:
        """Return the five in a row that an incident belongs to."""
        return FiveInARow.of(spec_of(scenario), self.store.beside(stored.id), stored.hidden.series or "")

    def rate(self, name: str, scenario: Scenario, signal: str, level: Level) -> None:
        """Keep the person's own level of a signal; raises GameError before the reveal."""
        if not self._stored(name, scenario).revealed:
            raise GameError("Close the incident first: the record comes before the rating.")
        self.store.rate(name, signal, level)

    def _stored(self, name: str, scenario: Scenario) -> StoredIncident:
        stored = self.store.get(name)
        if stored is None or stored.case != scenario.id:
            raise GameError(phrase("incident.no_link"))
        if stored.scenario_hash != case_hash(scenario):
            raise GameError("The case has changed since this incident began, so the incident cannot continue. Begin a new one.")
        return stored

    def _live_play(self, stored: StoredIncident, scenario: Scenario) -> _LivePlay:
        with self._lock:
            live = self._live.get(stored.id)
            if live is None:
                live = Play(scenario, secret_from(scenario, stored.hidden)), Lock()
            self._live[stored.id] = live  # so that its time in memory begins again
            return live

    def _catch_up(self, play: Play, stored: StoredIncident) -> None:
        try:
            for action in read_actions(stored.actions)[len(play.notes) :]:
                play.act(action)
        except InputError as error:
            self._forget(stored.id)
            raise GameError(f"The actions of this incident cannot be replayed: {error}. Begin a new one.") from error

    def _forget(self, name: str) -> None:
        with self._lock:
            self._live.pop(name, None)


def secret_from(scenario: Scenario, hidden: Hidden) -> Secret:
    """Draw the secret of a stored source; raises SecretError for a cause that the case does not have."""
    return draw(scenario, hidden.seed, hidden.cause, hidden.shape, hidden.salt, level_of(hidden.level))


@cache
def games() -> Games:
    return Games(Incidents())


#: The most actions of a link, and the most text (bytes).
MOST, _BYTES = 500, 200_000


def link(game: Game) -> str:
    return "?" + urlencode({"case": game.scenario.id, "incident": game.id, "actions": packed([n.action for n in game.notes])})


def packed(actions: list[Action]) -> str:
    data = [action.model_dump(mode="json", exclude_defaults=True) for action in actions]
    return urlsafe_b64encode(zlib.compress(json.dumps(data, separators=(",", ":")).encode(), 9)).decode().rstrip("=")


def unpacked(text: str) -> list[Action]:
    """Unpack the actions of an address; raises ActionError for text that holds none."""
    try:
        inflate = zlib.decompressobj()
        data = json.loads(inflate.decompress(urlsafe_b64decode(text + "=" * (-len(text) % 4)), _BYTES))
    except (ValueError, RecursionError, zlib.error) as error:
        raise ActionError("the actions in the link cannot be read; copy the whole link") from error
    if isinstance(data, list) and len(data) > MOST:
        raise ActionError(f"the link has {len(data)} actions; at most {MOST} are replayed")
    return read_actions(data)


#: The most incidents that stand on the page of incidents; the page “You” has all.
_LISTED = 6


def own_of_case(scenario: Scenario) -> list[StoredIncident]:
    """Return the visitor's incidents of a case, the latest first; none without a database."""
    try:
        return [incident for incident in own_incidents() if incident.case == scenario.id]
    except StoreError:
        return []


def own_incidents() -> list[StoredIncident]:
    """Return all incidents of the visitor, the latest first; raises StoreError where the database cannot be used."""
    return games().store.of(trail())


def own_list(scenario: Scenario, own: list[StoredIncident]) -> None:
    """List the latest incidents of a case; nothing without any."""
    if not own:
        return
    st.subheader("Your incidents", anchor=False)
    for incident in own[:_LISTED]:
        own_line(scenario, incident)
    if len(own) > _LISTED:
        st.page_link(PAGES / "you.py", label=f"All {len(own)}")


def own_line(scenario: Scenario, incident: StoredIncident) -> None:
    """Draw the link to an incident, with its time, its kind and its diagnosis."""
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        verb = "Reveal" if incident.revealed else "Continue"
        label = f"{verb}: {plain(scenario.title)}"
        address = {"case": scenario.id, "incident": incident.id}
        st.page_link(PAGES / "incident.py", label=label, query_params=address, width=LINK_WIDTH)
        parts = [
            clock(incident.at),
            *_kind(incident),
            counted(len(incident.actions), "action"),
            diagnosis_words(scenario, incident),
        ]
        st.caption(plain(" · ".join(parts)))


def _kind(incident: StoredIncident) -> list[str]:
    hidden = incident.hidden
    kinds = [f"incident of {hidden.day}"] if hidden.day else []
    kinds += [f"{hidden.place} of {FIVE} in a row"] if hidden.series else []
    return kinds + ([hidden.level] if hidden.level != USUAL else [])


def diagnosis_words(scenario: Scenario, incident: StoredIncident) -> str:
    """Return the last diagnosis with its confidence; whether it was right only once the incident is over."""
    named, spec = last_diagnosis(incident), scenario.incident
    if named is None or spec is None:
        return "no cause named"
    cause = spec.causes.get(named.cause)
    verdict = {True: ": right", False: ": wrong", None: ""}[was_right(scenario, incident)]
    return f"“{cause.label if cause else named.cause}”, {100 * named.confidence:.0f}% sure{verdict}"


def was_right(scenario: Scenario, incident: StoredIncident) -> bool | None:
    """Return whether the last diagnosis names the cause; None before the reveal, and where the case has changed since."""
    if not incident.revealed or incident.scenario_hash != case_hash(scenario):
        return None
    named = last_diagnosis(incident)
    try:
        secret = secret_from(scenario, incident.hidden)
    except InputError:
        return None
    return named is not None and named.cause in secret.causes


def incident_review(scenario: Scenario, incident: StoredIncident) -> Review | None:
    """Return the review that an incident is, at its begin: strong for a right diagnosis; None while it goes on."""
    right = was_right(scenario, incident)
    return None if right is None else Review(incident.at, "strong" if right else "weak")


def last_diagnosis(incident: StoredIncident) -> DiagnoseAction | None:
    try:
        actions = read_actions(incident.actions)
    except InputError:  # of an imported file, or of an earlier version of the case
        return None
    return next((action for action in reversed(actions) if isinstance(action, DiagnoseAction)), None)
