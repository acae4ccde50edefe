"""A session as a page uses it: the state that follows the log, and events that are checked before they are appended."""

from __future__ import annotations

from typing import ClassVar

from simulator.app.store.session_log import SessionLog
from simulator.app.store.session_rows import NoSessionError, OvertakenError
from simulator.case.schema import Scenario
from simulator.engine.compiled_plan import case_hash
from simulator.session.event_log import AnyEvent, EventError, Role
from simulator.session.session_state import SessionState, refusal

#: The number of times that an event is checked anew because others were faster.
_TRIES = 50


class LiveSession:
    """A session of a case, read from the log; raises NoSessionError for an unknown id or another case."""

    states: ClassVar[type[SessionState]] = SessionState

    def __init__(self, log: SessionLog, scenario: Scenario, session: str) -> None:
        self.log, self.scenario = log, scenario
        head = log.get(session)
        if head is None or head.case != scenario.id:
            raise NoSessionError("There is no session of this case with this link. Begin a new one.")
        self.state = self.states.of(head, log.events_after(session))

    @property
    def case_has_changed(self) -> bool:
        """Whether the case was edited since the session began, so that earlier runs have other hashes."""
        return self.state.session.scenario_hash != case_hash(self.scenario)

    def refresh(self) -> bool:
        """Read the events of others; return whether there were any."""
        before = self.state.place
        self.state = self.state.after(self.log.events_after(self.state.session.id, before - 1))
        return self.state.place != before

    def take(self, role: Role, event: AnyEvent) -> SessionState:
        """Append an event, and return the state after it.

        Raises EventError with a sentence if the event makes no sense at its place; nothing is appended then. If another process
        appends at once, the event is checked again behind that process's.
        """
        name = self.state.session.id
        for _ in range(_TRIES):
            self.refresh()
            if sentence := refusal(self.scenario, self.state, role, event):
                raise EventError(sentence)
            try:
                self.log.append(name, role, event, self.state.place)
            except OvertakenError:
                continue
            self.refresh()
            return self.state
        raise OvertakenError("Others change this session all the time. Try again.")
