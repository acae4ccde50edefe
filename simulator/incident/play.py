"""An incident while it is played: a function of the scenario, the secret, and the actions so far."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import cast

import numpy as np

from simulator.case.choices import Pick
from simulator.case.schema import Scenario
from simulator.evidence.detection_tables import BINS
from simulator.incident.frame_statistics import Insides
from simulator.incident.looks import LOOKERS, LookFinding, LookRequest, View
from simulator.incident.measured_scenes import Stock, stock
from simulator.incident.monitoring import Ring, WindowSeries, priced, rings, watched
from simulator.incident.player_actions import (
    Action,
    ActionError,
    BelieveAction,
    CloseAction,
    DiagnoseAction,
    FixAction,
    LookAction,
    WaitAction,
    WatchAction,
    check_action,
)
from simulator.incident.secret import DAY_S, HOUR_S, Secret, spec_of
from simulator.incident.section import Watch
from simulator.incident.served_frames import serve
from simulator.incident.step_kinds import (
    AnyFix,
    AuditLook,
    CanaryLook,
    LabelsLook,
    NetworkFix,
    NothingFix,
    PeopleFix,
    PicksFix,
    ThresholdFix,
    UndoFix,
)
from simulator.incident.stream import Change, Rethresholded, Reviewed, Stream, Swapped, Undone

WEEK_S = 7 * DAY_S
#: Somebody asks no sooner than after this part of the case's days, and no later than after all of them.
_SOONEST = 0.5
#: A monitor that has rung is silent on that slice for so long.
SNOOZE_S = DAY_S


@dataclass(frozen=True)
class NotebookEntry:
    """A line of the notebook: what was done, from when until when (s), what it cost (USD), and what came of it.

    ring: what rang, if the person waited for it; complaint: whether a customer complained instead
    """

    action: Action
    at_s: float
    until_s: float
    usd: float
    finding: LookFinding | None = None
    ring: Ring | None = None
    complaint: bool = False


@dataclass(frozen=True)
class Shipped:
    """A fix: its name, when it was ordered and from when on it is in force (s), and what it changes."""

    name: str
    ordered_s: float
    at_s: float
    changes: tuple[Change, ...] = ()
    picks: Mapping[str, Pick] = field(default_factory=dict)
    usd_a_frame: float = 0.0


class Play:
    """One incident; `act` takes the next action. The same scenario, secret and actions give the same."""

    def __init__(self, scenario: Scenario, secret: Secret, actions: Iterable[Action] = ()) -> None:
        self.scenario, self.secret = scenario, secret
        self.spec = spec_of(scenario)
        self.stock: Stock = stock()
        self.start_s = self.spec.reference_days * DAY_S
        self.end_s = scenario.run.days * DAY_S
        self.now_s = self.start_s
        self.watches: list[tuple[float, list[Watch]]] = [(self.start_s, list(self.spec.watches))]
        self.notes: list[NotebookEntry] = []
        self.shipped: list[Shipped] = []
        self.canaries: list[Swapped] = []
        self.closed = False
        self._streams: dict[tuple[tuple[float, tuple[tuple[str, Pick], ...]], ...], Stream] = {}
        self._insides: dict[tuple[Change | tuple[object, ...], ...], Insides] = {}
        for action in actions:
            self.act(action)

    # Doing

    def act(self, action: Action) -> NotebookEntry:
        """Take an action; raises ActionError where it names what there is not, or the incident is over.

        At the end of the stream the cause may still be named, and the incident closed.
        """
        if self.closed or (self.now_s >= self.end_s and not isinstance(action, BelieveAction | DiagnoseAction | CloseAction)):
            raise ActionError(f"{action.kind}: the incident is over")
        check_action(self.spec, action)
        note = self._done(action)
        self.notes.append(note)
        self.now_s = min(note.until_s, self.end_s)
        return note

    def _done(self, action: Action) -> NotebookEntry:
        now = self.now_s
        if isinstance(action, WaitAction):
            return self._wait(action)
        if isinstance(action, LookAction):
            return self._look(action)
        if isinstance(action, FixAction):
            return self._fix(action)
        if isinstance(action, WatchAction):
            self.watches.append((now, list(action.watches)))
        if isinstance(action, CloseAction):
            self.closed = True
        assert isinstance(action, WatchAction | CloseAction | BelieveAction | DiagnoseAction)
        return NotebookEntry(action, now, now, 0.0)

    def _wait(self, action: WaitAction) -> NotebookEntry:
        """Until something rings, somebody complains, or the hours are over."""
        ring, complaint_s = self.next_ring(), self.complaint_s()
        until_s = min(self.end_s, self.now_s + (np.inf if action.hours is None else action.hours * HOUR_S))
        first_s = min(ring.at_s if ring else np.inf, complaint_s)
        if first_s > until_s:
            return NotebookEntry(action, self.now_s, until_s, 0.0)
        rung = ring if ring and ring.at_s <= complaint_s else None
        usd = self.spec.page_usd.value if rung else 0.0
        return NotebookEntry(action, self.now_s, first_s, usd, ring=rung, complaint=rung is None)

    def _look(self, action: LookAction) -> NotebookEntry:
        look = self.spec.looks[action.look]
        minutes, usd = look.minutes, look.usd
        if isinstance(look, LabelsLook | AuditLook):
            frames = action.frames if isinstance(look, LabelsLook) else look.frames
            minutes += frames * look.minutes_a_frame / look.people
            usd += frames * look.usd_a_frame
        until_s = min(self.now_s + 60 * minutes, self.end_s)
        asked = LookRequest(action.site, action.statistic, action.frames)
        finding = LOOKERS[look.kind](self.view(until_s), look, asked)
        if isinstance(look, CanaryLook):
            previous = self.spec.previous.detector, self.spec.previous.precision
            self.canaries.append(Swapped(self.now_s, previous, until_s=until_s, share=look.share, whole=True))
        return NotebookEntry(action, self.now_s, until_s, usd, finding)

    def _fix(self, action: FixAction) -> NotebookEntry:
        fix = self.spec.fixes[action.fix]
        at_s = min(self.now_s + 60 * fix.minutes, self.end_s)
        changes, picks = self._changes_of(fix, at_s)
        usd_a_frame = fix.usd_a_frame if isinstance(fix, PeopleFix) else 0.0
        self.shipped.append(Shipped(action.fix, self.now_s, at_s, changes, picks, usd_a_frame))
        return NotebookEntry(action, self.now_s, at_s, fix.usd)

    def _changes_of(self, fix: AnyFix, at_s: float) -> tuple[tuple[Change, ...], Mapping[str, Pick]]:
        if isinstance(fix, UndoFix):
            return (Undone(at_s, frozenset(fix.enters)),), {}
        if isinstance(fix, NetworkFix):
            return (Swapped(at_s, (fix.detector, fix.precision), fix.instead_of),), fix.picks
        if isinstance(fix, ThresholdFix):
            return (Rethresholded(at_s, self.best_bin()),), {}
        if isinstance(fix, PeopleFix):
            return (Reviewed(at_s, fix.frames_per_h, fix.finds),), {}
        if isinstance(fix, PicksFix):
            return (), fix.picks
        assert isinstance(fix, NothingFix)
        return (), {}

    def best_bin(self) -> int:
        """The bin of scores from which on harm is least, on the frames that people labelled; raises ActionError without any."""
        rows = [note.finding.labelled for note in self.notes if note.finding is not None and len(note.finding.labelled)]
        if not rows:
            raise ActionError("fix: a threshold is chosen on labelled frames, and there are none yet; have some labelled first")
        insides, chosen = self.insides(), np.unique(np.concatenate(rows))
        frames, stock_, harm, least = insides.frames, self.stock, self.spec.harm, self.spec.labels.least_area_px
        cell = frames.network[chosen], frames.given[chosen], frames.scene[chosen]
        costs = [
            stock_.missed(harm.weights, least, BINS[bin_])[cell].sum()
            + harm.needless.value * stock_.tails[1][*cell, bin_].sum()
            for bin_ in range(len(BINS))
        ]
        return int(np.argmin(costs))

    # What happened

    def changes(self, fixes: int | None = None) -> list[Change]:
        """Everything that was changed so far, or by the first so many fixes alone, in order of time."""
        shipped = self.shipped if fixes is None else self.shipped[:fixes]
        made = [*(change for one in shipped for change in one.changes), *self.canaries]
        return sorted(made, key=lambda change: change.at_s)

    def stream(self, fixes: int | None = None) -> Stream:
        """The stream as the servers of these fixes run it."""
        shipped = self.shipped if fixes is None else self.shipped[:fixes]
        picks = [(one.at_s, one.picks) for one in shipped if one.picks and one.at_s < self.end_s]
        key = tuple((at_s, tuple(sorted(each.items()))) for at_s, each in picks)
        if key not in self._streams:
            self._streams[key] = Stream(self.scenario, self.secret, self.stock, serve(self.scenario, self.secret, picks))
        return self._streams[key]

    def insides(self, fixes: int | None = None) -> Insides:
        """What is inside the frames under the fixes so far, or under the first so many alone."""
        stream, changes = self.stream(fixes), self.changes(fixes)
        key = (*changes, (id(stream),))
        if key not in self._insides:
            self._insides[key] = Insides(self.spec, self.secret, self.stock, stream.frames(changes), tuple(changes))
        return self._insides[key]

    def view(self, at_s: float | None = None) -> View:
        """What there is to look at, now or at a time (s)."""
        now_s = self.now_s if at_s is None else at_s
        return View(self.spec, self.secret, self.stream(), self.insides(), self.changes(), now_s)

    # Watching

    def series(self, watches: list[Watch] | None = None) -> list[WindowSeries]:
        """What monitors say, over the whole run; a person may see only what is known by now."""
        chosen = self.watches[-1][1] if watches is None else watches
        return [one for watch in chosen for one in watched(watch, self.insides())]

    def next_ring(self) -> Ring | None:
        """The next time that a monitor rings which has not rung within a day; None: not before the end."""
        rung = {(n.ring.watch, n.ring.slice): n.ring.at_s for n in self.notes if n.ring is not None and n.ring.at_s > 0}
        for ring in rings(self.series(), self.now_s + 1e-6):
            before = rung.get((ring.watch, ring.slice), -np.inf)
            if ring.at_s <= self.end_s and ring.at_s - before >= SNOOZE_S:
                return ring
        return None

    def complaint_s(self) -> float:
        """When somebody asks whether the detector still works: some days after it has come in full, if nothing rang since."""
        # At no fixed time after it began, so that the clock does not tell when that was.
        late = self.spec.complaint_days * (_SOONEST + (1 - _SOONEST) * self.secret.drawn[1])
        at_s = self.secret.full_s(self.spec) + late * DAY_S
        paged = any(note.complaint or (note.ring is not None and note.ring.at_s >= self.secret.onset_s) for note in self.notes)
        return np.inf if paged or at_s > self.end_s else max(at_s, self.now_s)

    # Money

    @property
    def usd(self) -> float:
        """What was spent by now: actions, monitors, people who look at frames, and pages.

        People go on looking when the incident is closed, and are paid until the stream ends, as what they find counts.
        """
        prices = {name: figure.value for name, figure in self.spec.usd_a_week.items()}
        spans = [(at_s, watches) for at_s, watches in self.watches]
        ends = [at_s for at_s, _ in spans[1:]] + [max(self.now_s, self.start_s)]
        watching = sum(
            priced(watches, prices) * (end - at_s) / WEEK_S for (at_s, watches), end in zip(spans, ends, strict=True)
        )
        looking, until_s = 0.0, self.end_s if self.closed else self.now_s
        for one in self.shipped:
            for change in one.changes:
                if isinstance(change, Reviewed) and until_s > change.at_s:
                    looking += one.usd_a_frame * change.frames_per_h * (until_s - change.at_s) / HOUR_S
        return sum(note.usd for note in self.notes) + watching + looking

    @property
    def labels(self) -> int:
        """Frames that people labelled for this incident."""
        bought = [note for note in self.notes if isinstance(note.action, LookAction)]
        looks = [(self.spec.looks[cast(LookAction, note.action).look], cast(LookAction, note.action)) for note in bought]
        return sum(
            action.frames if isinstance(look, LabelsLook) else look.frames if isinstance(look, AuditLook) else 0
            for look, action in looks
        )
