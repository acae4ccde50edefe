"""Names in a case that refer to another part of it: declared in the schema, found by one walk over the data of its file.

`stage: Annotated[Name, Ref("stage")]` says that a field names a stage; a `Ref` may also stand at the entries of a list, and at
the keys or the values of a mapping. It yields the fault of a name that refers to nothing, the completions of an editor, and the
link on the reference page.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import Annotated, Any, NamedTuple, Protocol, TypeVar, get_args, get_origin, runtime_checkable

from pydantic import BaseModel, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from simulator.case.document import Path
from simulator.errors import suggest

Result = TypeVar("Result")

#: The keys of a JSON Schema that name the kind of names of a value, and of the keys of a mapping.
OF_VALUE, OF_KEYS = "x-names", "x-keys"


@dataclass(frozen=True)
class Ref:
    """In an annotation: the value is a name of a kind in NAME_KINDS.

    says: the sentence on a name that refers to nothing, with {} in its place, if it is not that of the kind
    absent: the remedy where the case has no such names, if it is not that of the kind
    """

    kind: str
    says: str = ""
    absent: str = ""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(schema) | {OF_VALUE: self.kind}


class NameUse(NamedTuple):
    """A name as it stands in a file: its place, its declaration and its words."""

    path: Path
    ref: Ref
    name: Any


class KnownCase:
    """The case in which names are looked up.

    data: of its file; scenario: the `Scenario`, where it can be read; unknown: the places of names that are in doubt
    """

    def __init__(self, data: Any, scenario: Any = None, unknown: Collection[Path] = ()) -> None:
        self.data, self._scenario, self.unknown = data, scenario, unknown
        self._results: dict[Any, Any] = {}

    @classmethod
    def of(cls, scenario: Any, unknown: Collection[Path] = ()) -> KnownCase:
        return cls(scenario.document.data, scenario, unknown)

    @cached_property
    def scenario(self) -> Any:
        assert self._scenario is not None, "an early kind of names is looked up in the data"
        return self._scenario

    @property
    def is_read(self) -> bool:
        return self._scenario is not None

    def part(self, *keys: str) -> dict[str, Any]:
        """Return a mapping of the file; empty where there is none."""
        data = self.data
        for key in keys:
            data = data.get(key) if isinstance(data, dict) else None
        return data if isinstance(data, dict) else {}

    def names(self, key: str, path: Path) -> Names:
        """Return the names of a kind that may stand at a place; None where they are not looked up."""
        kind = NAME_KINDS[key]
        return kind.names(self, path) if kind.by_place else self.once(kind.names, path)

    def once(self, work: Callable[..., Result], *arguments: Any) -> Result:
        """Return what a function of this case gives, which is worked out once."""
        if work not in self._results:
            self._results[work] = work(self, *arguments)
        result: Result = self._results[work]
        return result

    def fault(self, reference: NameUse) -> str:
        """Return the sentence on a name that refers to nothing; empty for one that refers to something."""
        path, ref, name = reference
        kind = NAME_KINDS[ref.kind]
        if kind.refuse is not None:
            return kind.refuse(self, path, name)
        names = self.names(ref.kind, path) if kind.checked and isinstance(name, str) else None
        if names is None or name in names:
            return ""
        absent = ref.absent or kind.absent
        hint = absent if absent and not names else suggest(name, names, kind.guide)
        article = "an" if kind.word[0] in "aeiou" else "a"
        says = ref.says or kind.says or f"'{{}}' is not {article} {kind.word}"
        says = says.replace("{of}", str(path[-2] if len(path) > 1 else "")).replace("{}", name)
        return f"{says}; {hint}"


#: Names with words on each: a label, or a model or the data of one that has it.
Names = Mapping[str, Any] | Iterable[str] | Any


@dataclass(frozen=True)
class NameKind:
    """A kind of names.

    word: the word for one
    names: the names that may stand at a place; None where they are not looked up
    says: the sentence on a name that refers to nothing, with {} in its place, if it is not that it is no such word
    absent: the remedy where the case has no such names
    guide: the page that lists them
    sections: the sections of the case that they are the keys of
    early: whether the data of a file with other faults names them too
    by_place: whether they differ from place to place
    checked: whether the checker looks them up; if not, a plan does
    refuse: the sentence that refuses a value, for kinds that are more than a list of names; empty for a right one
    """

    word: str
    names: Callable[[KnownCase, Path], Names]
    says: str = ""
    absent: str = ""
    guide: str = ""
    sections: tuple[str, ...] = ()
    early: bool = False
    by_place: bool = False
    checked: bool = True
    refuse: Callable[[KnownCase, Path, Any], str] | None = None


#: Every kind of names, by the word of its declarations.
NAME_KINDS: dict[str, NameKind] = {}


def offers(case: KnownCase, key: str, path: Path) -> dict[str, str]:
    """Return the names that may stand at a place, each with its label, or with words for it."""
    names: Names = ()
    with suppress(LookupError, AttributeError):  # the last readable case may lack the part around the place
        names = case.names(key, path) or ()
    if not isinstance(names, Mapping):
        return {str(name): "" for name in names}
    return {str(name): _words_of(part) for name, part in names.items()}


def _words_of(part: Any) -> str:
    words = part.get("label", "") if isinstance(part, dict) else part if isinstance(part, str) else getattr(part, "label", "")
    return str(words)


# ---- the walk


@runtime_checkable
class ManyModels(Protocol):
    """In an annotation: the model of a value depends on its data, or is looked up late."""

    def models_for(self, data: Any) -> Iterable[type[BaseModel]]:
        """Return the models that the data may be of."""


def references(model: type[BaseModel], data: Any, path: Path = (), without: Collection[str] = ()) -> Iterator[NameUse]:
    """Yield every name in the data of a model, whatever faults it has.

    without: fields that are left out
    """
    if isinstance(data, dict):
        for field, walk in _fields_of(model).items():
            if field in data and field not in without:
                yield from walk(data[field], (*path, field))


Walk = Callable[[Any, Path], Iterator[NameUse]]


@lru_cache(maxsize=4096)
def _fields_of(model: type[BaseModel]) -> dict[str, Walk]:
    """Return the walks over the fields below which a name may stand."""
    walks = {name: _walk_of(field.annotation, field.metadata) for name, field in model.model_fields.items()}
    return {name: walk for name, walk in walks.items() if walk is not None}


def _walk_of(annotation: Any, metadata: Iterable[Any] = ()) -> Walk | None:
    """Return the walk over values of an annotation; None where no name stands in them."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _walk_of(arguments[0], [*arguments[1:], *metadata])
    walks: list[Walk | None] = [partial(_named, part) for part in metadata if isinstance(part, Ref)]
    if late := [part for part in metadata if isinstance(part, ManyModels)]:
        walks += [partial(_of_models, part) for part in late]
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        walks.append(partial(references, annotation))
    elif origin is dict:
        keys, values = map(_walk_of, arguments)
        walks += [keys and partial(_of_keys, keys), values and partial(_of_values, values)]
    elif origin in (list, tuple):
        entries = _walk_of(arguments[0])
        walks.append(entries and partial(_of_entries, entries))
    else:
        walks += map(_walk_of, arguments)  # the arms of a union
    there = [walk for walk in walks if walk is not None]
    return there[0] if len(there) < 2 and there else partial(_all_of, there) if there else None


def _named(ref: Ref, data: Any, path: Path) -> Iterator[NameUse]:
    if isinstance(data, str | int | float):
        yield NameUse(path, ref, data)


def _of_models(models: ManyModels, data: Any, path: Path) -> Iterator[NameUse]:
    for model in models.models_for(data):
        yield from references(model, data, path)


def _of_keys(walk: Walk, data: Any, path: Path) -> Iterator[NameUse]:
    for key in data if isinstance(data, dict) else ():
        yield from walk(key, (*path, key))


def _of_values(walk: Walk, data: Any, path: Path) -> Iterator[NameUse]:
    for key, value in data.items() if isinstance(data, dict) else ():
        yield from walk(value, (*path, key))


def _of_entries(walk: Walk, data: Any, path: Path) -> Iterator[NameUse]:
    for index, value in enumerate(data if isinstance(data, list) else ()):
        yield from walk(value, (*path, index))


def _all_of(walks: Iterable[Walk], data: Any, path: Path) -> Iterator[NameUse]:
    for walk in walks:
        yield from walk(data, path)
