"""The processes that run the designs of a sweep: those of this machine, or the workers of a Dask scheduler."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from simulator.cli.signals import keeping
from simulator.processes import ProcessPool
from simulator.sweeps.sweep import Submit


@contextmanager
def workers(scheduler: str | None) -> Iterator[Submit]:
    """Run points on the processes of this machine, or on the workers of a Dask scheduler."""
    with keeping("the designs that have run are kept; the same command goes on from there"):
        if scheduler is None:
            with ProcessPool() as pool:
                yield pool.submit
            return
        from simulator.dask_cluster import Cluster

        with Cluster(scheduler) as cluster:
            yield cluster.submit
