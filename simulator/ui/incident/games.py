"""Incidents that are being played: kept in the database as secret and actions, held in memory as long as somebody looks.

Whoever asks for an incident gets it as it stands: after a reload, in another browser, from another server process. What is held
in memory is worked out again from the scenario, the secret and the actions where it was lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from threading import Lock

from cachetools import TTLCache

from simulator.analysis.incidents.actions import Action, read_actions
from simulator.analysis.incidents.play import Note, Play
from simulator.analysis.incidents.secret import draw
from simulator.analysis.incidents.watching import Series
from simulator.errors import InputError
from simulator.scenario import Scenario
from simulator.serving.plan import fingerprint
from simulator.store import Hidden, Incidents, Kept

#: Plays held in memory, and for how long nobody may have looked (s): each holds weeks of frames.
HELD, IDLE_S = 12, 3600


class GameError(InputError):
    """An incident cannot be gone on with; the message says why, and what would help."""


@dataclass(eq=False)
class _Live:
    """A play in memory; one at a time may work on it."""

    play: Play
    lock: Lock = field(default_factory=Lock)
    seen: dict[tuple[int, int], list[Series]] = field(default_factory=dict)

    def catch_up(self, actions: Sequence[Action]) -> None:
        """Take what was done elsewhere."""
        for action in actions[len(self.play.notes) :]:
            self.play.act(action)

    def series(self) -> list[Series]:
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
    notes: tuple[Note, ...]
    series: list[Series]
    usd: float
    labels: int

    @property
    def over(self) -> bool:
        """Whether the stream has come to its end, so that nothing is left but to name the cause."""
        return self.now_s >= self.play.end_s

    @cached_property
    def paged(self) -> Note | None:
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

    def _kept(self, name: str, scenario: Scenario) -> Kept:
        kept = self.store.get(name)
        if kept is None or kept.case != scenario.id:
            raise GameError(
                "There is no such incident here: the link is of another server, or of another case. Begin a new one."
            )
        if kept.scenario_hash != fingerprint(scenario.document.data):
            raise GameError("The case has changed since this incident began, so that it cannot go on. Begin a new one.")
        return kept

    def _lively(self, kept: Kept, scenario: Scenario) -> _Live:
        with self._lock:
            live = self._live.get(kept.id)
            if live is None:
                live = _Live(Play(scenario, draw(scenario, kept.hidden.seed, kept.hidden.cause, kept.hidden.shape)))
            self._live[kept.id] = live  # anew, so that its time begins again
            return live

    def _catch_up(self, live: _Live, kept: Kept) -> None:
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
