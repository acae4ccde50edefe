"""Figures of a case that take part in its run, by the place where each stands in the file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from simulator.case.document import Path, dotted
from simulator.case.fields import Figure, Sourced, Strict
from simulator.case.model_memo import ModelMemo

if TYPE_CHECKING:
    from simulator.case.case_contract import AnyCase


def sourced_of(model: Any, path: Path = ()) -> Iterator[tuple[Path, Sourced]]:
    """Yield every figure, or list of them, within a model that takes part in the run, with its path."""
    if isinstance(model, Sourced):
        yield path, model
    elif isinstance(model, dict):
        for name, value in model.items():
            yield from sourced_of(value, (*path, str(name)))
    elif isinstance(model, list):
        for index, value in enumerate(model):
            yield from sourced_of(value, (*path, index))
    elif isinstance(model, BaseModel):
        yield from (((*path, *below), figure) for below, figure in _SOURCED.of(model))


def _sourced_within(model: BaseModel) -> list[tuple[Path, Sourced]]:
    left_out = model.without_figures if isinstance(model, Strict) else frozenset()
    names = [name for name in type(model).model_fields if name not in left_out]
    return [pair for name in names for pair in sourced_of(getattr(model, name), (name,))]


_SOURCED: ModelMemo[BaseModel, list[tuple[Path, Sourced]]] = ModelMemo(_sourced_within)


def figures_of(scenario: AnyCase) -> dict[str, Figure]:
    return {place: figure for place, (_, figure) in placed_figures(scenario).items()}


def placed_figures(scenario: AnyCase) -> dict[str, tuple[Path, Figure]]:
    return {dotted(path): (path, figure) for path, figure in sourced_of(scenario) if isinstance(figure, Figure)}
