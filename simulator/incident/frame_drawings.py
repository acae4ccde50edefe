"""Drawings of frames: each labelled box of a scene as a figure, under the condition of the frame, with the detector's boxes.

The boxes, their scores and the condition are those of the measured image; the photo itself is not shown, since its licence does
not allow it. A false detection has no known place and is not drawn.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from simulator.evidence.detection_tables import BINS
from simulator.incident.looks import Ints
from simulator.incident.measured_scenes import MeasuredScenes
from simulator.incident.stream import Frames

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
    above = BINS[int(frames.bin[row])]
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


def _fog(picture: Image.Image, severity: int, rng: np.random.Generator) -> Image.Image:
    return _faded(picture, 235, 0.2 + 0.13 * severity)


def _night(picture: Image.Image, severity: int, rng: np.random.Generator) -> Image.Image:
    return _noisy(ImageEnhance.Brightness(picture).enhance(0.55 - 0.08 * severity), 3.0 * severity, rng)


def _defocus(picture: Image.Image, severity: int, rng: np.random.Generator) -> Image.Image:
    return picture.filter(ImageFilter.GaussianBlur(0.7 * severity))


def _jpeg(picture: Image.Image, severity: int, rng: np.random.Generator) -> Image.Image:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=max(26 - 5 * severity, 1))
    return Image.open(buffer).convert("RGB")


def _contrast(picture: Image.Image, severity: int, rng: np.random.Generator) -> Image.Image:
    return ImageEnhance.Contrast(picture).enhance(0.5 / severity)


def _brightness(picture: Image.Image, severity: int, rng: np.random.Generator) -> Image.Image:
    return _faded(picture, 255, 0.12 * severity)


def _rain(picture: Image.Image, severity: int, rng: np.random.Generator) -> Image.Image:
    wet = _faded(picture, 150, 0.08 * severity)
    drawing = ImageDraw.Draw(wet)
    for x, y in rng.random((30 * severity, 2)) * (WIDTH, HEIGHT):
        drawing.line((x, y, x - 3, y + 12), fill=(215, 220, 225))
    return wet


_CONDITIONS: dict[str, Callable[[Image.Image, int, np.random.Generator], Image.Image]] = {
    "fog": _fog,
    "night": _night,
    "defocus": _defocus,
    "jpeg": _jpeg,
    "contrast": _contrast,
    "brightness": _brightness,
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
