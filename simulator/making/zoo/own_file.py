"""What a person asks for who brings a model file along; reading it needs no extra."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from simulator.paths import OWN_PROFILES


@dataclass(frozen=True)
class OwnFile:
    """A model file that a person brings along, and how it is to be measured.

    None, or nothing, where the file or the machine decides.
    """

    file: Path
    out: Path = OWN_PROFILES
    name: str | None = None
    models: tuple[str, ...] = ()
    precisions: tuple[str, ...] = ()
    input_shape: str | None = None
    device: str | None = None
    provider: str = "cpu"
    threads: tuple[int, ...] = (1, 2)
    batches: tuple[int, ...] = ()
    budget_s: float = 30.0
    overwrite: bool = False
