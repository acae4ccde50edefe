"""What a person does during an incident, as data: a script, a link and a notebook are lists of these."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from simulator.case.fields import Name, Share, Strict
from simulator.errors import InputError, suggest
from simulator.evidence.evidence_files import read_yaml
from simulator.incident.section import LABELLED, WATCHED, Incident, Watch


class ActionError(InputError):
    """An action cannot be taken; the message says which, why, and what could be."""


class WatchAction(Strict):
    """From now on these monitors watch, in place of those before."""

    kind: Literal["watch"]
    watches: Annotated[list[Watch], Field(max_length=32)]


class WaitAction(Strict):
    """Let so many hours pass; without a number: until something rings."""

    kind: Literal["wait"]
    hours: Annotated[float | None, Field(gt=0, le=672)] = None


class LookAction(Strict):
    """Look closer, in one of the case's ways."""

    kind: Literal["look"]
    look: Name
    site: Annotated[Name | None, Field(description="at this site alone, of pictures and labels; none: at all")] = None
    statistic: Annotated[Name, Field(description="the figure, of slices")] = "found"
    frames: Annotated[int, Field(ge=10, le=5000, description="how many people label, of labels")] = 100


class BelieveAction(Strict):
    """How likely the person holds each cause, by name; written down, not judged."""

    kind: Literal["believe"]
    shares: Annotated[dict[Name, Share], Field(max_length=64)]


class DiagnoseAction(Strict):
    """Name the cause, and say how sure one is; the last one counts."""

    kind: Literal["diagnose"]
    cause: Name
    confidence: Share


class FixAction(Strict):
    """Ship one of the case's fixes."""

    kind: Literal["fix"]
    fix: Name


class CloseAction(Strict):
    """The incident is over for the person; the stream goes on to its end."""

    kind: Literal["close"]


Action = Annotated[
    WatchAction | WaitAction | LookAction | BelieveAction | DiagnoseAction | FixAction | CloseAction,
    Field(discriminator="kind"),
]
SCRIPT: TypeAdapter[list[Action]] = TypeAdapter(list[Action])


def read_script(path: Path) -> list[Action]:
    """The actions in a YAML or JSON file, a list of them; raises ActionError with the file, the field and what is wrong."""
    return read_yaml(path, SCRIPT, ActionError)


def read_actions(given: object) -> list[Action]:
    """Actions from plain data; raises ActionError."""
    try:
        return SCRIPT.validate_python(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ActionError(f"actions: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def check_action(spec: Incident, action: Action) -> None:
    """Raise ActionError where an action names what the case does not have."""
    if isinstance(action, LookAction):
        _check_look(spec, action)
    elif isinstance(action, DiagnoseAction):
        _among("cause", action.cause, spec.causes)
    elif isinstance(action, FixAction):
        _among("fix", action.fix, spec.fixes)
    elif isinstance(action, BelieveAction):
        for name in action.shares:
            _among("cause", name, spec.causes)
        if sum(action.shares.values()) > 1 + 1e-6:
            raise ActionError(f"believe: the shares add up to {sum(action.shares.values()):.2f}; at most 1")
    elif isinstance(action, WatchAction):
        for watch in action.watches:
            _among("statistic", watch.statistic, spec.usd_a_week)
            if told := spec.too_wide(watch):
                raise ActionError(f"watch: window_h: {told}")


def _check_look(spec: Incident, action: LookAction) -> None:
    _among("look", action.look, spec.looks)
    _among("statistic", action.statistic, WATCHED)
    if action.site is not None:
        _among("site", action.site, spec.sites)
    if action.statistic in LABELLED:
        raise ActionError("look: labels come late and are few; have frames labelled to see recall")


def _among(what: str, name: str, known: Iterable[str]) -> None:
    names = list(known)
    if name not in names:
        raise ActionError(f"{what}: there is no '{name}' in this case; {suggest(name, names)}")
