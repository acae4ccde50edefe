"""Draw the folders of the package and the imports between them: `python -m tests.house_picture`, or `make docs`."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import networkx as nx

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "images" / "house.svg"

#: Pixels: a row of folders, a box, and the space between two boxes of a row.
_ROW, _HEIGHT, _WIDTH, _GAP, _SHEET = 78, 34, 112, 14, 960
#: One colour that reads on a light and on a dark page.
_INK, _ACCENT = "#6b7280", "#0072b2"


def layers() -> list[list[str]]:
    """Return the folders of the package from the highest layer to the lowest, as the import contract names them.

    The last row holds the modules at the top of the package, which every folder may import.
    """
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    contract = next(one for one in contracts if one["type"] == "layers")
    rows = [[part.strip() for part in layer.replace(":", "|").split("|")] for layer in contract["layers"]]
    return [row for row in rows if _is_folder(row[0])] + [[name for row in rows for name in row if not _is_folder(name)]]


def _is_folder(name: str) -> bool:
    return (ROOT / "simulator" / name).is_dir()


def imports() -> nx.DiGraph:
    """Return the graph of imports between the folders and modules at the top of the package, those of types left out."""
    graph: nx.DiGraph = nx.DiGraph()
    graph.add_nodes_from(name for layer in layers() for name in layer)
    for file in sorted((ROOT / "simulator").rglob("*.py")):
        own = _part(file.relative_to(ROOT).with_suffix("").as_posix().replace("/", "."))
        for name in _imported(file):
            if own in graph and _part(name) in graph and _part(name) != own:
                graph.add_edge(own, _part(name))
    return graph


def _part(module: str) -> str:
    return [*module.split("."), ""][1] if module.startswith("simulator.") else ""


def _imported(file: Path) -> list[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            node.body = []
    return [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]


def picture() -> str:
    """Return the picture as SVG: a row a layer, and an arrow for each import that no other way of arrows stands for."""
    rows, graph = layers(), imports()
    place = {name: _place(row, column, len(names)) for row, names in enumerate(rows) for column, name in enumerate(names)}
    level = {name: row for row, names in enumerate(rows) for name in names}
    down = nx.DiGraph((one, other) for one, other in graph.edges if level[one] < level[other] and _is_folder(other))
    arrows = sorted(nx.transitive_reduction(down).edges)
    height = len(rows) * _ROW + 8
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_SHEET} {height}" font-family="sans-serif" font-size="14">',
        "<title>Folders of the package simulator, and the imports between them</title>",
        f'<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0 0 L8 4 L0 8 z" fill="{_INK}"/></marker></defs>',
        *(_arrow(place[one], place[other]) for one, other in arrows),
        *(_box(name, *place[name]) for names in rows for name in names),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _place(row: int, column: int, count: int) -> tuple[float, float]:
    """Return the middle of a box."""
    left = (_SHEET - count * (_WIDTH + _GAP) + _GAP) / 2
    return left + column * (_WIDTH + _GAP) + _WIDTH / 2, 8 + row * _ROW + _HEIGHT / 2


def _arrow(start: tuple[float, float], end: tuple[float, float]) -> str:
    (x0, y0), (x1, y1) = (start[0], start[1] + _HEIGHT / 2), (end[0], end[1] - _HEIGHT / 2)
    bend = (y1 - y0) / 2
    path = f"M{x0:.0f} {y0:.0f} C{x0:.0f} {y0 + bend:.0f} {x1:.0f} {y1 - bend:.0f} {x1:.0f} {y1:.0f}"
    return f'<path d="{path}" fill="none" stroke="{_INK}" stroke-opacity="0.7" marker-end="url(#tip)"/>'


def _box(name: str, x: float, y: float) -> str:
    folder = _is_folder(name)
    rectangle = (
        f'<rect x="{x - _WIDTH / 2:.0f}" y="{y - _HEIGHT / 2:.0f}" width="{_WIDTH}" height="{_HEIGHT}" rx="5" '
        f'fill="{_ACCENT if folder else _INK}"/>'
    )
    label = f"{name}/" if folder else f"{name}.py"
    return rectangle + f'<text x="{x:.0f}" y="{y + 5:.0f}" text-anchor="middle" fill="#ffffff">{label}</text>'


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
