"""Figures and backdrops that our own code draws, for illustrations: people, vehicles, animals, houses, trees.

A brush draws in lengths of its own from where a thing stands: x to the right, y up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from PIL.ImageDraw import ImageDraw

Colour = tuple[int, int, int] | tuple[int, int, int, int]
Point = tuple[float, float]

SHADOW: Colour = (20, 22, 30, 90)
_GLASS: Colour = (58, 78, 98)
_TYRE: Colour = (28, 28, 30)
_STEEL: Colour = (176, 180, 186)
_SKINS: tuple[Colour, ...] = ((236, 188, 152), (141, 85, 52), (201, 146, 106))
_HAIRS: tuple[Colour, ...] = ((44, 30, 22), (120, 72, 34), (22, 20, 22))
_COATS: tuple[Colour, ...] = ((206, 44, 44), (32, 92, 180), (242, 178, 32), (40, 130, 84), (226, 106, 30), (128, 54, 132))
_SPOTS: tuple[Colour, ...] = ((30, 26, 26), (150, 78, 34))
_TROUSERS: tuple[Colour, ...] = ((38, 46, 78), (66, 62, 58), (92, 74, 56), (30, 32, 36))
_PAINTS: tuple[Colour, ...] = ((196, 30, 34), (26, 86, 168), (232, 160, 24), (22, 122, 96))


@dataclass(frozen=True)
class Brush:
    """Draws on a canvas. x, y: where its own (0, 0) is, in pixels of the canvas; unit: pixels of a length; side: -1 mirrors."""

    on: ImageDraw
    x: float
    y: float
    unit: float
    side: int = 1

    def moved(self, x: float, y: float, length: float = 1.0, side: int = 1) -> Brush:
        """A brush whose (0, 0) is at (x, y) here, and whose unit is `length` here."""
        ((across, down),) = self._at(((x, y),))
        return Brush(self.on, across, down, self.unit * length, self.side * side)

    def shape(self, colour: Colour, *corners: Point) -> None:
        """A filled polygon."""
        self.on.polygon(self._at(corners), fill=colour)

    def box(self, colour: Colour, left: float, bottom: float, right: float, top: float) -> None:
        """A filled rectangle."""
        self.shape(colour, (left, bottom), (right, bottom), (right, top), (left, top))

    def disc(self, colour: Colour, x: float, y: float, across: float, up: float | None = None) -> None:
        """A filled ellipse of these radii about (x, y)."""
        rise = across if up is None else up
        (left, top), (right, bottom) = self._at(((x - across * self.side, y + rise), (x + across * self.side, y - rise)))
        self.on.ellipse((left, top, right, bottom), fill=colour)

    def line(self, colour: Colour, width: float, *points: Point) -> None:
        """A line with round ends and joints."""
        self.on.line(self._at(points), fill=colour, width=max(round(width * self.unit), 1), joint="curve")
        for x, y in points:
            self.disc(colour, x, y, width / 2)

    def ring(self, colour: Colour, width: float, x: float, y: float, radius: float) -> None:
        """A circle's line."""
        (left, top), (right, bottom) = self._at(((x - radius * self.side, y + radius), (x + radius * self.side, y - radius)))
        self.on.ellipse((left, top, right, bottom), outline=colour, width=max(round(width * self.unit), 1))

    def _at(self, points: tuple[Point, ...]) -> list[Point]:
        return [(self.x + x * self.unit * self.side, self.y - y * self.unit) for x, y in points]


def _one(colours: tuple[Colour, ...], rng: Generator) -> Colour:
    return colours[int(rng.integers(len(colours)))]


def _darker(colour: Colour, by: float = 0.7) -> Colour:
    red, green, blue = (int(value * by) for value in colour[:3])
    return red, green, blue


def person(brush: Brush, rng: Generator) -> None:
    """Somebody who walks, one length tall."""
    skin, hair, coat = _one(_SKINS, rng), _one(_HAIRS, rng), _one(_COATS, rng)
    trousers, stride = _one(_TROUSERS, rng), 0.07 + 0.06 * rng.random()
    brush.disc(SHADOW, 0.06, 0.01, 0.24, 0.035)
    brush.line(_darker(coat, 0.6), 0.08, (-0.06, 0.76), (-0.14, 0.6), (-0.05, 0.47))
    brush.line(_darker(trousers, 0.75), 0.11, (-0.03, 0.46), (-stride * 0.6, 0.26), (-stride * 1.5, 0.04))
    brush.line(trousers, 0.115, (0.03, 0.46), (stride, 0.25), (stride * 1.1, 0.04))
    for x in (-stride * 1.5, stride * 1.1):
        brush.line((32, 26, 24), 0.055, (x, 0.028), (x + 0.06, 0.028))
    brush.line(coat, 0.2, (0, 0.52), (0, 0.71))
    brush.line(coat, 0.12, (-0.08, 0.755), (0.08, 0.755))
    brush.line(coat, 0.24, (0, 0.5), (0, 0.6))
    brush.line(_darker(coat, 0.8), 0.085, (0.09, 0.75), (0.14, 0.6), (0.18, 0.46))
    brush.disc(skin, 0.185, 0.44, 0.035)
    brush.line(skin, 0.07, (0, 0.8), (0.005, 0.86))
    brush.disc(hair, -0.01, 0.925, 0.082, 0.078)
    brush.disc(skin, 0.02, 0.905, 0.064, 0.075)


def worker(brush: Brush, rng: Generator) -> None:
    """A person with a helmet and an orange vest with two bright bands, one length tall."""
    person(brush, rng)
    vest: Colour = (250, 112, 16)
    brush.box(vest, -0.115, 0.46, 0.115, 0.8)
    for y in (0.54, 0.66):
        brush.box((240, 244, 180), -0.115, y, 0.115, y + 0.045)
    brush.disc((250, 214, 40), 0, 0.955, 0.088, 0.055)
    brush.box((250, 214, 40), -0.09, 0.935, 0.125, 0.957)


def car(brush: Brush, rng: Generator) -> None:
    """A car from the side, one length tall and 2.9 long."""
    paint = _one(_PAINTS, rng)
    brush.disc(SHADOW, 0, 0.03, 1.5, 0.1)
    brush.shape(paint, (-1.42, 0.22), (-1.44, 0.5), (-1.3, 0.64), (1.02, 0.64), (1.38, 0.54), (1.45, 0.36), (1.43, 0.2))
    brush.shape(paint, (-1.05, 0.62), (-0.78, 1), (0.28, 1), (0.72, 0.62))
    brush.shape(_GLASS, (-0.9, 0.64), (-0.7, 0.94), (-0.18, 0.94), (-0.18, 0.64))
    brush.shape(_GLASS, (-0.1, 0.64), (-0.1, 0.94), (0.24, 0.94), (0.58, 0.64))
    brush.shape((150, 178, 200), (-0.05, 0.7), (0.1, 0.93), (0.2, 0.93), (0.05, 0.7))
    brush.box(_darker(paint), -1.43, 0.2, 1.43, 0.29)
    brush.line(_darker(paint), 0.02, (-0.14, 0.3), (-0.14, 0.63))
    brush.box(_darker(paint), -0.36, 0.53, -0.22, 0.56)
    brush.disc((255, 244, 190), 1.34, 0.48, 0.08, 0.055)
    brush.box((250, 90, 60), -1.44, 0.48, -1.34, 0.58)
    for x in (-0.86, 0.9):
        _wheel(brush, x, 0.24)


def van(brush: Brush, rng: Generator) -> None:
    """A van from the side, one length tall and 2.3 long."""
    paint = _one(_PAINTS, rng)
    brush.disc(SHADOW, 0, 0.02, 1.2, 0.06)
    brush.shape((240, 240, 236), (-1.14, 0.14), (-1.14, 0.98), (0.42, 1), (0.62, 0.95), (0.9, 0.58), (1.12, 0.48), (1.15, 0.16))
    brush.box(paint, -1.14, 0.34, 0.3, 0.5)
    brush.box(paint, -0.9, 0.62, -0.3, 0.84)
    brush.shape(_GLASS, (0.4, 0.56), (0.4, 0.88), (0.58, 0.88), (0.8, 0.56))
    brush.line((150, 150, 150), 0.012, (0.34, 0.16), (0.34, 0.95))
    brush.line((170, 170, 168), 0.012, (-1.1, 0.56), (0.3, 0.56))
    brush.box((60, 60, 64), -1.15, 0.12, 1.16, 0.19)
    brush.box((255, 240, 170), 1.04, 0.36, 1.14, 0.44)
    brush.box((230, 60, 40), -1.15, 0.4, -1.1, 0.56)
    for x in (-0.7, 0.74):
        _wheel(brush, x, 0.16)


def _wheel(brush: Brush, x: float, radius: float) -> None:
    brush.disc(_TYRE, x, radius, radius)
    brush.disc(_STEEL, x, radius, radius * 0.58)
    brush.disc(_TYRE, x, radius, radius * 0.2)


def bicycle(brush: Brush, rng: Generator) -> None:
    """A bicycle from the side, one length tall and 1.75 long."""
    paint = _one(_PAINTS, rng)
    rear, front, pedals, seat, head = (-0.52, 0.33), (0.52, 0.33), (-0.08, 0.34), (-0.22, 0.8), (0.38, 0.78)
    brush.disc(SHADOW, 0.05, 0.01, 0.9, 0.05)
    for x, y in (rear, front):
        brush.ring(_TYRE, 0.06, x, y, 0.34)
        for dx, dy in ((0.29, 0), (0.2, 0.2), (0, 0.29), (-0.2, 0.2)):
            brush.line(_STEEL, 0.012, (x - dx, y - dy), (x + dx, y + dy))
    for one, other in ((rear, pedals), (pedals, head), (seat, head), (rear, seat), (pedals, seat), (head, front)):
        brush.line(paint, 0.06, one, other)
    brush.line(_TYRE, 0.07, (-0.34, 0.88), (-0.14, 0.87))
    brush.line(paint, 0.05, seat, (-0.24, 0.87))
    brush.line(_TYRE, 0.05, head, (0.34, 0.95), (0.5, 0.98))
    brush.disc(_STEEL, *pedals, 0.08)


def crates(brush: Brush, rng: Generator) -> None:
    """Three wooden crates in a heap, one length tall and 1.1 wide."""
    brush.shape(SHADOW, (-0.55, 0), (0.75, 0), (0.6, 0.12), (-0.5, 0.12))
    for x, y in ((-0.55, 0), (0.03, 0), (-0.3, 0.5)):
        wood: Colour = (int(176 + 20 * rng.random()), 128, 72)
        brush.box(_darker(wood, 0.55), x, y, x + 0.52, y + 0.49)
        for plank in range(4):
            brush.box(wood, x + 0.01, y + 0.02 + 0.117 * plank, x + 0.51, y + 0.11 + 0.117 * plank)
        for post in (x + 0.02, x + 0.43):
            brush.box(_darker(wood, 0.8), post, y + 0.01, post + 0.07, y + 0.48)


def cow(brush: Brush, rng: Generator) -> None:
    """A spotted cow from the side, one length tall and 1.75 long."""
    white, rose, dark = (244, 240, 232), (226, 150, 140), _one(_SPOTS, rng)
    brush.disc(SHADOW, 0, 0.02, 0.85, 0.07)
    for x in (-0.46, 0.32):
        brush.line(_darker(white, 0.72), 0.13, (x, 0.42), (x + 0.03, 0.06))
    brush.disc(rose, -0.3, 0.36, 0.13, 0.1)
    brush.shape(
        white, (-0.66, 0.84), (0.42, 0.84), (0.62, 0.72), (0.5, 0.4), (0.2, 0.34), (-0.3, 0.34), (-0.64, 0.42), (-0.72, 0.66)
    )
    for x in (-0.58, 0.42):
        brush.line(white, 0.14, (x, 0.46), (x, 0.06))
        brush.line(dark, 0.07, (x - 0.04, 0.03), (x + 0.05, 0.03))
    for x, y, across, up in (
        (-0.44, 0.66, 0.2, 0.17),
        (0.08, 0.68, 0.2, 0.155),
        (0.0, 0.47, 0.1, 0.08),
        (0.4, 0.52, 0.08, 0.11),
    ):
        brush.disc(dark, x, y, across, up)
    brush.line(white, 0.035, (-0.68, 0.8), (-0.78, 0.6), (-0.77, 0.4))
    brush.disc(dark, -0.77, 0.36, 0.05, 0.08)
    brush.shape(white, (0.4, 0.84), (0.66, 0.98), (0.72, 0.76), (0.52, 0.6))
    brush.line(dark, 0.19, (0.68, 0.88), (0.8, 0.74))
    brush.line(white, 0.06, (0.7, 0.93), (0.8, 0.78))
    brush.line(rose, 0.15, (0.82, 0.69), (0.84, 0.67))
    brush.line(dark, 0.06, (0.62, 0.9), (0.5, 0.9))
    brush.line((222, 206, 160), 0.035, (0.64, 0.95), (0.6, 1.03), (0.64, 1.08))


def dog(brush: Brush, _: Generator) -> None:
    """A brown dog from the side, one length tall and 1.5 long."""
    brown, dark = (168, 98, 42), (104, 58, 26)
    brush.disc(SHADOW, 0, 0.02, 0.7, 0.07)
    for x in (-0.4, 0.26):
        brush.line(dark, 0.1, (x, 0.4), (x + 0.04, 0.05))
    brush.line(brown, 0.3, (-0.42, 0.56), (0.3, 0.56))
    for x in (-0.5, 0.36):
        brush.line(brown, 0.11, (x, 0.5), (x - 0.02, 0.22), (x + 0.03, 0.05))
    brush.line(brown, 0.08, (-0.52, 0.64), (-0.68, 0.8), (-0.66, 0.96))
    brush.line(brown, 0.2, (0.36, 0.62), (0.52, 0.8))
    brush.disc(brown, 0.54, 0.86, 0.15, 0.13)
    brush.line(brown, 0.12, (0.6, 0.83), (0.76, 0.79))
    brush.disc(dark, 0.81, 0.81, 0.035)
    brush.line(dark, 0.09, (0.46, 0.94), (0.4, 0.78))
    brush.disc((10, 10, 10), 0.6, 0.9, 0.025)
    brush.line((200, 30, 40), 0.05, (0.38, 0.76), (0.52, 0.68))


def tree(brush: Brush, rng: Generator) -> None:
    """A leafy tree, one length tall and 0.8 wide."""
    brush.disc(SHADOW, 0.08, 0.01, 0.34, 0.03)
    brush.shape((92, 66, 44), (-0.045, 0), (0.05, 0), (0.03, 0.5), (-0.03, 0.5))
    for light in (0.55, 0.75, 1.0):
        for turn, out, size in rng.random((34, 3)):
            leaf = 0.33 * np.sqrt(out) * np.exp(2j * np.pi * turn)
            green: Colour = (int((70 + 40 * size) * light), int((128 + 30 * size) * light), int(52 * light))
            x, y = leaf.real - 0.05 * light, 0.64 + 0.05 * light + 0.85 * leaf.imag
            brush.disc(green, float(x), float(y), 0.045 + 0.05 * size * (1.3 - light))


def lamp(brush: Brush, _: Generator) -> None:
    """A street lamp, one length tall."""
    brush.line((58, 62, 66), 0.02, (0, 0), (0, 0.96), (0.12, 0.985))
    brush.line((58, 62, 66), 0.034, (0, 0), (0, 0.2))
    brush.box((250, 246, 214), 0.1, 0.95, 0.22, 0.985)


def house(brush: Brush, width: float, height: float, wall: Colour, roof: Colour, bricks: bool) -> None:
    """A house's front with a door, windows in two rows and a roof of tiles."""
    brush.box(wall, 0, 0, width, height)
    if bricks:
        _courses(brush, width, height, _darker(wall, 0.8))
    brush.shape(roof, (-4, height), (width + 4, height), (width - 8, height + 22), (8, height + 22))
    for row in range(5):
        brush.line(_darker(roof), 0.8, (row * 2.4 - 3, height + 4.4 * row), (width + 3 - row * 2.4, height + 4.4 * row))
    for floor in range(2):
        for place in range(columns := int(width // 26)):
            x = (place + 0.5) * width / columns
            if floor or place:
                _window(brush, x, height * (0.2 + 0.44 * floor), height * 0.25)
    _door(brush, 0.5 * width / columns, height * 0.44)


def _courses(brush: Brush, width: float, height: float, joint: Colour) -> None:
    for row, y in enumerate(range(0, int(height), 4)):
        brush.line(joint, 0.5, (0, y), (width, y))
        for x in range(4 + row % 2 * 4, int(width), 8):
            brush.line(joint, 0.5, (x, y), (x, y + 4))


def _window(brush: Brush, x: float, y: float, height: float) -> None:
    brush.box((238, 236, 228), x - 7, y - 1.5, x + 7, y + height + 1.5)
    brush.box((70, 96, 120), x - 5.5, y, x + 5.5, y + height)
    brush.shape((150, 184, 208), (x - 5.5, y + height * 0.3), (x + 2, y + height), (x - 5.5, y + height))
    brush.line((238, 236, 228), 1, (x, y), (x, y + height))
    brush.line((238, 236, 228), 1, (x - 5.5, y + height / 2), (x + 5.5, y + height / 2))


def _door(brush: Brush, x: float, height: float) -> None:
    brush.box((238, 236, 228), x - 8, 0, x + 8, height + 2)
    brush.box((36, 92, 84), x - 6.5, 0, x + 6.5, height)
    brush.box((150, 184, 208), x - 4.5, height * 0.6, x + 4.5, height * 0.92)
    brush.disc((230, 200, 90), x + 4.5, height * 0.4, 1)


def shed(brush: Brush, width: float, height: float, wall: Colour) -> None:
    """A warehouse's front of ribbed metal with two roller doors."""
    brush.box(wall, 0, 0, width, height)
    for x in range(0, int(width), 5):
        brush.line(_darker(wall, 0.85), 0.7, (x, 0), (x, height))
    brush.box(_darker(wall, 0.55), -2, height - 5, width + 2, height + 3)
    _roller_door(brush.moved(width * 0.1, 0), width * 0.34, height * 0.66, (52, 56, 62))
    _roller_door(brush.moved(width * 0.56, 0), width * 0.34, height * 0.66, (64, 104, 140))


def _roller_door(brush: Brush, width: float, height: float, colour: Colour) -> None:
    brush.box((228, 226, 218), -2, 0, width + 2, height + 2)
    brush.box(colour, 0, 0, width, height)
    for y in range(3, int(height), 4):
        brush.line(_darker(colour), 0.8, (0, y), (width, y))


@dataclass(frozen=True)
class Kind:
    """What can stand in a scene: its height in metres, its width in lengths of its height, and how it is drawn."""

    metres: float
    width: float
    draw: Callable[[Brush, Generator], None]


KINDS: dict[str, Kind] = {
    "person": Kind(1.75, 0.44, person),
    "worker": Kind(1.8, 0.44, worker),
    "car": Kind(1.5, 2.9, car),
    "van": Kind(2.3, 2.32, van),
    "bicycle": Kind(1.1, 1.76, bicycle),
    "crates": Kind(1.3, 1.12, crates),
    "cow": Kind(1.5, 1.75, cow),
    "dog": Kind(0.85, 1.5, dog),
    "tree": Kind(6.5, 0.8, tree),
    "lamp": Kind(5.5, 0.44, lamp),
}
