"""Named random streams: one question, one stream, so that a further stage or option shifts no other draw."""

import hashlib

import numpy as np


class Streams:
    """The random streams of one replication.

    A stream depends on the seed, the replication and its own name alone: two designs that ask for `arrivals` meet the same
    arrivals (common random numbers).
    """

    def __init__(self, seed: int, replication: int = 0) -> None:
        self.seed = seed
        self.replication = replication

    def named(self, name: str) -> np.random.Generator:
        """A fresh generator for the stream `name`; asking twice gives the same draws twice."""
        digest = hashlib.sha256(name.encode()).digest()
        words = [int.from_bytes(digest[i : i + 4], "little") for i in range(0, 16, 4)]
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence([self.seed, self.replication, *words])))
