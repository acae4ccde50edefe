"""What a tool refused to do with a model, at which step, in one sentence with the tool's own words."""

from collections.abc import Iterator
from contextlib import contextmanager

from simulator.errors import InputError
from simulator.evidence.failures import FailedStep

_SENTENCES: dict[FailedStep, str] = {
    "export": "it cannot be turned into ONNX",
    "quantize": "the quantizer cannot convert it",
    "run": "ONNX Runtime cannot run it",
}
_LONGEST = 300


class RefusedError(InputError):
    """A model cannot be had at a precision; `step` says where that showed, the message why."""

    def __init__(self, step: FailedStep, reason: str) -> None:
        super().__init__(reason)
        self.step: FailedStep = step


class CannotMeasureError(InputError):
    """A model cannot be measured here; the message says which, why, and what would help."""


class MissingFileError(InputError):
    """A trained network was asked for whose file was not given."""


@contextmanager
def at_step(step: FailedStep) -> Iterator[None]:
    """Turns whatever a tool raises into RefusedError; bad photos and packages that are missing are not the model's fault."""
    try:
        yield
    except (InputError, ModuleNotFoundError):
        raise
    except Exception as error:
        raise RefusedError(step, f"{_SENTENCES[step]}: {_in_short(error)}") from error


def _in_short(error: Exception) -> str:
    """Kind of error and the first line of what it says; the tools' messages run over pages."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    return said if len(said) <= _LONGEST else f"{said[:_LONGEST]}…"
