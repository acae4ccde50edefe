"""The play of an incident: a function of the scenario, the secret and the actions so far, with the run of its servers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import cast

import numpy as np

from simulator.case.choices import Pick
from simulator.case.schema import Scenario
from simulator.engine.plan import compile_plan
from simulator.engine.run import simulate
from simulator.engine.stages.pool import Pool
from simulator.evidence.detection_tables import BINS
from simulator.incident.effects import StrikeEffect
from simulator.incident.fixes import Change, Changes, Swapped
from simulator.incident.frame_columns import ServedFrames
from simulator.incident.frame_statistics import FrameStatistics
from simulator.incident.looks import View
from simulator.incident.measured_scenes import read_scenes
from simulator.incident.monitoring import Ring, WindowSeries, priced, rings, watched
from simulator.incident.player_actions import Action, ActionError, NotebookEntry, Shipped
from simulator.incident.secret import DAY_S, DIFFICULTIES, Difficulty, Secret, at_level, spec_of
from simulator.incident.section import Incident
from simulator.incident.stream import Stream
from simulator.incident.watches import Watch
from simulator.phrases import phrase
from simulator.records.trace import OUTCOMES

WEEK_S = 7 * DAY_S
_PARTS = ("at night", "in the morning", "in the afternoon", "in the evening")
#: The earliest complaint, as a share of the case's `complaint_days`.
_EARLIEST_COMPLAINT = 0.5
#: A monitor that has rung is silent on that slice for this time.
SNOOZE_S = DAY_S
_DONE = OUTCOMES.index("done")


def serve(scenario: Scenario, secret: Secret, picks: Sequence[tuple[float, Mapping[str, Pick]]] = ()) -> ServedFrames:
    """Run the servers for all weeks, with the secret's curveballs; picks: changes of choices, each with its time (s).

    Secrets of one seed whose causes strike no server share one run.
    """
    spec = spec_of(scenario)
    struck = tuple(strikes_of(spec, secret).items())
    changed = tuple((at_s, tuple(each.items())) for at_s, each in picks)
    return _served(scenario, secret.seed, struck, changed)


@lru_cache(maxsize=16)
def _served(
    scenario: Scenario,
    seed: int,
    strikes: tuple[tuple[str, float | None], ...],
    picks: tuple[tuple[float, tuple[tuple[str, Pick], ...]], ...],
) -> ServedFrames:
    spec, plan = spec_of(scenario), compile_plan(scenario, {}, dict(strikes))
    trace = simulate(plan, seed, actions=[(at_s, dict(each)) for at_s, each in picks])
    columns, visits = trace.columns, trace.logs[spec.stage].frame(spec.stage)
    replica = np.full(columns.n, -1, np.int16)
    served = visits["started_s"].notna().to_numpy()
    replica[visits["request"].to_numpy()[served]] = visits["server"].to_numpy()[served]
    done = columns.outcome == _DONE
    replica[~done] = -1
    latency = np.where(done, columns.answered - columns.arrived, np.nan)
    return ServedFrames(columns.arrived, latency, replica, cast(Pool, plan.scenario.stages[spec.stage]).most_replicas)


def strikes_of(spec: Incident, secret: Secret) -> dict[str, float | None]:
    """Return the curveballs of the secret, each with its time (s)."""
    times: dict[str, float | None] = {}
    for effect, _ in secret.effects_of(spec, StrikeEffect):
        days = effect.days(secret.shape == "gentle")
        times |= {name: secret.onset_s + after * DAY_S for name, after in days.items()}
    return times


class Play:
    """One incident; `act` takes the next action. Equal scenarios, secrets and actions give equal plays.

    like: another play of the same secret, whose streams are used again
    """

    def __init__(self, scenario: Scenario, secret: Secret, actions: Iterable[Action] = (), like: Play | None = None) -> None:
        self.scenario, self.secret = at_level(scenario, secret.level), secret
        self.spec = spec_of(self.scenario)
        self.scenes = read_scenes()
        self.start_s = self.spec.reference_days * DAY_S
        self.end_s = scenario.run.days * DAY_S
        self.now_s = self.start_s
        self.watches: list[tuple[float, list[Watch]]] = [(self.start_s, list(self.spec.watches))]
        self.notes: list[NotebookEntry] = []
        self.shipped: list[Shipped] = []
        self.canaries: list[Swapped] = []
        self.labels = 0
        self.closed = False
        self._streams: dict[tuple[tuple[float, tuple[tuple[str, Pick], ...]], ...], Stream] = {}
        self._statistics: dict[tuple[Change | int, ...], FrameStatistics] = {}
        self._series: dict[tuple[str, int], list[WindowSeries]] = {}
        if like is not None:
            self._streams, self._statistics, self._series = like._streams, like._statistics, like._series
        for action in actions:
            self.act(action)

    def act(self, action: Action) -> NotebookEntry:
        """Take an action; raises ActionError for an unknown name, or after the end of the incident.

        At the end of the stream the player may still name the cause and close the incident.
        """
        if self.closed or (self.now_s >= self.end_s and not action.at_end):
            raise ActionError(f"{action.kind}: the incident is over")
        action.check(self.spec)
        note = action.take(self)
        self.notes.append(note)
        self.now_s = min(note.until_s, self.end_s)
        return note

    def best_bin(self) -> int:
        """Return the bin of scores with the least harm on the frames that people labelled; raises ActionError without any."""
        rows = [note.finding.labelled for note in self.notes if note.finding is not None and len(note.finding.labelled)]
        if not rows:
            raise ActionError(phrase("incident.no_labels"), ("fix",))
        frames, chosen = self.statistics().frames, np.unique(np.concatenate(rows))
        harm, least = self.spec.harm, self.spec.labels.least_area_px
        cell = frames.network[chosen], frames.given[chosen], frames.scene[chosen]
        costs = [
            self.scenes.missed(harm.weights, least, BINS[bin_])[cell].sum()
            + harm.needless.value * self.scenes.tails[1][*cell, bin_].sum()
            for bin_ in range(len(BINS))
        ]
        return int(np.argmin(costs))

    # The stream

    def changes(self, fixes: int | None = None) -> list[Change]:
        made = [*(change for step in self.shipped[:fixes] for change in step.changes), *self.canaries]
        return sorted(made, key=lambda change: change.at_s)

    def stream(self, fixes: int | None = None) -> Stream:
        """Return the stream as the servers of these fixes run it."""
        picks = [(step.at_s, step.picks) for step in self.shipped[:fixes] if step.picks and step.at_s < self.end_s]
        key = tuple((at_s, tuple(sorted(each.items()))) for at_s, each in picks)
        if key not in self._streams:
            self._streams[key] = Stream(self.scenario, self.secret, self.scenes, serve(self.scenario, self.secret, picks))
        return self._streams[key]

    def statistics(self, fixes: int | None = None) -> FrameStatistics:
        """Return the statistics of the frames under all fixes so far, or under the first ones alone."""
        stream, changes = self.stream(fixes), self.changes(fixes)
        key = (*changes, id(stream))
        if key not in self._statistics:
            frames = stream.frames(changes)
            self._statistics[key] = FrameStatistics(self.spec, self.secret, self.scenes, frames, tuple(changes))
        return self._statistics[key]

    def view(self, at_s: float | None = None) -> View:
        """Return the view of the stream, now or at a time (s)."""
        now_s = self.now_s if at_s is None else at_s
        return View(self.spec, self.secret, self.stream(), self.statistics(), self.changes(), now_s, self.now_s)

    # Monitors

    def series(self, watches: list[Watch] | None = None) -> list[WindowSeries]:
        """Return the windows of the present monitors, computed once for each set of monitors and changes, or of others."""
        statistics = self.statistics()
        if watches is not None:
            return [ring for watch in watches for ring in watched(watch, statistics)]
        every = []
        for watch in self.watches[-1][1]:
            key = watch.model_dump_json(), id(statistics)
            if key not in self._series:
                self._series[key] = watched(watch, statistics)
            every += self._series[key]
        return every

    def next_ring(self) -> Ring | None:
        """Return the next alarm of a monitor that was silent for a day; None: none before the end."""
        rung = {(n.ring.watch, n.ring.slice): n.ring.at_s for n in self.notes if n.ring is not None and n.ring.at_s > 0}
        for ring in rings(self.series(), self.now_s + 1e-6):
            before = rung.get((ring.watch, ring.slice), -np.inf)
            if ring.at_s <= self.end_s and ring.at_s - before >= SNOOZE_S:
                return ring
        return None

    def complaint_s(self) -> float:
        """Return the time of a customer's complaint, days after the full strength, unless something rang since the onset.

        The days are drawn, so that the complaint does not reveal the time of the onset.
        """
        paged = any(note.complaint or (note.ring is not None and note.ring.at_s >= self.secret.onset_s) for note in self.notes)
        return np.inf if paged else max(self.unpaged_complaint_s(), self.now_s)

    def unpaged_complaint_s(self) -> float:
        """Return the time of a complaint if nothing rings; infinite without one before the end."""
        late = self.spec.complaint_days * (_EARLIEST_COMPLAINT + (1 - _EARLIEST_COMPLAINT) * self.secret.drawn[1])
        at_s = self.secret.full_s(self.spec) + late * DAY_S
        return at_s if at_s <= self.end_s else np.inf

    def complaint(self, at_s: float) -> str:
        """Return the words of a customer: the site and the part of the day with the most harm lately, else any of them.

        At a difficulty with vague complaints they name neither.
        """
        if self.terms.vague:
            return "A customer asks: “Your counts look too low. Does it still work?”"
        statistics = self.statistics()
        frames, harm = statistics.frames, statistics.excess
        lately = (frames.at_s < at_s) & (frames.at_s >= at_s - 2 * DAY_S)
        part = (frames.hour // 6).astype(np.int64)
        harms = np.bincount(frames.site[lately] * 4 + part[lately], np.maximum(harm[lately], 0), 4 * len(self.spec.sites))
        worst = int(np.argmax(harms)) if harms.sum() > 0 else int(self.secret.drawn[2] * len(harms))
        site = list(self.spec.sites.values())[worst // 4].label
        return phrase("incident.complaint", site=site, part=_PARTS[worst % 4])

    @property
    def terms(self) -> Difficulty:
        return DIFFICULTIES[self.secret.level]

    @property
    def looks_usd_left(self) -> float:
        """The money that is left for looks (USD); infinite at a difficulty without a bound."""
        return self.terms.looks_usd - sum(note.usd for note in self.notes if note.look)

    @property
    def usd(self) -> float:
        """The money spent by now: actions, monitors, people who look at frames, and pages.

        People continue to look after the close, and are paid until the review, since the objects that they find count.
        """
        ends = [at_s for at_s, _ in self.watches[1:]] + [max(self.now_s, self.start_s)]
        watching = sum(
            priced(watches, self.spec.prices) * (end - at_s) / WEEK_S
            for (at_s, watches), end in zip(self.watches, ends, strict=True)
        )
        over = self.closed or self.now_s >= self.end_s
        until_s = self.end_s + self.spec.review_days * DAY_S if over else self.now_s
        reviews = Changes(change for step in self.shipped for change in step.changes).reviews
        daily = sum(self.spec.fixes[step.name].usd_daily * max(until_s - step.at_s, 0.0) / DAY_S for step in self.shipped)
        return sum(note.usd for note in self.notes) + watching + daily + sum(review.usd(until_s) for review in reviews)
