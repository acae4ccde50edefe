"""`casesim profile --onnx`: reads what was asked for, measures it, and sees that it ends in one sentence."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.console import Console

from simulator.evidence.profiles import Profile, ProfileError
from simulator.paths import OWN_PROFILES
from simulator.zoo.errors import CannotMeasureError
from simulator.zoo.tellers import Teller, ToPerson, ToProgram

_NEEDED = {"onnx", "onnxruntime", "psutil"}
_WRONG_USE = 2
_STOPPED = 130


@dataclass(frozen=True)
class Wish:
    """What a person wants measured, as the command takes it; None, or nothing, where the file or the machine decides."""

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


def teller_for(as_json: bool, console: Console) -> Teller:
    """Who is told: a program by lines of JSON, or a person."""
    return ToProgram(sys.stderr) if as_json else ToPerson(console)


@contextmanager
def one_ending(teller: Teller) -> Iterator[None]:
    """Turns every way to fail into one sentence and an exit status: 2, or 130 where it was stopped."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name not in _NEEDED:
            raise
        teller.end("error", text=f"measuring needs {error.name}, which is not installed: pip install 'casesim[measure]'")
        raise typer.Exit(_WRONG_USE) from error
    except (CannotMeasureError, ProfileError, OSError) as error:
        teller.end("error", text=str(error))
        raise typer.Exit(_WRONG_USE) from error
    except KeyboardInterrupt:
        teller.end("stopped", text="stopped: nothing was written")
        raise typer.Exit(_STOPPED) from None
    finally:
        signal.signal(signal.SIGTERM, before)


def measure_wish(wish: Wish, teller: Teller) -> list[Profile]:
    """The profile that was measured, or none where there was one already."""
    from simulator.zoo.own import measure_own

    profile = measure_own(wish, teller)
    return [profile] if profile else []
