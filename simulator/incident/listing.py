"""A YAML or JSON file that holds a list of one kind of thing, such as actions or monitors, with the line of every value."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from simulator.case.document import Document, ScenarioError, read_document
from simulator.case.error_recovery import place_of, sentence_of
from simulator.errors import PlacedError
from simulator.limits import FAULTS_SHOWN

Entry = TypeVar("Entry")


@dataclass(frozen=True)
class Listing(Generic[Entry]):
    """The entries of a file, in its order."""

    entries: list[Entry]
    document: Document

    @contextmanager
    def at(self, index: int) -> Iterator[None]:
        """Turn a PlacedError about the entry number `index`, from 0, into a ScenarioError with file, line and field."""
        try:
            yield
        except PlacedError as error:
            raise ScenarioError([self.document.fault((index, *error.path), error.message)]) from error


def read_listing(file: FilePath, adapter: TypeAdapter[list[Entry]]) -> Listing[Entry]:
    """Read a list from a file. Raises ScenarioError with every fault, each with file, line, column and field."""
    document = read_document(file, list)
    try:
        return Listing(adapter.validate_python(document.data), document)
    except ValidationError as error:
        lines = error.errors(include_url=False)[: FAULTS_SHOWN.most + 1]
        raise ScenarioError([document.fault(place_of(document.data, line), sentence_of(line)) for line in lines]) from error
