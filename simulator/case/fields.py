"""The building blocks of a scenario: strict models, figures with a source, bounded text."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from math import exp, inf
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ModelWrapValidatorHandler,
    PrivateAttr,
    ValidationError,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema
from scipy.special import expm1, ndtr

from simulator.case.document import Path, dotted
from simulator.errors import suggest
from simulator.evidence.evidence_files import EvidenceRecord
from simulator.limits import FAULTS_SHOWN
from simulator.phrases import phrase

Evidence = Literal["measured", "projected", "published", "assumed"]
EVIDENCE_KINDS: tuple[Evidence, ...] = ("measured", "projected", "published", "assumed")

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$", max_length=60)]


#: The language of a fenced block of code, which may be written with escapes: none is let through.
_LANGUAGE = re.compile(r"(?<![`~])(?=[`~]*?(?:`{3}|~{3}))[`~]+[^\S\r\n]*([^\s`~]\S{0,20})")


def no_picture(text: str) -> str:
    """Return the text; raises ForbiddenTextError where a page would fetch a picture for it, also as part of a diagram."""
    if "![" in text:
        what = "`![` would fetch a picture from another server, and pages of a case show none; write a link, [words](address)"
        raise ForbiddenTextError(what, "![")
    if language := _LANGUAGE.search(text):
        raise ForbiddenTextError(phrase("document.code_language", language=repr(language[1])), language[0])
    return text


class ForbiddenTextError(ValueError):
    """Error for a text with words that no page may show; words: those."""

    def __init__(self, message: str, words: str) -> None:
        super().__init__(message)
        self.words = words


Line = Annotated[str, Field(min_length=1, max_length=300), AfterValidator(no_picture)]
Prose = Annotated[str, Field(min_length=1, max_length=8000), AfterValidator(no_picture)]


_CLOCK = r"([01]\d|2[0-3]):[0-5]\d|24:00"


def _clock_time(text: str) -> str:
    if not re.fullmatch(_CLOCK, text):
        raise ValueError('write the time of day with two digits each and in quotes, as "08:30"')
    return text


ClockTime = Annotated[
    str,
    AfterValidator(_clock_time),
    Field(description="time of day, `08:30`", json_schema_extra={"pattern": f"^({_CLOCK})$"}),
]
Share = Annotated[float, Field(ge=0, le=1)]


#: The page that lists every key and every metric.
GUIDE = "docs/writing-cases.md"

#: Part of the name of an evidence file; it cannot lead out of its folder.
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=120)]

#: A path below the scenario's own folder: no `..`, no root.
LocalFile = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*\.(csv|parquet)$", max_length=200)
]


#: In an annotation: what a file can only write in another form, such as a pair as a list, or a key that is a number as text.
AS_WRITTEN = Field(strict=False)


class Strict(EvidenceRecord):
    """A model that accepts only the fields it names, and suggests the name that was probably meant.

    It takes values as they are: `"5"` is a text and no number, and `true` is not 1.
    """

    model_config = ConfigDict(strict=True)

    #: An example of one as an author writes it, for error messages.
    written: ClassVar[str] = "keys with values"
    #: Fields whose figures take no part in a run: their many models need not be looked through.
    without_figures: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def _written(cls, given: Any) -> str:
        """Return the example, with the number that the author gave."""
        is_number = isinstance(given, int | float) and not isinstance(given, bool)
        return cls.written.replace("value: 5", f"value: {given!r}") if is_number else cls.written

    @cached_property
    def _sourced_parts(self) -> list[tuple[Path, Sourced]]:
        names = [name for name in type(self).model_fields if name not in self.without_figures]
        return [pair for name in names for pair in sourced_of(getattr(self, name), (name,))]

    @model_validator(mode="wrap")
    @classmethod
    def _name_the_nearest_key(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(data)
        except ValidationError as error:
            lines = [cls._helpful(line) for line in error.errors(include_url=False)[: FAULTS_SHOWN.most + 1]]
            raise ValidationError.from_exception_data(cls.__name__, lines) from None

    @classmethod
    def _helpful(cls, line: Any) -> InitErrorDetails:
        kind, message, context = line["type"], line["msg"].removeprefix("Value error, "), line.get("ctx", {})
        if kind in ("model_type", "model_attributes_type") and not line["loc"]:
            kind, message = "not_a_mapping", f"write it as {cls._written(line['input'])}"
        if kind == "extra_forbidden" and len(line["loc"]) == 1:
            kind, message = "unknown_key", f"unknown key; {suggest(str(line['loc'][0]), cls.model_fields, GUIDE)}"
        if isinstance(forbidden := context.get("error"), ForbiddenTextError):
            context = {"words": forbidden.words}
        context = {name: value for name, value in context.items() if isinstance(value, str | int | float)}
        error = PydanticCustomError(kind, "{message}", context | {"message": message})
        return InitErrorDetails(type=error, loc=line["loc"], input=line["input"])


def refused(when: Callable[[Any], object], says: str) -> Any:
    """Return a validator of a model that refuses it in a case; says: the sentence, with the model's fields as `{0.name}`."""

    def check(model: Any) -> Any:
        if when(model):
            raise ValueError(says.format(model))
        return model

    return model_validator(mode="after")(check)


def exactly_one(*names: str, message: str = "") -> Any:
    """Return a validator of a model that accepts exactly one of several fields; message: the sentence for none or more."""
    return refused(lambda model: len(_given(model, names)) != 1, message or f"give exactly one of {' and '.join(names)}")


def at_most_one(*names: str) -> Any:
    """Return a validator of a model that accepts none or one of several fields."""

    def check(model: Any) -> Any:
        if len(given := _given(model, names)) > 1:
            raise ValueError(f"give {given[0]} or {given[1]}, not both")
        return model

    return model_validator(mode="after")(check)


def _given(model: Any, names: tuple[str, ...]) -> list[str]:
    return [name for name in names if getattr(model, name) is not None]


def _names_alone(field: str) -> dict[str, Any]:
    """Return the JSON Schema of a mapping that has a text in this field."""
    return {"required": [field], "properties": {field: {"type": "string"}}}


class Sourced(Strict):
    """A model with evidence: exactly one of measured, projected, published or assumed says where its value comes from."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [_names_alone(kind) for kind in EVIDENCE_KINDS]})

    measured: Line | None = None
    """the machine or the data, and the date"""
    projected: Line | None = None
    """the figure that it is projected from, and the error"""
    published: Line | None = None
    """the publication and its date"""
    assumed: Line | None = None
    """the author's reason"""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = [kind for kind in EVIDENCE_KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            raise ValueError(phrase("picks.one_source", kinds=EVIDENCE_KINDS, given=given or ["none"]))
        return self

    @property
    def kind(self) -> Evidence:
        return next(kind for kind in EVIDENCE_KINDS if getattr(self, kind) is not None)

    @property
    def source(self) -> str:
        return str(getattr(self, self.kind))

    @property
    def words(self) -> str:
        raise NotImplementedError


class Figure(Sourced):
    """A number and the evidence for it."""

    written: ClassVar[str] = "{value: 5, assumed: why}"

    value: float
    """the number"""
    between: Annotated[tuple[float, float], AS_WRITTEN] | None = None
    """the lowest and the highest value that it may have in truth, where it is assumed or projected"""

    #: The lowest and the highest value that its field allows.
    _allowed: tuple[float, float] = PrivateAttr(default_factory=lambda: (-inf, inf))  # a default would be copied each time

    @model_validator(mode="after")
    def _lies_between(self) -> Self:
        low, high = self.between or (-inf, inf)
        if not low < high:
            raise ValueError(f"`between` should hold two numbers, the lower one first; got {low:g} and {high:g}")
        if not low <= self.value <= high:
            raise ValueError(f"the value {self.value:g} should lie within `between`, from {low:g} to {high:g}")
        return self

    @property
    def words(self) -> str:
        return f"{self.value:g}"

    @property
    def allowed(self) -> tuple[float, float]:
        return self._allowed

    def within(self, low: float, high: float) -> Self:
        """Return the figure with the range that its field allows; raises ValueError where it lies beyond."""
        for value in (self.value, *(self.between or ())):
            if not low <= value <= high:
                raise ValueError(f"should be between {low:g} and {high:g}, got {value:g}")
        self._allowed = (low, high)
        return self


@dataclass(frozen=True)
class bounded:  # noqa: N801 (stands in annotations like a function)
    """In an annotation: keeps a Figure's value within [low, high]."""

    low: float
    high: float

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def _check(self, figure: Figure) -> Figure:
        try:
            return figure.within(self.low, self.high)
        except ValueError as error:
            raise PydanticCustomError("out_of_range", "{message}", {"message": str(error)}) from None

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        value = {"minimum": self.low, "maximum": self.high}
        return {"allOf": [handler(schema), {"properties": {"value": value, "between": {"items": value}}}]}


ShareFigure = Annotated[Figure, bounded(0, 1)]
CostFigure = Annotated[Figure, bounded(0, 1e9)]
PositiveFigure = Annotated[Figure, bounded(1e-9, 1e9)]


@dataclass(frozen=True)
class Source:
    """The evidence behind one number of a plan."""

    what: str
    kind: str
    value: str
    source: str


def sourced_of(part: object, path: Path = ()) -> Iterator[tuple[Path, Sourced]]:
    """Yield every figure, or list of them, within a part of a case that takes part in its run, with its path."""
    if isinstance(part, Sourced):
        yield path, part
    elif isinstance(part, Strict):
        yield from (((*path, *below), figure) for below, figure in part._sourced_parts)
    elif isinstance(part, dict):
        for name, value in part.items():
            yield from sourced_of(value, (*path, str(name)))
    elif isinstance(part, list):
        for index, value in enumerate(part):
            yield from sourced_of(value, (*path, index))


def figures_of(case: object) -> dict[str, Figure]:
    """Return the figures of a case that take part in its run, by the place where each stands in the file."""
    return {place: figure for place, (_, figure) in placed_figures(case).items()}


def placed_figures(case: object) -> dict[str, tuple[Path, Figure]]:
    return {dotted(path): (path, figure) for path, figure in sourced_of(case) if isinstance(figure, Figure)}


Draws = NDArray[Any]
Shape = int | tuple[int, ...]

#: Draws that stand for a distribution without a formula.
_MANY = 100_000


class AnyQuantity(Strict):
    """A number that differs from request to request. Kinds are distinguished by the field that only one of them has: `key`."""

    #: The field that identifies this kind, and that holds the figure with its evidence.
    key: ClassVar[str]

    @property
    @abstractmethod
    def mean(self) -> float:
        """The mean, in the unit of the figures."""

    @property
    def usual(self) -> float:
        return self.mean

    @abstractmethod
    def draw(self, rng: np.random.Generator, shape: Shape, dtype: Any = np.float32) -> Draws:
        """Return independent draws in the unit of the figures; the first ones do not depend on the shape."""

    def share_below(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probability that a draw lies below each value, shape as `values`; estimated from draws."""
        return _share_of(np.sort(self.draw(np.random.default_rng(0), _MANY)), values)


def _share_of(ordered: Draws, values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.searchsorted(ordered, values.astype(np.float32), side="left") / len(ordered)


class Lognormal(AnyQuantity):
    """A lognormal quantity: its median, and sigma, the standard deviation of its logarithm."""

    key: ClassVar[str] = "median"
    written: ClassVar[str] = "{median: {value: 5, assumed: why}, sigma: 0.5}, or as {constant: {value: 5, assumed: why}}"

    median: PositiveFigure
    """a figure"""
    sigma: Annotated[float, Field(ge=0, le=3)]
    """the standard deviation of the logarithm, 0 to 3"""

    @property
    def mean(self) -> float:
        return self.median.value * exp(self.sigma**2 / 2)

    @property
    def usual(self) -> float:
        return self.median.value

    def draw(self, rng: np.random.Generator, shape: Shape, dtype: Any = np.float32) -> Draws:
        drawn: Draws = rng.standard_normal(shape, dtype)
        drawn *= self.sigma
        np.exp(drawn, out=drawn)
        drawn *= self.median.value
        return drawn

    def share_below(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.sigma == 0:
            return _share_of(np.array([self.median.value], np.float32), values)
        with np.errstate(divide="ignore"):  # no draw lies below zero: the logarithm is minus infinity there
            logs = np.log(np.maximum(values, 0) / self.median.value)
        return np.asarray(ndtr(logs / self.sigma))


class Samples(Sourced, AnyQuantity):
    """A quantity that takes each value of a list equally often."""

    key: ClassVar[str] = "samples"

    samples: Annotated[list[Annotated[float, Field(gt=0, le=1e9)]], Field(min_length=1, max_length=10_000)]
    """the values; the evidence stands beside the list"""

    @property
    def mean(self) -> float:
        return sum(self.samples) / len(self.samples)

    @property
    def words(self) -> str:
        return f"{len(self.samples)} values, {self.mean:.3g} on average"

    def draw(self, rng: np.random.Generator, shape: Shape, dtype: Any = np.float32) -> Draws:
        return np.sort(np.array(self.samples, dtype))[(rng.random(shape) * len(self.samples)).astype(np.intp)]

    def share_below(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return _share_of(np.sort(np.array(self.samples, np.float32)), values)


class Exponential(AnyQuantity):
    """An exponential quantity: memoryless, with a standard deviation as large as its mean."""

    key: ClassVar[str] = "exponential_mean"

    exponential_mean: PositiveFigure
    """the mean, a figure"""

    @property
    def mean(self) -> float:
        return self.exponential_mean.value

    def draw(self, rng: np.random.Generator, shape: Shape, dtype: Any = np.float32) -> Draws:
        drawn: Draws = rng.standard_exponential(shape, dtype)
        drawn *= self.mean
        return drawn

    def share_below(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(-expm1(-np.maximum(values, 0) / self.mean))


class Constant(AnyQuantity):
    """A quantity that is equal for all requests."""

    key: ClassVar[str] = "constant"

    constant: PositiveFigure
    """the value, a figure"""

    @property
    def mean(self) -> float:
        return self.constant.value

    def draw(self, rng: np.random.Generator, shape: Shape, dtype: Any = np.float32) -> Draws:
        return np.full(shape, self.constant.value, dtype)

    def share_below(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return _share_of(np.array([self.constant.value], np.float32), values)


#: Every kind of quantity, by its key; one without any key is read as the first. `add_quantity` adds one.
QUANTITIES: dict[str, type[AnyQuantity]] = {kind.key: kind for kind in (Lognormal, Samples, Exponential, Constant)}


def add_quantity(kind: type[AnyQuantity]) -> None:
    """Let scenarios give a further kind of quantity, by its key; raises ValueError where the key is taken."""
    if kind.key in QUANTITIES:
        raise ValueError(f"there is a quantity '{kind.key}' already")
    QUANTITIES[kind.key] = kind


class _ByKey:
    """In an annotation: the kind of quantity whose key is given, looked up when a value is read."""

    @staticmethod
    def read(data: Any) -> AnyQuantity:
        if isinstance(data, BaseModel):
            return AnyQuantity.model_validate(data)
        given = data if isinstance(data, dict) else {}
        return next((kind for key, kind in QUANTITIES.items() if key in given), Lognormal).model_validate(data)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [handler(kind.__pydantic_core_schema__) for kind in QUANTITIES.values()]}


Quantity = Annotated[AnyQuantity, _ByKey()]
