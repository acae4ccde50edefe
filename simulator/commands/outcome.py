"""How a command ends: the exit statuses, and the sentence for whatever stopped it."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import IntEnum

from rich.console import Console

from simulator.errors import InputError, suggest
from simulator.scenario import ScenarioError
from simulator.scenario.faults import Fault

#: Messages to a person go here, so that standard output carries only the answer.
err = Console(stderr=True, highlight=False, soft_wrap=True)

#: Wide enough for every table: columns of a line, where a program reads them and no screen ends.
_WIDEST = 1000


def table_console() -> Console:
    """Standard output for tables: as wide as the terminal, or without a break where a program reads it."""
    out = Console()
    return out if out.is_terminal else Console(width=_WIDEST)


class Status(IntEnum):
    """The exit statuses of a command, as in BSD's sysexits.h and in shells."""

    DONE = 0
    NO = 1  # the answer is no: an objective is not met
    WRONG_USE = 2  # or wrong input
    OWN_FAULT = 70
    STOPPED = 130


class UsageError(InputError):
    """The command was called in a way that cannot work; the message says what would."""


class StoppedError(Exception):
    """An interrupt ended the command; the message says what is kept."""


#: What each optional extra installs, by import name. Each but the last includes the extras before it.
EXTRAS = {
    "measure": {"onnx", "onnxruntime", "PIL", "psutil", "pycocotools"},
    "zoo": {
        "efficientnet_lite_pytorch",
        "filterpy",
        "onnxscript",
        "segmentation_models_pytorch",
        "sklearn",
        "torch",
        "torchvision",
        "trackeval",
        "yolox",
    },
    "fidelity": {"mlperf_loadgen", "mosec"},
    "monitors": {"river"},
}


@contextmanager
def needing(extra: str, what: str) -> Iterator[None]:
    """Run what needs an extra; raises UsageError that names the missing package and how to install it."""
    names = list(EXTRAS)
    brought = set[str]().union(*(EXTRAS[name] for name in names[: names.index(extra) + 1]))
    try:
        yield
    except ModuleNotFoundError as error:
        missing = (error.name or "").split(".")[0]
        if missing not in brought:
            raise
        raise UsageError(f"{what} needs {missing}, which is not installed: pip install 'casesim[{extra}]'") from error


def known(what: str, name: str, there: Iterable[str]) -> str:
    """The name, if it exists; raises UsageError that suggests the nearest."""
    if name not in (names := list(there)):
        raise UsageError(f"there is no {what} '{name}'; {suggest(name, names)}")
    return name


def tell(error: BaseException) -> Status:
    """Print on standard error what ended a command, and return its exit status."""
    match error:
        case ScenarioError():
            _report(error.faults)
        case InputError():
            print(error, file=sys.stderr)
        case OSError():
            print(f"{error.filename}: {error.strerror}" if error.filename else error, file=sys.stderr)
        case StoppedError():
            print(f"stopped: {error}", file=sys.stderr)
            return Status.STOPPED
        case KeyboardInterrupt():
            return Status.STOPPED
        case _:
            _tell_own_fault(error)
            return Status.OWN_FAULT
    return Status.WRONG_USE


def _report(faults: list[Fault]) -> None:
    """Print every fault, a line each, as `file:line:col: field: message`."""
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"{len(faults)} fault{'s' if len(faults) > 1 else ''}", file=sys.stderr)


def _tell_own_fault(error: BaseException) -> None:
    if os.environ.get("CASESIM_DEBUG"):
        traceback.print_exception(error)
        return
    told = " ".join(f"{type(error).__name__}: {error}".split())
    print(
        f"this is a bug in CaseSim, not in your input: {told[:200]}; set CASESIM_DEBUG=1 in the environment to see where",
        file=sys.stderr,
    )
