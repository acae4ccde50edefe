"""`casesim profile --onnx`: measures your own model, and reports progress to a person or a program."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer

from simulator.commands.outcome import Status, err, needing
from simulator.errors import InputError
from simulator.evidence.profiles import Profile
from simulator.making.zoo.progress import Teller, ToPerson, ToProgram


def profile_onnx(as_json: bool, **asked: Any) -> Profile | None:
    """The profile that was measured; None if there already was one.

    as_json: progress in lines of JSON, for a program; asked: the fields of `OwnFile`
    """
    teller = ToProgram(sys.stderr) if as_json else ToPerson(err)
    with _one_ending(teller), needing("measure", "measuring"):
        from simulator.making.zoo.own import OwnFile, measure_own

        return measure_own(OwnFile(**asked), teller)


@contextmanager
def _one_ending(teller: Teller) -> Iterator[None]:
    """Report whatever ends the command through the teller; meanwhile a signal to terminate is an interrupt."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except (InputError, OSError) as error:
        teller.end("error", text=str(error))
        raise typer.Exit(Status.WRONG_USE) from error
    except KeyboardInterrupt:
        teller.end("stopped", text="stopped: nothing was written")
        raise typer.Exit(Status.STOPPED) from None
    finally:
        signal.signal(signal.SIGTERM, before)
