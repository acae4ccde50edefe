"""Looks at the servers: their counters, the log of changes, the replicas, the preprocessing, and answers side by side."""

from __future__ import annotations

import hashlib
from dataclasses import astuple, replace
from typing import Annotated, ClassVar, Literal, get_args

import numpy as np
import pandas as pd
from pydantic import Field

from simulator.arrays import Floats, Ints
from simulator.case.fields import Share
from simulator.incident.any_look import AnyLook, Asked, LookFinding, LookInput, LookRequest
from simulator.incident.effects import NetworkEffect, Replica, System
from simulator.incident.fixes import Changes, Swapped
from simulator.incident.looks import DAY_S, HOUR_S, SAME, View, clustered, less
from simulator.intervals import Interval
from simulator.phrases import phrase
from simulator.records.streams import Streams
from simulator.units import counted, signed

_MONTH_S = 30 * DAY_S
#: Replicas with an old processor, without any fault.
_OLD = 0.4
#: A frame with up to this number of detections shows few things.
_FEW = 3
#: An hour with fewer clips counts as an hour with this number, in the share of dropped clips.
_FEW_CLIPS = 20


class CountersLook(AnyLook):
    """Counters of the servers: clips that came, clips dropped, and the time to an answer."""

    kind: Literal["counters"]

    def find(self, view: View, request: LookRequest) -> LookFinding:
        served, rows = view.statistics.frames.served, []
        for name, part, days in (("last day", view.recent(), 1.0), ("reference", view.reference(), view.spec.reference_days)):
            latency = served.latency_s[part]
            slow = float(np.nanquantile(latency, 0.95)) if np.isfinite(latency).any() else float("nan")
            dropped = served.dropped[part].astype(float)
            hours = (served.arrived_s[part] // HOUR_S).astype(np.int64)
            hours -= hours.min(initial=0) if len(hours) else 0
            worst = (np.bincount(hours, dropped) / np.maximum(np.bincount(hours), _FEW_CLIPS)).max(initial=0)
            rows.append((name, part.sum() / days / 24, 100 * float(dropped.mean()), 100 * float(worst), slow))
        columns = ["time", "clips an hour", "dropped (%)", "dropped in the worst hour (%)", "answer, 95% within (s)"]
        now, then = rows
        sides = {"clips": now[1], "dropped": now[2], "worst": now[3]}
        before = {"clips_then": then[1], "dropped_then": then[2], "worst_then": then[3]}
        sentence = phrase("incident_looks.counters", **sides, **before)
        return LookFinding(sentence, "drops" if now[3] > then[3] + 1 else "no drops", pd.DataFrame(rows, columns=columns))


#: A change of the log is recent for this time before the look.
_RECENT_S = 2 * DAY_S


class ChangesLook(AnyLook):
    """The log of changes of the last days, of all systems or of one."""

    takes: ClassVar[tuple[LookInput, ...]] = ("system",)
    asks: ClassVar[Asked] = ("system", get_args(System))

    kind: Literal["changes"]
    days: Annotated[float, Field(gt=0, le=60)] = 30
    """how far back it goes"""

    def find(self, view: View, request: LookRequest) -> LookFinding:
        log = view.spec.log
        lines = [
            (at_s, log[name])
            for at_s, name in log_lines(view)
            if view.now_s - self.days * DAY_S <= at_s <= view.now_s and request.system in (None, log[name].system)
        ]
        rows = [(_day(at_s), entry.system, entry.text, "\n".join(entry.diff)) for at_s, entry in lines]
        table = pd.DataFrame(rows, columns=["when", "system", "change", "diff"])
        recent = sum(at_s >= view.now_s - _RECENT_S for at_s, _ in lines)
        of = f" of {request.system}" if request.system else ""
        sentence = f"The log{of} has {counted(len(lines), 'change')} in {self.days:g} days."
        return LookFinding(sentence, "recent" if recent else "none recent", table)


def _day(at_s: float) -> str:
    """Return the day of a line; its hour would show that lines of a cause and of a decoy are of one moment."""
    day = int(at_s // DAY_S) + 1
    return f"day {day}" if day > 0 else f"{counted(1 - day, 'day')} before day 1"


def log_lines(view: View) -> list[tuple[float, str]]:
    """Return the time (s) and the name of every line of the log, the latest first: everyday ones, and those of the onset."""
    rng = Streams(view.secret.seed).named("log")
    first_s, length_s = -_MONTH_S, _MONTH_S + view.stream.end_s
    lines = [
        (first_s + float(at) * length_s, name)
        for name, entry in view.spec.log.items()
        for at in rng.random(int(rng.poisson(entry.a_month * length_s / _MONTH_S)))
    ]
    return sorted([*lines, *((view.secret.onset_s, name) for name in view.secret.entries(view.spec))], reverse=True)


class ReplicasLook(AnyLook):
    """The hash of the model and the configuration of each replica, beside the tested ones."""

    kind: Literal["replicas"]

    def find(self, view: View, request: LookRequest) -> LookFinding:
        release = view.spec.release
        salt = f"configuration/{view.secret.salt}"  # so that the hash of a configuration cannot be looked up
        tested = _file_hash(view, *release.network), _hash(salt, "")
        after = f"after/{view.secret.salt}"
        rows = [
            (
                f"replica {place + 1}",
                _file_hash(view, *replica.model),
                replica.model[1],
                _hash(salt, "".join(replica.conditions)),
                _hash(after, "".join(replica.counting)),
                "older" if replica.old else "newer",
            )
            for place, replica in enumerate(_replicas(view))
        ]
        table = pd.DataFrame(
            [*rows, ("tested", tested[0], release.precision, tested[1], _hash(after, ""), "newer")],
            columns=["replica", "model file", "precision", "preparation", "counting", "processor"],
        )
        tested_row = ("", tested[0], "", tested[1], _hash(after, ""))
        things = (("model", "model file", 1), ("preparation", "preparation", 3), ("counting", "rule of counting", 4))
        differing = [(sign, thing, [row[column] != tested_row[column] for row in rows]) for sign, thing, column in things]
        signs = [f"{'every' if all(odd) else sum(odd)} {sign}" for sign, _, odd in differing if any(odd)]
        sentences = [_odd_replicas(odd, thing) for _, thing, odd in differing if any(odd)]
        sentence = " ".join(sentences) or "All replicas run the tested model and configuration."
        older = sum(row[-1] == "older" for row in rows)
        machines = f" {older} of {len(rows)} run on an older processor." if older else ""
        return LookFinding(f"{sentence}{machines}", ", ".join([*signs, *(["older"] if older else [])]) or "as tested", table)


def _replicas(view: View) -> list[Replica]:
    moved = any(isinstance(effect, NetworkEffect) and effect.old_processor for effect, _ in view.secret.effects(view.spec))
    old = Streams(view.secret.seed).named("processors").random(view.replicas()) < (0.0 if moved else _OLD)
    replicas = [Replica(view.spec.release.network, old=bool(each)) for each in old]
    for effect, _ in view.secret.effects(view.spec):
        strength = view.strength(effect.enters_at)
        if strength <= 0 or effect.enters_at != "server":
            continue
        every = range(view.stream.served.replicas)
        for place in every if effect.where.replicas is None else view.stream.replicas_of(effect.where, strength):
            effect.change_replica(replicas[place])
    for change in Changes(view.changes).lasting:
        for replica in replicas:
            replica.model = change.model_after(replica.model, view.now_s)
    return replicas


def _odd_replicas(odd: list[bool], thing: str) -> str:
    names = [str(place + 1) for place in np.flatnonzero(odd)]
    return phrase("incident.odd_replicas", all=all(odd), names=names, thing=thing)


def _hash(kind: str, text: str) -> str:
    return hashlib.sha256(f"{kind}/{text}".encode()).hexdigest()[:12]


def _file_hash(view: View, detector: str, precision: str) -> str:
    file = view.statistics.scenes.files[detector]
    return file[:12] if precision == "fp32" else _hash(file, precision)


class PreprocessingLook(AnyLook):
    """Frames prepared by the training code, and as clients and servers prepared them, by version and replica."""

    kind: Literal["preprocessing"]
    frames: Annotated[int, Field(ge=1, le=10_000)] = 200
    """how many are compared"""

    def find(self, view: View, request: LookRequest) -> LookFinding:
        frames, scenes = view.statistics.frames, view.statistics.scenes
        chosen = view.chosen(view.recent() & ~frames.served.dropped, self.frames, "prepared")
        network, scene = frames.network[chosen], frames.scene[chosen]
        trained, served = (scenes.inputs[network, setting[chosen], scene] for setting in (frames.raw, frames.given))
        gaps = np.abs(served - trained) / trained[:, 1:2]
        rows = []
        for place, version in enumerate(view.spec.versions.values()):
            for replica in range(view.replicas()):
                part = (frames.version[chosen] == place) & (frames.served.replica[chosen] == replica)
                if part.any():
                    both = trained[part].mean(axis=0), served[part].mean(axis=0)
                    rows.append((version, f"replica {replica + 1}", *both[0], *both[1], float(gaps[part].max(axis=0).mean())))
        names = ["input mean", "input spread", "first minus last channel"]
        sides = [f"{name}, {side}" for side in ("trained", "served") for name in names]
        table = pd.DataFrame(rows, columns=["client", "replica", *sides, "gap (spreads)"])
        odd = table["gap (spreads)"] > SAME
        sign = _pattern(table, odd)
        clients, replicas = (", ".join(table.loc[odd, column].unique()) for column in ("client", "replica"))
        sentence = phrase(f"incident_looks.{sign.replace(' ', '_')}", clients=clients, replicas=replicas)
        return LookFinding(sentence, sign, table, prepared=_commonest_difference(view))


def _pattern(table: pd.DataFrame, odd: pd.Series) -> str:
    if not odd.any():
        return "nowhere"
    if odd.all():
        return "everywhere"
    for column, sign in (("client", "one client"), ("replica", "some replicas")):
        by = odd.groupby(table[column])
        if bool((by.all() == by.any()).all()):
            return sign
    return "some"


def _commonest_difference(view: View) -> tuple[tuple[str, int], tuple[str, int]] | None:
    """Return the commonest pair of settings, of the camera and of the network, of the last day's frames where they differ."""
    frames = view.statistics.frames
    odd = view.recent() & ~frames.served.dropped & (frames.raw != frames.given)
    if not odd.any():
        return None
    pairs, counts = np.unique(np.stack([frames.raw[odd], frames.given[odd]]), axis=1, return_counts=True)
    first, second = pairs[:, int(counts.argmax())]
    settings = list(view.statistics.scenes.settings)
    return settings[int(first)], settings[int(second)]


class ReplayLook(AnyLook):
    """Stored frames of the reference time, sent through the servers as they are now."""

    kind: Literal["replay"]
    frames: Annotated[int, Field(ge=20, le=10_000)] = 400
    """how many are sent again"""

    def find(self, view: View, request: LookRequest) -> LookFinding:
        frames = view.statistics.frames
        chosen = view.chosen(view.reference() & ~frames.served.dropped, self.frames, "replayed")
        served = view.stream.as_served(chosen, view.now_s, frames, view.changes)
        cell = served.network, served.given, frames.scene[chosen], served.bin
        now = view.statistics.scenes.tails[0][cell].astype(float)
        then = view.counts(chosen)
        finding = _compared("The same stored frames, now minus then", now, then, frames.dwell[chosen])
        few = (then > 0) & (then <= _FEW)
        lost = [float((now[part] < then[part]).mean()) if part.any() else 0.0 for part in (few, then > _FEW)]
        words = f"Of frames with up to {_FEW} detections {100 * lost[0]:.0f}% lost some, of fuller ones {100 * lost[1]:.0f}%."
        sign = "fewer in full frames" if finding.sign == "fewer" and lost[0] <= SAME < lost[1] else finding.sign
        return replace(finding, sentence=f"{finding.sentence} {words}", sign=sign)


class ShadowLook(AnyLook):
    """The previous release answers the live frames beside the present one."""

    kind: Literal["shadow"]

    def find(self, view: View, request: LookRequest) -> LookFinding:
        live = _live(view, self.minutes)
        before = _by_network(view, live, view.spec.previous.network)
        now, scenes = view.counts(live), view.statistics.frames.dwell[live]
        return _compared("The same live frames, the present release minus the previous one", now, before, scenes)


class CanaryLook(AnyLook):
    """The previous release answers a share of the traffic in earnest; its frames are other frames than those beside it."""

    kind: Literal["canary"]
    share: Annotated[Share, Field(gt=0)] = 0.1
    """the share of the traffic"""
    detector: Annotated[str | None, Field(max_length=40)] = None
    """the network that answers, in place of the previous release"""

    def find(self, view: View, request: LookRequest) -> LookFinding:
        previous = (self.detector, "fp32") if self.detector else view.spec.previous.network
        canary = Swapped(view.begun_s, previous, until_s=view.now_s, share=self.share, whole=True)
        live, scenes = _live(view, self.minutes), view.statistics.frames.dwell
        chosen = canary.chosen(view.stream)[live]
        before = clustered(_by_network(view, live[chosen], previous), scenes[live[chosen]])
        now = clustered(view.counts(live[~chosen]), scenes[live[~chosen]])
        result = _judged("Live frames, the present release minus the other one on other frames", now, before, less(now, before))
        return replace(result, canary=canary)


def _live(view: View, minutes: float) -> Ints:
    """Return the answered frames of the last minutes."""
    frames = view.statistics.frames
    live = (frames.at_s < view.now_s) & (frames.at_s >= view.now_s - 60 * minutes) & ~frames.served.dropped
    return np.flatnonzero(live)


def _by_network(view: View, rows: Ints, network: tuple[str, str]) -> Floats:
    """Return the detections that a network finds in these frames, as it was tested."""
    frames, scenes = view.statistics.frames, view.statistics.scenes
    cell = scenes.networks[network], frames.seen[rows], frames.scene[rows], scenes.best_bin(network)
    return np.asarray(scenes.tails[0][cell], float)


def _compared(head: str, now: Floats, then: Floats, clusters: Ints) -> LookFinding:
    """Compare the detections of equal frames by their differences."""
    finding = _judged(head, clustered(now, clusters), clustered(then, clusters), clustered(now - then, clusters))
    return finding if (now != then).any() else replace(finding, sentence=f"{head}: exactly as many detections.")


def _judged(head: str, now: Interval, then: Interval, change: Interval) -> LookFinding:
    small = abs(change.value) <= SAME * max(then.value, 1e-9)
    sign = "same" if small or change.low <= 0 <= change.high else "fewer" if change.value < 0 else "more"
    rows = [(name, *astuple(estimate)) for name, estimate in (("now", now), ("before", then), ("change", change))]
    table = pd.DataFrame(rows, columns=["figure", "detections a frame", "low", "high"])
    interval = f"{signed(change.value, 2)} ({signed(change.low, 2)} to {signed(change.high, 2)})"
    return LookFinding(f"{head}: {interval} detections a frame, of {then.value:.2f}.", sign, table)
