"""All encounters of a replication: what each frame finds, when an object is confirmed, and whether the vehicle stops."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from simulator.arrays import Bools, Floats, Places
from simulator.engine.run_trace import Trace
from simulator.evidence.evidence_tables import DRAWS
from simulator.metrics.ages import KnownAges, known_from
from simulator.vehicle.braking import GentleCourse, first_time, impact_mps, needed_m, stands, tick_after
from simulator.vehicle.detector_answers import RangeError
from simulator.vehicle.encounter_draws import (
    KMH,
    STEP_S,
    STEPS,
    Answers,
    Drawn,
    EncounterOutcome,
    FramesOfObject,
    Looks,
    Noise,
    answers_of,
    deceleration_of,
    drawn,
    noise,
    related,
    slowly,
    speed_at,
    weather_at,
)
from simulator.vehicle.encounter_section import LONGEST_S, Braking, Confirmation
from simulator.vehicle.sight import StageSight, sights_in

#: The slowest that the planner believes to close in.
SLOWEST_MPS = 0.1

#: A recall of exactly 0 or 1 is taken to be this close to it, so that its threshold is finite.
_NEARLY = 1e-9


class Meeting:
    """All encounters of one replication under one design."""

    def __init__(self, trace: Trace) -> None:
        spec, sights = trace.plan.scenario.encounters, sights_in(trace.plan)
        self.trace, self.spec, self.sights = trace, spec, list(sights.by_stage.values())
        self.correlations = sights.correlations
        self.drawn: Drawn = drawn(trace.plan, trace.seed, trace.replication)
        self.answers = answers_of(trace)
        self.objects = [kind.object for kind in spec.kinds.values()]
        self.weather = weather_at(trace.plan, self.drawn.at_s)
        self.braking: Braking = spec.braking

    @cached_property
    def known(self) -> list[KnownAges]:
        """Return the planner's knowledge of the road ahead over time; where both must confirm, of each kind of sensor."""
        kinds = [self._places(True), self._places(False)] if self.spec.fuses == "both" else [list(range(len(self.sights)))]
        each = [self.answers.of(places) for places in kinds if places]
        answered = [np.isfinite(answers.known) for answers in each]
        return [
            known_from(answers.captured[known], answers.known[known]) for answers, known in zip(each, answered, strict=True)
        ]

    def too_old(self, times: Floats) -> Bools:
        """Check that the planner's knowledge is too old at these times, in s of the run, shape of `times`; needs `degrades`."""
        return np.asarray(self.beyond_s(times) > 0)

    def beyond_s(self, times: Floats) -> Floats:
        """Return by how much the planner's knowledge is older than `degrades` lets it be, in s, shape of `times`."""
        assert self.spec.degrades is not None
        oldest = np.max([known.ages(times) for known in self.known], axis=0)
        return np.asarray(oldest - self.spec.degrades.above_age_ms / 1000)

    def speed_while_degraded(self, times: Floats) -> Floats:
        """Return the vehicle's speed at times of the run, in m/s: as the drive has it, and no more than `degrades` lets it be.

        It slows down from when the age is reached, and is back as soon as something newer is known.
        """
        speed, mode = speed_at(self.trace.plan, times), self.spec.degrades
        if mode is None:
            return speed
        beyond, limit = self.beyond_s(times), mode.speed_kmh.value * KMH
        slowed = limit if mode.slows_mps2 is None else np.maximum(speed - mode.slows_mps2.value * beyond, limit)
        return np.where(beyond > 0, np.minimum(speed, slowed), speed)

    def _places(self, cameras: bool) -> list[int]:
        return [place for place, sight in enumerate(self.sights) if sight.is_camera == cameras]

    @cached_property
    def speed_mps(self) -> Floats:
        return self.speed_while_degraded(self.drawn.at_s)

    @cached_property
    def counts(self) -> Bools:
        return np.asarray(speed_at(self.trace.plan, self.drawn.at_s) - self.drawn.own_mps > 0.1)

    @cached_property
    def closes(self) -> Bools:
        return np.asarray(self.speed_mps - self.drawn.own_mps > 0.1)

    @cached_property
    def closing_mps(self) -> Floats:
        return np.maximum(self.speed_mps - self.drawn.own_mps, SLOWEST_MPS)

    @cached_property
    def gap_m(self) -> Floats:
        return np.minimum(self.drawn.gap_m, self.closing_mps * LONGEST_S)

    @property
    def followed_s(self) -> Floats:
        """The time for which frames of each encounter count, in s, shape (n,): until a vehicle without brakes is there."""
        return self.gap_m / self.closing_mps

    @cached_property
    def deceleration(self) -> Floats:
        names = list(self.spec.conditions)
        each = np.array([deceleration_of(self.spec, name) for name in names] + [deceleration_of(self.spec, None)])
        return each[self.weather]

    @cached_property
    def ticks(self) -> Floats:
        """The times of the planner's decisions, in seconds from when the object comes into view, shape (n, j)."""
        period = self.braking.period_s
        first = np.ceil(self.drawn.at_s / period) * period - self.drawn.at_s
        return first[:, None] + period * np.arange(int(np.ceil(LONGEST_S / period)) + 1)

    @cached_property
    def families(self) -> dict[str, Looks]:
        kinds = {"camera": self._places(True), "lidar": self._places(False)}
        return {name: self._looks(self.answers.of(places)) for name, places in kinds.items() if places}

    def _looks(self, answers: Answers) -> Looks:
        first = np.searchsorted(answers.captured, self.drawn.at_s)
        last = np.searchsorted(answers.captured, self.drawn.at_s + self.followed_s, side="right")
        place = first[:, None] + np.arange(max(int((last - first).max(initial=0)), 1))
        there = place < last[:, None]
        place = np.minimum(place, max(len(answers.captured) - 1, 0))
        if not len(answers.captured):
            empty = np.zeros(place.shape, np.int64)
            nothing = np.full(place.shape, np.inf)
            return Looks(nothing * np.nan, nothing, empty, empty, there, empty)
        at = self.drawn.at_s[:, None]
        after = np.where(there, answers.captured[place] - at, np.nan)
        known = np.where(there, answers.known[place] - at, np.inf)
        order = np.argsort(known, axis=1, kind="stable")
        after, known, place = (np.take_along_axis(each, order, 1) for each in (after, known, place))
        sight = answers.sight[place]
        return Looks(after, known, sight, answers.sensor[place], self._in_view(after, sight), _step(after))

    def _in_view(self, after_s: Floats, sight: NDArray[np.int64]) -> Bools:
        widest = [spec.half_angle_deg.value if spec.half_angle_deg else 180.0 for spec in self.spec.sees.values()]
        ahead = np.maximum(self._gap_at(after_s), 0.1)
        beside = np.degrees(np.arctan2(self.lateral_m(after_s), ahead))
        return np.asarray(beside <= np.array(widest)[sight])

    def lateral_m(self, after_s: Floats) -> Floats:
        """Return the distance of the object beside the way at times after it came into view, shape (n, f)."""
        moved = self.drawn.crosses_mps[:, None] * np.nan_to_num(after_s)
        return np.maximum(self.drawn.lateral_m[:, None] - moved, 0.0)

    def _gap_at(self, after_s: Floats) -> Floats:
        """Return the gap at times after the object came into view, if the vehicle does not brake; shape (n, f)."""
        return self.gap_m[:, None] - self.closing_mps[:, None] * after_s

    def chances(self, looks: Looks, draw: int = 0) -> Floats:
        """Return the recall of each frame, shape (n, f); 0 where the object is out of view."""
        chances = np.zeros(looks.after_s.shape)
        for frames in self._frames(looks, np.ones(chances.shape, bool)):
            chances[frames.row, frames.place] = ndtr(self._latest(frames, np.array([draw]))[0])
        return chances * looks.seen

    def _frames(self, looks: Looks, wanted: Bools) -> list[FramesOfObject]:
        """Divide frames by the stage that looks and the kind of object, shape of `wanted`: (n, f)."""
        gap = np.maximum(np.nan_to_num(self._gap_at(looks.after_s), nan=1.0), 0.5)
        found = []
        for sight, (what, rows) in product(range(len(self.sights)), self._by_object.items()):
            row, place = np.nonzero(wanted & (looks.sight == sight) & rows[:, None])
            if len(row):
                x = self._scaled(self.sights[sight], what, gap[row, place], row)
                hidden = looks.after_s[row, place] < self.drawn.hidden_s[row]
                found.append(FramesOfObject(sight, what, row, place, x, hidden))
        return found

    @cached_property
    def _by_object(self) -> dict[str, Bools]:
        """The encounters with each kind of object, shape (n,)."""
        objects = np.array(self.objects)[self.drawn.kind]
        return {what: objects == what for what in dict.fromkeys(self.objects)}

    def _scaled(self, sight: StageSight, what: str, gap: Floats, row: NDArray[np.int64]) -> Floats:
        recall = sight.recalls[what]
        if recall.by != "height_px":
            return gap
        assert sight.spec.scale_px is not None
        return np.asarray(sight.spec.scale_px * self.drawn.height_m[row] / gap)

    def _latest(self, frames: FramesOfObject, draws: Places) -> Floats:
        """Return the value of the latent process up to which each frame finds the object, shape (draws, k)."""
        if self.spec.misses != "measured":
            found = np.inf if self.spec.misses == "none" else np.where(frames.hidden, -np.inf, np.inf)
            return np.full((len(draws), len(frames.row)), found)
        sight = self.sights[frames.sight]
        shifts = np.stack([*(shift[draws] for shift in sight.shifts.values()), np.zeros(len(draws))], axis=1)
        hidden = sight.spec.hidden_shift.value * frames.hidden if sight.spec.hidden_shift else 0.0
        recall = np.clip(sight.recalls[frames.what].drawn_at(frames.x, draws), _NEARLY, 1 - _NEARLY)
        return np.asarray(ndtri(recall) + shifts[:, self.weather[frames.row]] + hidden)

    @cached_property
    def noises(self) -> dict[str, Noise]:
        return {name: self._noise(name) for name in self.families}

    def _noise(self, name: str) -> Noise:
        return noise(self.trace.seed, self.trace.replication, len(self.drawn.at_s), name)

    @cached_property
    def answered(self) -> dict[str, Looks]:
        """The frames of each kind of sensor whose answers come to be known, with others that fill up the columns."""
        return {name: looks.answered for name, looks in self.families.items()}

    @cached_property
    def _findable(self) -> dict[str, list[FramesOfObject]]:
        """The frames of each kind of sensor that may find the object: it is in view, and the answer comes to be known."""
        return {name: self._frames(looks, looks.known & looks.seen) for name, looks in self.answered.items()}

    def hits(self, name: str) -> Bools:
        """Draw the frames of a kind of sensor that find the object, for the evidence as it is; shape of `families`: (n, f)."""
        found = self._hits(name, _AS_IT_IS)[0]
        every = np.zeros(self.families[name].after_s.shape, bool)
        every[:, : found.shape[1]] = found
        return every

    def _hits(self, name: str, draws: Places) -> Bools:
        """Draw the frames that find the object, for each draw of the evidence, shape of `answered`: (draws, n, f)."""
        looks = self.answered[name]
        hits = np.zeros((len(draws), *looks.after_s.shape), bool)
        for frames in self._findable[name]:
            latent = self._process(name, frames, looks.step[frames.row, frames.place], draws)
            hits[:, frames.row, frames.place] = latent <= self._latest(frames, draws)
        return hits

    def _process(self, name: str, frames: FramesOfObject, step: Places, draws: Places) -> Floats:
        """Return the latent process behind misses of a kind of object, in each of its frames, shape (draws, k)."""
        rows, misses = self._by_object[frames.what], self._sight_of(name).misses[frames.what]
        place = (np.cumsum(rows) - 1)[frames.row], step
        fresh = self._noise_at(name, rows, place)
        shared = name == "lidar" and frames.what in self.correlations
        camera = self._noise_at("camera", rows, place) if shared else fresh
        correlations = self._correlations(frames.what, draws) if shared else [0.0] * len(draws)
        latent = np.empty((len(draws), len(step)))
        for number, (draw, correlation) in enumerate(zip(draws, correlations, strict=True)):
            own = related(camera, fresh, correlation) if shared else fresh
            stays, slow = misses.of_object[draw], misses.slow[draw]
            slowly_passing = slowly(own.slow, misses.tau_s[draw])[place]
            passing = np.sqrt(slow) * slowly_passing + np.sqrt(max(1 - stays - slow, 0.0)) * own.white
            latent[number] = np.sqrt(stays) * own.object + passing
        return latent

    def _noise_at(self, name: str, rows: Bools, place: tuple[Places, Places]) -> Noise:
        """Return the noise behind frames, shape (k,), and its slow part from the beginning, shape (rows, steps)."""
        noise, (row, step) = self.noises[name] if name in self.noises else self._noise(name), place
        slow, white = noise.slow[rows, : int(step.max()) + 1], noise.white[rows]
        return Noise(noise.object[rows][row], slow, white[place])

    def _sight_of(self, name: str) -> StageSight:
        return next(sight for sight in self.sights if sight.is_camera == (name == "camera"))

    def _correlations(self, what: str, draws: Places) -> list[float]:
        """Return the correlation of what camera and LiDAR miss, for draws of the evidence."""
        value, low, high = self.correlations[what]
        luck = np.append(0.0, _LUCK)[draws]
        wanted = value + luck * np.where(luck > 0, high - value, value - low) / 1.96
        camera, lidar = (self._sight_of(name).misses[what] for name in ("camera", "lidar"))
        shares = [
            [misses.of_object[0], misses.slow[0], max(1 - misses.of_object[0] - misses.slow[0], 0.0)]
            for misses in (camera, lidar)
        ]
        overlap = float(np.sqrt(np.prod(shares, axis=0)).sum())
        return [float(correlation) for correlation in np.clip(wanted / max(overlap, 1e-6), -0.999, 0.999)]

    def outcome(self) -> EncounterOutcome:
        """Return the outcome of each encounter, for the evidence as it is."""
        found = self.outcomes(_AS_IT_IS)
        return EncounterOutcome(**{name: column[0] for name, column in vars(found).items()})

    def outcomes(self, draws: Places) -> EncounterOutcome:
        """Return the outcome of each encounter for draws of the evidence, shape (draws, n) each.

        draws: 0 for the evidence as it is, 1 to DRAWS for its resamples
        """
        hits = {name: self._hits(name, draws) for name in self.families}
        needs = self.spec.confirms
        found = [self._confirmed(self.answered[name], hit, needs) for name, hit in hits.items()]
        seen, confirmed = np.stack(found, axis=1)
        which = (confirmed.argmax(0) if self.spec.fuses == "both" else confirmed.argmin(0))[None]
        seen, when = (np.take_along_axis(each, which, 0)[0] for each in (seen, confirmed))
        course = self._gentle_course(hits, draws)
        braking = self._decided(hits, when, draws, self.deceleration, course) + self.braking.actuation_s.value
        closing = self.closing_mps if course is None else course.closing_at(self.gap_m, self.closing_mps, braking)
        gap, left = self._gap_left(braking, course), self._gap_left(when, course)
        if course is not None:  # gentle brakes alone may be enough
            alone = ~np.isfinite(braking) & stands(closing)
            gap = np.where(alone, self._gap_left(course.begins_s + course.lasts_s, course), gap)
        margin = gap - needed_m(closing, self.deceleration)
        impact = impact_mps(gap, closing, self.deceleration)
        stays = ~self.closes  # a vehicle that does not close in has stopped for it
        margin, impact = np.where(stays, self.gap_m, margin), np.where(stays, 0.0, impact)
        slowing = np.full(braking.shape, np.inf) if course is None else course.begins_s
        return EncounterOutcome(seen, when, braking, left, margin, impact, slowing)

    def _gap_left(self, times: Floats, course: GentleCourse | None) -> Floats:
        """Return the gap at times after the object came into view before full braking, shape of `times`; 0 where infinite."""
        gained = 0.0 if course is None else course.gained_m(np.where(np.isfinite(times), times, 0.0))
        with np.errstate(invalid="ignore"):
            return np.where(np.isfinite(times), np.maximum(self.gap_m - self.closing_mps * times + gained, 0.0), 0.0)

    def _gentle_course(self, hits: Mapping[str, Bools], draws: Places) -> GentleCourse | None:
        """Return gentle braking in each encounter, shapes (draws, n); None where the case has none.

        It begins at the first tick when an object that was found in few frames is believed to be within the way of a gentle
        stop. What frames find until then is as without it. Later ones are taken to see the object as near as without it.
        """
        gentle = self.braking.gentle
        if gentle is None:
            return None
        found = [self._confirmed(self.answered[name], hit, gentle)[1] for name, hit in hits.items()]
        first, slows = np.min(found, axis=0), gentle.deceleration_mps2.value
        begins = self._decided(hits, first, draws, np.full(len(self.gap_m), slows), None) + self.braking.actuation_s.value
        return GentleCourse(begins, np.minimum(gentle.lasts_s.value, self.closing_mps / slows), slows)

    def _confirmed(self, looks: Looks, hit: Bools, needs: Confirmation) -> tuple[Floats, Floats]:
        """Return the capture of the frame that confirms, and the time when its answer is known; shapes (draws, n).

        Infinite where the object is never found in enough of them.
        """
        counts = np.cumsum(hit, axis=-1, dtype=np.int32)
        enough = counts >= needs.hits
        enough[..., needs.of :] = counts[..., needs.of :] - counts[..., : -needs.of] >= needs.hits
        enough &= looks.known
        return first_time(looks.after_s, enough), first_time(looks.known_s, enough)

    def _decided(
        self, hits: Mapping[str, Bools], when: Floats, draws: Places, slows: Floats, course: GentleCourse | None
    ) -> Floats:
        """Return the tick when the planner decides to brake with a deceleration, shape (draws, n), or infinite.

        It does so once the object is confirmed, at the first tick when it believes the gap to be small enough. Until the next
        frame with the object it believes in the distance and the closing speed of the latest one.
        """
        each = [self._decided_by(name, hit, when, self._believed_in(name, draws, course), slows) for name, hit in hits.items()]
        return np.asarray(np.min(each, axis=0))

    def _believed_in(self, name: str, draws: Places, course: GentleCourse | None) -> tuple[Floats, Floats]:
        gap, closing = self._believed_of(name, draws)
        if course is None:
            return gap, closing
        each = GentleCourse(course.begins_s[..., None], course.lasts_s[:, None], course.mps2)
        at = np.nan_to_num(self.answered[name].after_s)
        return gap + each.gained_m(at), np.maximum(closing - each.lost_mps(at), SLOWEST_MPS)

    def _decided_by(self, name: str, hit: Bools, when: Floats, believed: tuple[Floats, Floats], mps2: Floats) -> Floats:
        looks, (gap, closing) = self.answered[name], believed
        enough = closing * self.braking.margin_s.value + needed_m(closing, mps2[:, None]) + self.braking.clearance_m.value
        spare = gap - enough
        near_from = looks.after_s + spare / closing if self.braking.predicts else np.where(spare <= 0, -np.inf, np.inf)
        known = np.where(hit, looks.known_s, np.inf)
        with np.errstate(invalid="ignore"):
            tick = tick_after(self.ticks[:, :1], self.braking.period_s, np.fmax(np.fmax(known, near_from), when[..., None]))
        return np.asarray(np.where(tick < _next(known), tick, np.inf).min(-1))

    def _believed_of(self, name: str, draws: Places) -> tuple[Floats, Floats]:
        """Return the gap and the closing speed that each frame of a kind of sensor reports, shapes (draws, n, f)."""
        looks = self.answered[name]
        shape = (len(draws), *looks.after_s.shape)
        gap = np.broadcast_to(self._gap_at(looks.after_s), shape)
        closing = np.broadcast_to(self.closing_mps[:, None], shape)
        times = 1.0 if self.braking.range_error is None else self.braking.range_error.value
        if not times or not any(sight.ranging for sight in self.sights):
            return gap, closing
        gap, closing = gap.copy(), closing.copy()
        for frames in self._findable[name]:
            if ranging := self.sights[frames.sight].ranging.get(frames.what):
                at = frames.row, frames.place
                gap[:, *at] *= self._error(f"{name}.distance", frames, ranging.distance, draws) ** times
                most = np.maximum(self.speed_mps[frames.row], SLOWEST_MPS)
                if self.braking.closing == "measured":
                    moved = times * self._error(f"{name}.closing", frames, ranging.closing, draws)
                    closing[:, *at] = np.clip(closing[:, *at] + moved, SLOWEST_MPS, most)
                else:
                    closing[:, *at] = most
        return gap, closing

    def _error(self, name: str, frames: FramesOfObject, error: RangeError, draws: Places) -> Floats:
        """Return an error of distances in each frame, shape (draws, k); its random numbers are a stream of its own."""
        rows = self._by_object[frames.what]
        looks = self.answered[name.partition(".")[0]]
        place = (np.cumsum(rows) - 1)[frames.row], looks.step[frames.row, frames.place]
        stays, slow, tau_s = error.parts.of_object[0], error.parts.slow[0], error.parts.tau_s[0]
        own = self._noise_at(name, rows, place)
        normal = np.sqrt(stays) * own.object + np.sqrt(slow) * slowly(own.slow, tau_s)[place]
        normal = normal + np.sqrt(max(1 - stays - slow, 0.0)) * own.white
        gap = self._gap_at(looks.after_s)[frames.row, frames.place]
        return error.drawn_at(gap, normal, draws)

    @cached_property
    def believed(self) -> Floats:
        """The gap that the planner believes in at each tick, from the newest frame with the object, shape (n, j)."""
        newest = np.full(self.ticks.shape, -np.inf)
        believed = np.full(self.ticks.shape, np.nan)
        for name in self.families:
            captured, gap, closing = self._newest(name, self._hits(name, _AS_IT_IS)[0])
            moved = gap - closing * (self.ticks - captured) if self.braking.predicts else gap
            with np.errstate(invalid="ignore"):
                later = captured > newest
            newest, believed = np.where(later, captured, newest), np.where(later, moved, believed)
        return believed

    def _newest(self, name: str, hit: Bools) -> tuple[Floats, Floats, Floats]:
        """Return the newest frame with the object at each tick: its capture (-inf: none), its gap and its closing speed."""
        looks = self.answered[name]
        gap, closing = (each[0] for each in self._believed_of(name, _AS_IT_IS))
        captured = np.where(hit, looks.after_s, -np.inf)
        order = np.where(captured >= np.maximum.accumulate(captured, axis=1), np.arange(captured.shape[1]), 0)
        best = np.maximum.accumulate(order, axis=1)
        count = self._counts[name]
        place = np.take_along_axis(best, np.maximum(count - 1, 0), 1)
        at = np.where(count > 0, np.take_along_axis(captured, place, 1), -np.inf)
        return at, np.take_along_axis(gap, place, 1), np.take_along_axis(closing, place, 1)

    @cached_property
    def _counts(self) -> dict[str, NDArray[np.int64]]:
        """Count the frames of each kind known at each tick, shape (n, j)."""
        return {name: _counts(looks.known_s, self.ticks) for name, looks in self.answered.items()}


#: The evidence without any resampling.
_AS_IT_IS = np.zeros(1, np.intp)

#: Standard normal quantiles in an order without a pattern: where the evidence gives an interval in place of resamples.
_LUCK = ndtri((np.random.default_rng(0).permutation(DRAWS) + 0.5) / DRAWS)


def _counts(known_s: Floats, ticks: Floats) -> NDArray[np.int64]:
    """Count the ascending times of each row that lie at or before each of its ticks, shape of `ticks`."""
    return np.stack([np.searchsorted(known, at, "right") for known, at in zip(known_s, ticks, strict=True)])


def _next(known_s: Floats) -> Floats:
    """Return for each frame when the next one is known, shape (..., f): of ascending times, infinite where a frame is not."""
    least = np.minimum.accumulate(known_s[..., ::-1], axis=-1)[..., ::-1]
    return np.concatenate([least[..., 1:], np.full((*known_s.shape[:-1], 1), np.inf)], axis=-1)


def _step(after_s: Floats) -> NDArray[np.int64]:
    return np.clip(np.nan_to_num(after_s) / STEP_S, 0, STEPS - 1).astype(np.int64)


def reaction_s(meeting: Meeting) -> float | None:
    """Return the time from the capture of a frame until the brakes hold, in s: None where no frame was answered.

    The median of how long an answer takes, half a tick of the planner, which is the mean wait for the next one, and the delay
    of the brakes.
    """
    answers, braking = meeting.answers, meeting.braking
    answered = np.isfinite(answers.known)
    if not answered.any():
        return None
    took = float(np.median(answers.known[answered] - answers.captured[answered]))
    return took + braking.period_s / 2 + braking.actuation_s.value
