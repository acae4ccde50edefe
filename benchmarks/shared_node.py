"""`python -m benchmarks.shared_node`: what slows four detector nodes on one computer down, its GPU or its processor?

Published: a node with RTMDet takes 26.17 ms alone, and 68 to 87 ms when four run beside each other (autowarefoundation,
autoware_universe issue 7235, comment of 2024-07-30: RTX 3090, Ryzen 7 2700X with eight cores). Of the 26.17 ms the network
takes 2.93 on the GPU. The rest is the processor's: 0.49 ms of preparation, 12.10 of postprocessing, 8.88 of filling in the
message, and 1.78 that no line tells. Drawing the picture, another 24.47 ms, is not part of the 26.17.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from simulator.case.load import loads
from simulator.engine.compiled_plan import Plan
from simulator.engine.run import simulate
from simulator.evidence.latency_tables import constant

#: Frames a second of each camera, which nobody published: one, and one at which no frame overlaps the next of its camera.
RATE, SLOW_RATE = 10.0, 5.0

#: Published means of four nodes beside each other, ms, and of one of eight with a shorter node (pull request 8165).
FOUR_MS = (68.157, 72.119, 74.460, 86.979)
ONE_OF_EIGHT_MS = 43.582

#: What drawing the picture takes of the processor, besides.
DRAW_MS = 24.4686

#: How often cameras that run freely are set going at other times.
DRAWS = 20

SECONDS = 3.0


@dataclass(frozen=True)
class Node:
    """Milliseconds of a detector node alone: on the processor before the network, on the GPU, and on the processor after it.

    draw_ms: what it draws afterwards, on the processor, which delays nothing but what runs beside it
    """

    before_ms: float
    gpu_ms: float
    after_ms: float
    draw_ms: float = 0.0

    @property
    def alone_ms(self) -> float:
        """All of it until the answer."""
        return self.before_ms + self.gpu_ms + self.after_ms

    @property
    def processor_ms(self) -> float:
        """What the answer takes of the processor."""
        return self.before_ms + self.after_ms

    def together_ms(self, nodes: int, slowdown: float, cores: float) -> float:
        """What each takes when all get their frames at the same instant and share alike, by hand.

        Processor sharing: on the GPU each takes 1 + (nodes - 1) (slowdown - 1) times as long, and on the processor
        nodes / cores times as long, where there are fewer cores than nodes.
        """
        return self.processor_ms * max(nodes / cores, 1) + self.gpu_ms * (1 + (nodes - 1) * (slowdown - 1))

    def cores_for(self, nodes: int, published_ms: float) -> float:
        """How many cores would make `together_ms` the published time while the nodes take turns at the GPU."""
        return nodes * self.processor_ms / (published_ms - nodes * self.gpu_ms)


RTMDET = Node(0.488408, 2.93087, 26.1742 - 0.488408 - 2.93087)
#: Before messages were filled in as they are in RTMDET; the lines of its table add up to 16.75, its total says 15.79.
EARLIER = Node(1.61101, 1.71506, 15.791 - 1.61101 - 1.71506)


@dataclass(frozen=True)
class Shared:
    """What nodes share: the GPU, on which two at a time take `slowdown` times as long, and so many cores; None: one each."""

    slowdown: float = 2.0
    cores: int | None = None


def plan_of(node: Node, shared: Shared, skews_ms: Sequence[float], rate: float) -> Plan:
    """A node for each camera, whose first frame comes at its skew; core c serves the nodes c, c + cores, and so on."""
    nodes = len(skews_ms)
    scenario = loads("\n".join(_lines(shared, skews_ms, rate)))
    times = {"before": node.before_ms, "gpu": node.gpu_ms, "after": node.after_ms, "draw": node.draw_ms}
    return Plan(scenario, {}, "", {f"{part}_{one}": constant(ms / 1000) for part, ms in times.items() for one in range(nodes)})


def _lines(shared: Shared, skews_ms: Sequence[float], rate: float) -> Iterator[str]:
    nodes, cores = len(skews_ms), shared.cores
    yield "id: nodes\nversion: 1\ntitle: Nodes\nsummary: Detector nodes on one computer.\nbrief: What slows them down?"
    yield f"run: {{days: {SECONDS / 86_400}, drain_days: {SECONDS / 86_400}}}\narrivals:\n  kind: sensors\n  sensors:"
    for one in range(nodes):
        figures = f"rate_per_s: {{value: {rate}, assumed: not published}}, skew_ms: {{value: {skews_ms[one]}, assumed: drawn}}"
        yield f"    camera_{one}: {{label: Camera {one}, {figures}}}"
    yield f"accelerators:\n  gpu: {{label: GPU, slowdown: {{value: {shared.slowdown}, assumed: how it shares}}}}"
    for core in range(cores or 0):
        yield f"  core_{core}: {{label: Core {core}, slowdown: {{value: 2, assumed: turns}}}}"
    yield "start: which\nstages:"
    routes = [f"{{values: [camera_{one}], to: before_{one}}}" for one in range(nodes - 1)]
    yield f"  which: {{kind: gate, label: Which, by: sensor, routes: [{', '.join([*routes, f'{{to: before_{nodes - 1}}}'])}]}}"
    for one in range(nodes):
        core = "" if cores is None else f"shares: core_{one % cores}, "
        yield _stage(f"before_{one}", core, f"gpu_{one}")
        yield _stage(f"gpu_{one}", "shares: gpu, ", f"after_{one}")
        yield _stage(f"after_{one}", core, f"draw_{one}")
        yield _stage(f"draw_{one}", core, "done")
    yield "ends:\n  done: {label: Done, escalated: false, detected: {value: 1, assumed: none}, usd: {value: 0, assumed: none}}"


def _stage(name: str, shares: str, to: str) -> str:
    return f"  {name}: {{kind: pool, label: {name}, model: any, precision: any, device: any, {shares}to: {to}}}"


def node_ms(node: Node, shared: Shared, skews_ms: Sequence[float], rate: float = SLOW_RATE) -> NDArray[np.float64]:
    """Mean time of each node from the start of a frame to its answer, shape (nodes,)."""
    trace = simulate(plan_of(node, shared, skews_ms, rate))
    visits = {name: log.frame(name) for name, log in trace.logs.items()}
    started = [visits[f"before_{one}"]["started_s"].to_numpy() for one in range(len(skews_ms))]
    left = [visits[f"after_{one}"]["left_s"].to_numpy() for one in range(len(skews_ms))]
    return np.array([1000 * (end - start).mean() for start, end in zip(started, left, strict=True)])


def free_running_ms(node: Node, nodes: int, shared: Shared) -> NDArray[np.float64]:
    """The same for cameras that are not triggered together, in each of DRAWS sets of phases, shape (DRAWS, nodes)."""
    skews = np.random.default_rng(0).uniform(0, 1000 / RATE, (DRAWS, nodes))
    return np.array([node_ms(node, shared, row.round(3).tolist(), RATE) for row in skews])


def table(node: Node, nodes: int) -> Table:
    """Each cause, with what the nodes would then take."""
    made = Table("what is shared", "at the same instant, ms", "by hand, ms", "each free, mean ms", "least", "most", box=None)
    drawing = replace(node, draw_ms=DRAW_MS)
    for words, which, shared in [
        ("nothing", node, Shared(slowdown=1)),
        ("the GPU, in turns", node, Shared()),
        (f"the GPU and {nodes // 2} cores", node, Shared(cores=nodes // 2)),
        (f"the GPU and {nodes // 2} cores, which also draw", drawing, Shared(cores=nodes // 2)),
        ("the GPU and 1 core", node, Shared(cores=1)),
    ]:
        together, free = node_ms(which, shared, [0] * nodes), free_running_ms(which, nodes, shared)
        by_hand = node.together_ms(nodes, shared.slowdown, shared.cores or nodes)
        found = (together.mean(), by_hand, free.mean(), free.min(), free.max())
        made.add_row(words, *(f"{ms:.1f}" for ms in found))
    return made


def main() -> None:
    """Print what each cause would make of the published node."""
    out = Console(width=130)
    out.print(
        f"Four nodes, each camera at {RATE:g} frames a second (assumed); published: {FOUR_MS[0]:.0f} to {FOUR_MS[-1]:.0f} ms."
    )
    out.print(table(RTMDET, 4))
    few, many = (RTMDET.cores_for(4, ms) for ms in (FOUR_MS[-1], FOUR_MS[0]))
    out.print(f"Frames at the same instant take as long as published on {few:.1f} to {many:.1f} cores for four nodes.\n")
    out.print(f"Eight nodes of an earlier version, one of which is published: {ONE_OF_EIGHT_MS:.1f} ms.")
    out.print(f"In turns at the GPU alone: at most {EARLIER.together_ms(8, 2, 8):.1f} ms.")
    out.print(f"As long as published on {EARLIER.cores_for(8, ONE_OF_EIGHT_MS):.1f} cores for eight nodes.")


if __name__ == "__main__":
    main()
