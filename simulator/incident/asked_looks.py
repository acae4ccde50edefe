"""Looks that answer a question of the player: a query over the log of frames, a person's words, and a check of the test set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple
from typing import Annotated, Any, ClassVar, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from simulator.evidence.detection_tables import BINS
from simulator.incident.any_look import AnyLook, Asked, Column, LookFinding, LookInput, LookRequest
from simulator.incident.effects import Person
from simulator.incident.looks import HOUR_S, View, clustered
from simulator.incident.watches import name_of
from simulator.records.streams import Streams
from simulator.units import counted, spoken_within, upper_first

#: A person who has noticed nothing mentions another cause at this rate; one who has noticed it says so at that rate.
_IN_VAIN, _NOTICES = 0.25, 0.75
#: The most rows that a query shows.
_ROWS = 200
#: Columns of the log of frames that are no figures, and those of the log of detections beside them.
COLUMNS: tuple[Column, ...] = get_args(Column)
OF_FRAMES, OF_DETECTIONS = COLUMNS[:6], COLUMNS[6:]
#: Sizes of boxes by their area in pixels of the labelled image, as COCO divides them (Lin et al. 2014).
SIZES = {"small": 0.0, "medium": 32.0**2, "large": 96.0**2}


class QueryLook(AnyLook):
    """A query over the log of frames: filter by columns, group by columns, and the mean of one figure with its interval.

    By object or size of the box it reads the log of detections instead, and gives the detections a frame.
    """

    takes: ClassVar[tuple[LookInput, ...]] = ("statistic", "groups", "only", "hours")

    asks: ClassVar[Asked] = None

    kind: Literal["query"]

    def find(self, view: View, request: LookRequest) -> LookFinding:
        of_frames = {name: each for name, each in request.only.items() if name in OF_FRAMES}
        log = _kept(frame_log(view, request.statistic, request.hours), of_frames)
        by_object = bool({*request.groups, *request.only} & {*OF_DETECTIONS})
        rows = _of_detections(view, log, request) if by_object else _of_frames(log, request.groups)
        figure = "detections a frame" if by_object else name_of(request.statistic)
        table = pd.DataFrame(rows[:_ROWS], columns=[*request.groups, "frames", figure, "low", "high"])
        chosen = "".join(f", {column} {value}" for column, value in request.only.items())
        by = f" by {' and '.join(request.groups)}" if request.groups else ""
        more = " False detections have no object in the log, so they are left out." if by_object else ""
        words = f"{upper_first(figure)}{by}, last {request.hours:g} h{chosen}: {_means(rows, len(log))}.{more}"
        return LookFinding(words, "", table)


def _of_frames(log: pd.DataFrame, groups: Sequence[str]) -> list[tuple[Any, ...]]:
    parts = [(key, part) for key, part in _parts(log, groups) if len(part)]
    return [(*key, len(part), *_bounds(part["value"].to_numpy(), part)) for key, part in parts]


def _parts(log: pd.DataFrame, groups: Sequence[str]) -> Iterable[tuple[Any, pd.DataFrame]]:
    return log.groupby(list(groups), sort=True) if groups else [((), log)]


def _bounds(values: NDArray[np.float64], frames: pd.DataFrame) -> tuple[float, float, float]:
    value, low, high = astuple(clustered(values, frames["scene"].to_numpy()))
    return value, low, high


def _means(rows: Sequence[tuple[Any, ...]], frames: int) -> str:
    """Return the mean and its interval where there is one group, else the number of groups; with the number of frames."""
    if len(rows) != 1:
        return f"{counted(frames, 'frame')} in {counted(len(rows), 'group')}"
    value, low, high = rows[0][-3:]
    mean, interval = spoken_within(value, low, high, "")
    return f"{mean.strip()} ({interval}), {counted(frames, 'frame')}"


def _kept(log: pd.DataFrame, only: Mapping[Column, str]) -> pd.DataFrame:
    for column, value in only.items():
        log = log[log[column].astype(str).str.lower() == value.lower()]
    return log


def _of_detections(view: View, log: pd.DataFrame, request: LookRequest) -> list[tuple[Any, ...]]:
    """Return the detections a frame, by groups of frames and of detections; frames without one count too."""
    of_frames, of_detections = ([name for name in request.groups if name in names] for names in (OF_FRAMES, OF_DETECTIONS))
    wanted = {name: each for name, each in request.only.items() if name in OF_DETECTIONS}
    found = _kept(detection_log(view, log), wanted)
    rows: list[tuple[Any, ...]] = []
    for key, frames in _parts(log, of_frames):
        for inner, part in _parts(found[found["row"].isin(frames["row"])], of_detections):
            named = dict(zip(of_frames, key, strict=True)) | dict(zip(of_detections, inner, strict=True))
            counts = np.nan_to_num(np.asarray(frames["row"].map(part["row"].value_counts()), float))
            rows.append((*(named[name] for name in request.groups), len(frames), *_bounds(counts, frames)))
            if len(rows) > _ROWS:
                return rows
    return rows


def detection_log(view: View, log: pd.DataFrame) -> pd.DataFrame:
    """Return a row a detection of these frames that counts: the frame's row, the object, and the size of its box."""
    scenes, frames, rows = view.statistics.scenes, view.statistics.frames, log["row"].to_numpy()
    cell = np.stack([frames.network[rows], frames.given[rows], frames.scene[rows], frames.bin[rows]])
    unlike, place = np.unique(cell, axis=1, return_inverse=True)
    parts = []
    for number, (network, given, scene, bin_) in enumerate(unlike.T):
        boxes = np.flatnonzero(scenes.boxes.scene == scene)
        boxes = boxes[scenes.box_scores[network, given, boxes] >= BINS[bin_]]
        area = scenes.boxes.area_px[boxes]
        size = np.array([*SIZES])[np.searchsorted([*SIZES.values()], area, side="right") - 1]
        parts.append(pd.DataFrame({"cell": number, "object": scenes.boxes.category[boxes], "size": size}))
    empty = pd.DataFrame({"cell": [], "object": [], "size": []})
    by_cell = pd.concat(parts, ignore_index=True) if parts else empty
    return pd.DataFrame({"row": rows, "cell": place.ravel()}).merge(by_cell, on="cell").drop(columns="cell")


def frame_log(view: View, statistic: str, hours: float) -> pd.DataFrame:
    """Return the frames of the last hours that have a figure, a row each, with the columns of the log."""
    frames, spec = view.statistics.frames, view.spec
    values = view.statistics.figure(statistic)
    rows = np.flatnonzero((frames.at_s < view.now_s) & (frames.at_s >= view.now_s - hours * HOUR_S) & np.isfinite(values))
    sites, versions = list(spec.sites), list(spec.versions)
    first = np.cumsum([0, *(site.cameras for site in spec.sites.values())])
    return pd.DataFrame(
        {
            "site": [sites[place] for place in frames.site[rows]],
            "camera": [f"{sites[site]} {camera - first[site] + 1}" for site, camera in
                       zip(frames.site[rows], frames.camera[rows], strict=True)],
            "version": [versions[place] for place in frames.version[rows]],
            "replica": frames.served.replica[rows] + 1,
            "hour": frames.hour[rows].astype(int),
            "day": (frames.at_s[rows] // 86_400).astype(int) + 1,
            "scene": frames.dwell[rows],
            "row": rows,
            "value": values[rows],
        }
    )  # fmt: skip


class AskLook(AnyLook):
    """Ask a person, who answers late and in own words."""

    takes: ClassVar[tuple[LookInput, ...]] = ("person",)

    asks: ClassVar[Asked] = ("person", get_args(Person))

    kind: Literal["ask"]

    def find(self, view: View, request: LookRequest) -> LookFinding:
        said, known = words_of(view, request.person)
        return LookFinding(f"{_PEOPLE[request.person]}: “{said}”", known, pd.DataFrame())


_PEOPLE = {"site": "The site", "data": "The data team", "client": "The client’s developers"}


def words_of(view: View, person: Person) -> tuple[str, str]:
    """Return the words of a person, and their sign: a worry or none; a worry may belong to another cause than the present."""
    rng = Streams(view.secret.seed).named(f"words/{person}")
    noticed, vain, which = rng.random(3).tolist()
    own = [view.spec.causes[name].says[person] for name in view.secret.causes if person in view.spec.causes[name].says]
    if own and view.secret.onset_s <= view.now_s and noticed < _NOTICES:
        return own[0], "a worry"
    others = [cause.says[person] for cause in view.spec.causes.values() if person in cause.says]
    if others and vain < _IN_VAIN:
        return others[int(which * len(others))], "a worry"
    calm = view.spec.talk.get(person) or ["Nothing that I know of."]
    return calm[int(which * len(calm))], "nothing new"


class EvaluationLook(AnyLook):
    """Check the test set: images of it that have a copy among the training images."""

    kind: Literal["evaluation"]
    images: Annotated[int, Field(ge=10, le=10_000)] = 64
    """how many are checked"""

    def find(self, view: View, request: LookRequest) -> LookFinding:
        share = max(view.spec.causes[name].copied for name in (*view.secret.causes, view.spec.nothing))
        copies = int(Streams(view.secret.seed).named("copies").binomial(self.images, share))
        sentence = f"{copies} of {self.images} test images have a near copy among the training images."
        return LookFinding(sentence, "copies" if copies > self.images / 8 else "few copies", pd.DataFrame())
