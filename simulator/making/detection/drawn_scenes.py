"""Scenes that our own code draws: a street, a yard and a meadow, with people, vehicles and more.

What stands in a scene is as large as a camera sees it that hangs `CAMERA_M` above level ground and looks straight ahead. A
scene is `SCALE` times as wide as most of the photos on which the detectors were measured, 640 pixels.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from simulator.making.detection.drawn import KINDS, Brush, Colour, house, shed
from simulator.making.zoo.steps import Floats, Pixels

#: Width and height of a scene in pixels.
SIZE = (240, 180)
SCALE = SIZE[0] / 640
#: Scenes are laid out on a sheet that is so wide and high; its unit, and that of `Figure`, is `_UNIT` pixels.
_SHEET = (320, 240)
_UNIT = SIZE[0] / _SHEET[0]
#: How many pixels of the canvas become one, along each side: edges are smooth that way.
_FINE = 4
#: How far above the lower edge the horizon lies, on the sheet, and how high the camera hangs.
_HORIZON, CAMERA_M = 142.0, 2.4


@dataclass(frozen=True)
class Figure:
    """Something of a kind in `KINDS` that stands in a scene.

    x, foot: where it touches the ground, from the sheet's left and lower edge; side: -1 looks to the left; look: a seed
    """

    kind: str
    x: float
    foot: float
    side: int = 1
    look: int = 0

    @property
    def height(self) -> float:
        """On the sheet: the horizon is as high as the camera, wherever it crosses the figure."""
        return KINDS[self.kind].metres / CAMERA_M * (_HORIZON - self.foot)

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right and bottom in whole pixels of the scene, cut at its edges."""
        half, ground = KINDS[self.kind].width * self.height / 2, _SHEET[1] - self.foot
        ends = np.array([self.x - half, ground - self.height, self.x + half, ground]) * _UNIT
        left, top, right, bottom = np.clip(np.round(ends).astype(int), 0, [*SIZE, *SIZE]).tolist()
        return left, top, right, bottom

    def draw(self, canvas: Brush) -> None:
        """Draw it on the canvas of a scene, whose unit is the sheet's."""
        rng = np.random.default_rng([self.look, zlib.crc32(self.kind.encode())])
        KINDS[self.kind].draw(canvas.moved(self.x, self.foot, self.height, self.side), rng)


@dataclass(frozen=True)
class Scene:
    """A drawn scene: a layout, what stands in it, and the seed of colours and textures. The same one has the same pixels."""

    seed: int
    figures: tuple[Figure, ...]

    @property
    def boxes(self) -> NDArray[np.int64]:
        """Left, top, right and bottom of its people, vehicles, animals and things, (figures, 4), in pixels."""
        return np.array([figure.box for figure in self.figures if figure.kind not in _BACKDROP], np.int64).reshape(-1, 4)

    @cached_property
    def pixels(self) -> Pixels:
        """(180, 240, 3) in red, green and blue."""
        rng = np.random.default_rng(self.seed)
        width, height = SIZE
        canvas = Image.fromarray(_sky(rng)).resize((width * _FINE, height * _FINE), Image.Resampling.BICUBIC)
        brush = Brush(ImageDraw.Draw(canvas, "RGBA"), 0, height * _FINE, _UNIT * _FINE)
        _LAYOUTS[self.seed % len(_LAYOUTS)].ground(brush, rng)
        for figure in sorted(self.figures, key=lambda one: -one.foot):
            figure.draw(brush)
        return np.asarray(canvas.reduce(_FINE))


def scene(seed: int) -> Scene:
    """A scene of a street, a yard or a meadow (in turns with the seed), whose figures stand a little differently each time."""
    rng = np.random.default_rng([seed, 1])
    cast = _LAYOUTS[seed % len(_LAYOUTS)].cast
    moved = [replace(one, x=one.x + rng.uniform(-3, 3), look=one.look + seed) for one in cast]
    return Scene(seed, tuple(moved))


def with_animals(one: Scene) -> Scene:
    """The same place with two cows and a dog, in front of what stood there."""
    animals = [Figure("cow", 108, 26), Figure("cow", 250, 48, -1, 2), Figure("dog", 206, 14, -1)]
    kept = [figure for figure in one.figures if figure.foot > 44 or figure.kind in _BACKDROP]
    return Scene(one.seed, (*kept, *animals))


def crowded(one: Scene) -> Scene:
    """The same place full of people, most of them far off and small."""
    rng = np.random.default_rng([one.seed, 2])
    feet = 106 - 58 * rng.random(46) ** 1.6
    people = [
        Figure("person", float(rng.uniform(8, 312)), float(foot), int(rng.choice([-1, 1])), number)
        for number, foot in enumerate(feet)
    ]
    return Scene(one.seed, (*(figure for figure in one.figures if figure.kind in _BACKDROP), *people))


def _sky(rng: Generator) -> Pixels:
    """A quarter of the scene in size: blue above, pale at the horizon, with clouds."""
    width, height = SIZE[0] // 4, SIZE[1] // 4
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None, None] / 0.45
    blue = np.array([92, 152, 220], np.float32) + np.clip(down, 0, 1) * np.array([108, 70, 24], np.float32)
    field = sum(_field(rng, width, height, 3 * 2**step, 10 * 2**step) / 2**step for step in range(3)) / np.float32(1.75)
    cloud = np.clip((field - 0.54) / 0.16, 0, 1)[..., None]
    return np.asarray(blue + cloud * (np.array([252, 250, 246], np.float32) - blue), np.uint8)


def _field(rng: Generator, width: int, height: int, across: int, down: int) -> Floats:
    coarse = Image.fromarray(rng.random((down, across), np.float32))
    return np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), np.float32)


def _hills(brush: Brush, rng: Generator) -> None:
    for level, green in ((12, (124, 152, 150)), (6, (92, 130, 96))):
        tops = [(x, _HORIZON + level * (0.5 + rng.random())) for x in range(-20, 361, 20)]
        brush.shape(green, (-20, _HORIZON - 4), *tops, (340, _HORIZON - 4))


def _far(x: float, y: float, vanishing: float = 160) -> tuple[float, float]:
    """A point of the ground: x where its line to the vanishing point leaves the lower edge, y pixels above that edge."""
    return vanishing + (x - vanishing) * (1 - y / _HORIZON), y


def _street(brush: Brush, rng: Generator) -> None:
    _hills(brush, rng)
    brush.box((168, 162, 152), 0, 0, 320, _HORIZON - 4)
    house(brush.moved(-6, 96), 132, 96, (172, 84, 62), (92, 60, 56), bricks=True)
    house(brush.moved(150, 102), 84, 66, (228, 206, 160), (178, 84, 52), bricks=False)
    house(brush.moved(242, 96), 90, 92, (150, 170, 176), (70, 76, 86), bricks=True)
    for row in (2, 12, 24, 38, 54, 72, 86):
        brush.line((136, 130, 122), 0.8, (0, row), (320, row))
    for x in range(-1000, 1300, 60):
        brush.line((136, 130, 122), 0.8, _far(x, 0), _far(x, 96))
    brush.shape((84, 86, 92), (0, 16), (320, 8), (320, 58), (0, 66))
    for low, high in (((0, 66), (320, 58)), ((0, 16), (320, 8))):
        brush.line((214, 212, 204), 2.4, low, high)
    for x in range(6, 320, 46):
        brush.line((244, 240, 220), 2.2, (x, 41 - x / 40), (x + 24, 40.4 - x / 40))
    for x in range(140, 200, 13):
        brush.shape((236, 234, 226), (x, 15), (x + 7, 15), (x + 15, 60), (x + 9, 60))


def _yard(brush: Brush, rng: Generator) -> None:
    _hills(brush, rng)
    brush.box((186, 178, 162), 0, 0, 320, _HORIZON - 4)
    shed(brush.moved(14, 94), 190, 84, (176, 186, 190))
    house(brush.moved(222, 98), 96, 62, (196, 110, 76), (96, 64, 60), bricks=True)
    for row in (3, 14, 28, 44, 60, 74, 86):
        brush.line((148, 140, 126), 1.0, (0, row), (320, row))
    for x in range(-800, 1120, 48):
        brush.line((148, 140, 126), 1.0, _far(x, 0), _far(x, 92))
    for x in (-30, 90, 230, 350):
        brush.shape((240, 196, 40), _far(x, 10), _far(x + 8, 10), _far(x + 8, 84), _far(x, 84))


def _meadow(brush: Brush, rng: Generator) -> None:
    _hills(brush, rng)
    brush.box((112, 152, 72), 0, 0, 320, _HORIZON - 4)
    house(brush.moved(20, 106), 88, 52, (232, 224, 204), (176, 70, 48), bricks=False)
    house(brush.moved(226, 108), 70, 44, (178, 92, 70), (84, 66, 62), bricks=True)
    for x, y, size in rng.random((420, 3)):
        foot = 106 * y**1.3
        tall = 0.05 * (_HORIZON - foot) * (0.6 + size)
        green: Colour = (int(70 + 50 * size), int(118 + 44 * size), 48)
        brush.line(green, 0.6, (320 * x, foot), (320 * x + 1.5, foot + tall))
    brush.shape((206, 186, 146), (70, -4), (250, -4), (196, 60), (206, 106), (190, 106), (158, 60))
    for x in range(4, 320, 22):
        brush.line((150, 116, 82), 2, (x, 92), (x, 106))
    for y in (97, 103):
        brush.line((164, 128, 92), 1.4, (0, y), (172, y))
        brush.line((164, 128, 92), 1.4, (222, y), (320, y))


@dataclass(frozen=True)
class _Layout:
    ground: Callable[[Brush, Generator], None]
    cast: tuple[Figure, ...]


_BACKDROP = ("tree", "lamp")
_LAYOUTS = (
    _Layout(
        _street,
        (
            Figure("lamp", 138, 88),
            Figure("tree", 226, 90),
            Figure("car", 236, 42, -1, 0),
            Figure("person", 52, 24, 1, 3),
            Figure("person", 128, 30, 1, 8),
            Figure("person", 88, 74, -1, 2),
            Figure("bicycle", 150, 84, 1, 1),
        ),
    ),
    _Layout(
        _yard,
        (
            Figure("van", 222, 56, -1, 1),
            Figure("crates", 48, 52, 1, 1),
            Figure("worker", 110, 26, 1, 2),
            Figure("worker", 294, 40, -1, 6),
            Figure("person", 84, 76, 1, 1),
        ),
    ),
    _Layout(
        _meadow,
        (
            Figure("tree", 136, 92),
            Figure("tree", 306, 88),
            Figure("car", 206, 88, 1, 3),
            Figure("bicycle", 84, 36, 1, 2),
            Figure("person", 164, 24, -1, 5),
            Figure("person", 214, 52, -1, 9),
            Figure("person", 40, 66, 1, 4),
        ),
    ),
)
