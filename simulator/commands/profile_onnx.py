"""`casesim profile --onnx`: measures your own model, and reports progress to a person or a program."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer

from simulator.cli.exits import Status, err, needing
from simulator.errors import InputError
from simulator.evidence.profiles import Profile, write_profile
from simulator.limits import MODEL_SECONDS
from simulator.measure.progress import Show, ToPerson, to_program


def profile_onnx(as_json: bool, **asked: Any) -> Profile | None:
    """The profile that was measured; None if there already was one.

    as_json: progress in lines of JSON, for a program; asked: the fields of `OwnFile`
    """
    show = to_program(sys.stderr) if as_json else ToPerson(err)
    with _one_ending(show), needing("measure", "measuring"):
        from simulator.measure.guarded import Allowed, guarded

        allowed = Allowed(asked["file"], "measure fewer --threads, or a smaller --batch or --input-shape", MODEL_SECONDS.most)
        profile, path = guarded(allowed, show, _measured, asked)
        if profile:
            write_profile(profile, asked["out"])
        show({"event": "done", "profile": str(path)})
        return profile


def _measured(show: Show, asked: dict[str, Any]) -> tuple[Profile | None, Path]:
    """In a process of its own: only there is the model's runtime imported."""
    from simulator.measure.own_model import OwnFile, measure_own

    return measure_own(show, OwnFile(**asked))


@contextmanager
def _one_ending(show: Show) -> Iterator[None]:
    """Show whatever ends the command; meanwhile a signal to terminate is an interrupt."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except (InputError, OSError) as error:
        show({"event": "error", "text": str(error)})
        raise typer.Exit(Status.WRONG_USE) from error
    except KeyboardInterrupt:
        show({"event": "stopped", "text": "stopped: nothing was written"})
        raise typer.Exit(Status.STOPPED) from None
    finally:
        signal.signal(signal.SIGTERM, before)
