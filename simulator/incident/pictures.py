"""Pictures beside a look: drawn frames of two times, and one frame by two preparations, channel by channel.

A drawn frame shows each labelled box of a scene as a figure, under the condition of the frame, with the detector's boxes. The
boxes, their scores and the condition are those of the measured image; the photo itself is not shown, since its licence does
not allow it. A false detection has no known place and is not drawn.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter
from pydantic import TypeAdapter

from simulator.app.widgets import draw
from simulator.arrays import Ints
from simulator.charts.look import BLUE, GREEN, RED, Chart, figure, line, rounded
from simulator.evidence.detection_tables import BINS as SCORES
from simulator.evidence.evidence_files import EvidenceError, EvidenceRecord, read_evidence, read_yaml
from simulator.incident.measured_scenes import MeasuredScenes, Setting
from simulator.incident.player_actions import NotebookEntry
from simulator.incident.sessions import Game
from simulator.incident.stream import Frames
from simulator.paths import ILLUSTRATIONS
from simulator.phrases import phrase

NETWORK, ENDING = "network", ".webp"
#: A condition and its severity, 0 for clean images.
Shown = tuple[str, int]
#: How many bins a histogram has over the values 0 to 255.
BINS = 32


class ConditionShown(EvidenceRecord):
    """Label of a condition, the meaning of its strength, and the strengths by severity.

    struck: the strength is the share of the images that it strikes; one picture, of a struck image, stands for all severities
    """

    label: str
    means: str
    strengths: dict[int, float] = {}
    struck: bool = False


class IllustrationsAbout(EvidenceRecord):
    """Contents and making of the illustrations.

    sizes: width and height in pixels, by kind; severities: by kind and condition
    """

    date: str
    libraries: dict[str, str]
    what: str
    licence: str
    made_by: str
    seed: int
    file: str
    quality: str
    scenes: dict[str, str]
    kinds: dict[str, str]
    sizes: dict[str, list[int]]
    conditions: dict[str, ConditionShown]
    severities: dict[str, dict[str, list[int]]]
    notes: list[str] = []


def file_name(kind: str, condition: str, severity: int, scene: str) -> str:
    return f"{kind}.{condition}.{severity}.{scene}{ENDING}"


@dataclass(frozen=True)
class Illustrations:
    """Small pictures of drawn scenes under each condition, `<kind>.<condition>.<severity>.<scene>.webp`; none is a photo.

    Of the kinds, `camera` is the image of the camera, and `network` the input of NanoDet-m. Nothing was measured on them. Each
    method raises EvidenceError for a picture that is not there.
    """

    about: IllustrationsAbout
    folder: Path

    def picture(self, kind: str, condition: str, severity: int, scene: str) -> bytes:
        return read_evidence(self._path(kind, condition, severity, scene))

    def pixels(self, kind: str, condition: str, severity: int, scene: str) -> NDArray[np.uint8]:
        """Return a picture's red, green and blue, (height, width, 3)."""
        return np.asarray(Image.open(io.BytesIO(self.picture(kind, condition, severity, scene))).convert("RGB"))

    def difference(self, kind: str, one: Shown, other: Shown, scene: str) -> bytes:
        """Return the difference of two pictures in each pixel and channel, 0 (black) to 255, as PNG."""
        first, second = (self.pixels(kind, *shown, scene).astype(np.int16) for shown in (one, other))
        buffer = io.BytesIO()
        Image.fromarray(np.abs(first - second).astype(np.uint8)).save(buffer, "PNG")
        return buffer.getvalue()

    def histogram(self, kind: str, shown: Shown, scene: str) -> NDArray[np.float64]:
        """Return the share of a picture's pixels in each bin of 8 values, (3, 32): red, green and blue, each adding up to 1."""
        values = self.pixels(kind, *shown, scene).reshape(-1, 3)
        counts = [np.bincount(channel // (256 // BINS), minlength=BINS) for channel in values.T]
        return np.array(counts) / len(values)

    def _path(self, kind: str, condition: str, severity: int, scene: str) -> Path:
        severities = self.about.severities[kind].get(condition, [])
        if severity not in severities:
            raise EvidenceError(f"there is no illustration of {condition} at severity {severity}")
        drawn = max(severities) if self.about.conditions[condition].struck else severity
        return self.folder / file_name(kind, condition, drawn, scene)


def load_illustrations(folder: Path = ILLUSTRATIONS) -> Illustrations:
    """Read the illustrations in a folder; raises EvidenceError with the file, the field and the fault."""
    return Illustrations(read_yaml(folder / "about.yaml", TypeAdapter(IllustrationsAbout)), folder)


#: Size of a drawing, and the drawings in a row of a sheet (px).
WIDTH, HEIGHT, IN_A_ROW = 240, 180, 3
_FOUND = (255, 196, 0)
_VEHICLES = frozenset({"car", "truck", "bus", "train", "motorcycle", "bicycle", "airplane", "boat"})
_ANIMALS = frozenset({"bird", "cat", "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe"})
Colour = tuple[int, int, int]
Rectangle = tuple[float, float, float, float]


def sheet(scenes: MeasuredScenes, frames: Frames, rows: Ints) -> bytes:
    """Return drawings of these frames side by side, as WebP."""
    lines = max(-(-len(rows) // IN_A_ROW), 1)
    made = Image.new("RGB", (IN_A_ROW * (WIDTH + 6) - 6, lines * (HEIGHT + 6) - 6), (128, 128, 128))
    for place, row in enumerate(rows):
        at = place % IN_A_ROW * (WIDTH + 6), place // IN_A_ROW * (HEIGHT + 6)
        made.paste(drawn_frame(scenes, frames, int(row)), at)
    buffer = io.BytesIO()
    made.save(buffer, "WEBP", quality=70)
    return buffer.getvalue()


def drawn_frame(scenes: MeasuredScenes, frames: Frames, row: int) -> Image.Image:
    """Draw one frame as the servers received it, with the boxes that the detector found and counted."""
    scene = int(frames.scene[row])
    boxes = np.flatnonzero(scenes.boxes.scene == scene)
    rectangles = [_placed(scenes, scene, int(box)) for box in boxes]
    picture = _scene(scene, rectangles, [str(scenes.boxes.category[box]) for box in boxes])
    condition, severity = list(scenes.settings)[int(frames.seen[row])]
    rng = np.random.default_rng(row)
    if condition in _CONDITIONS and severity:
        picture = _CONDITIONS[condition](picture, severity, rng)
    if condition == "occlusion":
        picture = _covered(picture, severity, rectangles, rng)
    above = SCORES[int(frames.bin[row])]
    found = scenes.box_scores[frames.network[row], frames.given[row], boxes] >= above
    drawing = ImageDraw.Draw(picture)
    for (left, top, right, bottom), hit in zip(rectangles, found, strict=True):
        if hit:
            drawing.rectangle((left, top, max(right, left + 3), max(bottom, top + 3)), outline=_FOUND, width=2)
    return picture


def _placed(scenes: MeasuredScenes, scene: int, box: int) -> Rectangle:
    """Return the rectangle of a box in the drawing (px)."""
    about, (left, top, width, height) = scenes.scenes.iloc[scene], scenes.boxes.corners[box]
    x, y = WIDTH / float(about["width_px"]), HEIGHT / float(about["height_px"])
    return left * x, top * y, (left + width) * x, (top + height) * y


def _tint(text: str, low: int = 60, high: int = 220) -> Colour:
    number = zlib.crc32(text.encode())
    red, green, blue = (low + (number >> shift) % (high - low) for shift in (0, 8, 16))
    return red, green, blue


def _scene(scene: int, rectangles: Sequence[Rectangle], categories: Sequence[str]) -> Image.Image:
    picture = Image.new("RGB", (WIDTH, HEIGHT), _tint(f"wall {scene}", 130, 215))
    drawing = ImageDraw.Draw(picture)
    horizon = HEIGHT * (45 + zlib.crc32(f"horizon {scene}".encode()) % 25) // 100
    drawing.rectangle((0, horizon, WIDTH, HEIGHT), fill=_tint(f"floor {scene}", 80, 160))
    for place in range(6):
        x = zlib.crc32(f"{scene} line {place}".encode()) % WIDTH
        drawing.line((x, 0, x, horizon), fill=_tint(f"line {scene}", 110, 190))
        drawing.line((x, horizon, 2 * x - WIDTH // 2, HEIGHT), fill=_tint(f"tile {scene}", 70, 150))
    order = sorted(range(len(rectangles)), key=lambda place: -_area(rectangles[place]))
    for place in order:
        _figure(drawing, rectangles[place], categories[place], _tint(f"{categories[place]} {scene} {place}", 30, 230))
    return picture


def _area(rectangle: Rectangle) -> float:
    left, top, right, bottom = rectangle
    return (right - left) * (bottom - top)


def _figure(drawing: ImageDraw.ImageDraw, rectangle: Rectangle, category: str, colour: Colour) -> None:
    left, top, right, bottom = rectangle
    right, bottom = max(right, left + 2), max(bottom, top + 2)
    width, height = right - left, bottom - top
    if category == "person":
        head = min(width * 0.5, height * 0.22)
        middle = (left + right) / 2
        drawing.rounded_rectangle((left + width * 0.15, top + head, right - width * 0.15, bottom), width * 0.2, fill=colour)
        drawing.ellipse((middle - head / 2, top, middle + head / 2, top + head), fill=(224, 187, 155))
    elif category in _VEHICLES:
        wheel = min(height * 0.35, width * 0.25)
        drawing.rounded_rectangle((left, top + height * 0.3, right, bottom - wheel / 2), min(width, height) * 0.12, fill=colour)
        drawing.rectangle((left + width * 0.2, top, right - width * 0.2, top + height * 0.4), fill=(190, 215, 230))
        for x in (left + width * 0.15, right - width * 0.15 - wheel):
            drawing.ellipse((x, bottom - wheel, x + wheel, bottom), fill=(25, 25, 25))
    elif category in _ANIMALS:
        drawing.ellipse((left, top + height * 0.25, right - width * 0.2, bottom - height * 0.25), fill=colour)
        drawing.ellipse((right - width * 0.35, top, right, top + height * 0.45), fill=colour)
        for x in (left + width * 0.2, left + width * 0.55):
            drawing.rectangle((x, bottom - height * 0.4, x + width * 0.1, bottom), fill=colour)
    else:
        drawing.rounded_rectangle((left, top, right, bottom), min(width, height) * 0.2, fill=colour, outline=(40, 40, 40))


# Conditions of the camera's picture


def _faded(picture: Image.Image, towards: int, share: float) -> Image.Image:
    return Image.blend(picture, Image.new("RGB", picture.size, (towards, towards, towards)), share)


def _noisy(picture: Image.Image, spread: float, rng: np.random.Generator) -> Image.Image:
    values = np.asarray(picture, float) + rng.normal(0, spread, (*picture.size[::-1], 3))
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))


def _jpeg(picture: Image.Image, severity: int, rng: np.random.Generator) -> Image.Image:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=max(26 - 5 * severity, 1))
    return Image.open(buffer).convert("RGB")


def _rain(picture: Image.Image, severity: int, rng: np.random.Generator) -> Image.Image:
    wet = _faded(picture, 150, 0.08 * severity)
    drawing = ImageDraw.Draw(wet)
    for x, y in rng.random((30 * severity, 2)) * (WIDTH, HEIGHT):
        drawing.line((x, y, x - 3, y + 12), fill=(215, 220, 225))
    return wet


_CONDITIONS: dict[str, Callable[[Image.Image, int, np.random.Generator], Image.Image]] = {
    "fog": lambda picture, severity, _: _faded(picture, 235, 0.2 + 0.13 * severity),
    "night": lambda picture, severity, rng: _noisy(
        ImageEnhance.Brightness(picture).enhance(0.55 - 0.08 * severity), 3.0 * severity, rng
    ),
    "defocus": lambda picture, severity, _: picture.filter(ImageFilter.GaussianBlur(0.7 * severity)),
    "jpeg": _jpeg,
    "contrast": lambda picture, severity, _: ImageEnhance.Contrast(picture).enhance(0.5 / severity),
    "brightness": lambda picture, severity, _: _faded(picture, 255, 0.12 * severity),
    "rain": _rain,
}


def _covered(picture: Image.Image, severity: int, rectangles: Sequence[Rectangle], rng: np.random.Generator) -> Image.Image:
    """Cover a part of each box, as something in front of the camera does."""
    drawing = ImageDraw.Draw(picture)
    for left, top, right, bottom in rectangles:
        share = 0.3 + 0.1 * severity
        width, height = (right - left) * share, (bottom - top) * share
        x, y = left + rng.random() * (right - left - width), top + rng.random() * (bottom - top - height)
        drawing.rectangle((x, y, x + width, y + height), fill=_tint(f"{left:.0f} {top:.0f}", 40, 120))
    return picture


_COLOURS = {"red": RED, "green": GREEN, "blue": BLUE}


def channels(table: pd.DataFrame) -> Chart:
    """Draw histograms of both preparations: trained in dotted lines, served in solid ones.

    table: `value from`, and `red, trained (%)` and so on for each channel and both
    """
    looks = [(name, colour, *side) for name, colour in _COLOURS.items() for side in (("trained", "dot"), ("served", "solid"))]
    sides = [
        line(table["value from"], table[f"{name}, {who} (%)"], colour, f"{name}, {who}", hoverinfo=None, width=2, dash=dash)
        for name, colour, who, dash in looks
    ]
    x, y = ({"title": title, "fixedrange": True} for title in ("value of a pixel, 0 to 255", "pixels (%)"))
    drawn = figure(*sides, height=200, x=x, y=y)
    gaps = {name: abs(table[f"{name}, served (%)"] - table[f"{name}, trained (%)"]).sum() / 2 for name in _COLOURS}
    widest = max(gaps, key=lambda name: gaps[name])
    takeaway = f"As served, {gaps[widest]:.0f}% of the pixels of a drawn frame have another value of {widest}."
    return Chart(drawn, takeaway, rounded(table))


#: The origin of every picture.
_ORIGIN = "illustration, procedural"


_illustrations = cache(load_illustrations)


def pictures(game: Game, note: NotebookEntry) -> None:
    """Draw the frames that a look at pictures chose, or the two preparations that a look compared."""
    if note.finding is None:
        return
    if note.finding.shown is not None:
        _shown(game, note.finding.shown)
    with suppress(EvidenceError):  # they illustrate, and are no evidence
        if note.finding.prepared:
            _prepared(note.finding.prepared, f"channels:{note.at_s}")


def _shown(game: Game, shown: tuple[Ints, Ints]) -> None:
    frames, scenes = game.play.statistics().frames, game.play.scenes
    with st.grid(2, min_column_width=280):
        for rows, when in zip(shown, ("the last day", "the first days"), strict=True):
            words = f"{len(rows)} frames of {when}"
            alt = f"{words}, with the boxes of the detector"
            st.image(sheet(scenes, frames, rows), f"{words} ({_ORIGIN})", width="stretch", alt=alt)
    st.caption(phrase("incident.drawn_frames"))


def _prepared(pair: tuple[Setting, Setting], key: str) -> None:
    """Draw one frame by both preparations: a pair of settings, as trained and as served."""
    shown = _illustrations()
    scene = next(iter(shown.about.scenes))
    trained, served = pair
    with st.container(horizontal=True):
        for setting, caption in ((trained, "as the training code prepares it"), (served, "as it is served")):
            picture = shown.picture(NETWORK, *setting, scene)
            st.image(picture, f"{caption} ({_ORIGIN})", width=156, alt=f"A drawn scene {caption}")
        gap = shown.difference(NETWORK, trained, served, scene)
        st.image(gap, f"the difference ({_ORIGIN})", width=156, alt="The difference of the two in each pixel; black: none")
    histograms = [shown.histogram(NETWORK, setting, scene) for setting in pair]
    sides = zip(("trained", "served"), histograms, strict=True)
    columns = {f"{name}, {who} (%)": 100 * row for who, side in sides for name, row in zip(_COLOURS, side, strict=True)}
    table = pd.DataFrame({"value from": np.arange(BINS) * (256 / BINS)} | columns)
    draw(channels(table), key=key)
