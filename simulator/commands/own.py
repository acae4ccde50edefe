"""`casesim profile --onnx`: reads what was asked for, measures it, and sees that it ends in one sentence."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console

from simulator.evidence.profiles import Profile, ProfileError
from simulator.making.zoo.errors import CannotMeasureError
from simulator.making.zoo.own_file import OwnFile
from simulator.making.zoo.progress import Teller, ToPerson, ToProgram

_NEEDED = {"onnx", "onnxruntime", "psutil"}
_WRONG_USE = 2
_STOPPED = 130


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


def measure_wish(wish: OwnFile, teller: Teller) -> list[Profile]:
    """The profile that was measured, or none where there was one already."""
    from simulator.making.zoo.own import measure_own

    profile = measure_own(wish, teller)
    return [profile] if profile else []
