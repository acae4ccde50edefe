"""The building blocks of a scenario: strict models, figures with a source, bounded text."""

import re
from math import inf
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    ValidationError,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from simulator.errors import suggest
from simulator.limits import FAULTS_TOLD

Evidence = Literal["measured", "projected", "published", "assumed"]
EVIDENCE_KINDS: tuple[Evidence, ...] = ("measured", "projected", "published", "assumed")

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$", max_length=60)]


#: The language of a fenced block of code, which may be written with escapes: none is let through.
_LANGUAGE = re.compile(r"(?:`{3}|~{3})[`~]*[^\S\r\n]*([^\s`~]\S{0,20})")


def no_picture(text: str) -> str:
    """The text; raises ValueError where a page would fetch a picture for it, also as part of a diagram."""
    if "![" in text:
        raise ValueError("`![` would fetch a picture from elsewhere; pages of a case show none: write a link, [words](address)")
    if language := _LANGUAGE.search(text):
        raise ValueError(f"a block of code may not name a language, as a diagram could fetch pictures; remove {language[1]!r}")
    return text


Line = Annotated[str, Field(min_length=1, max_length=300), AfterValidator(no_picture)]
Prose = Annotated[str, Field(min_length=1, max_length=8000), AfterValidator(no_picture)]


def _clock_time(text: str) -> str:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d|24:00", text):
        raise ValueError('write the time of day with two digits each and in quotes, as "08:30"')
    return text


ClockTime = Annotated[str, AfterValidator(_clock_time), Field(description="time of day, `08:30`")]
Share = Annotated[float, Field(ge=0, le=1)]


def clock_minutes(clock: str) -> int:
    """`08:30` as minutes from midnight."""
    hours, minutes = clock.split(":")
    return 60 * int(hours) + int(minutes)


#: What lists every key and every metric.
GUIDE = "docs/writing-cases.md"

#: A path below the scenario's own folder: no `..`, no root.
LocalFile = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*\.(csv|parquet)$", max_length=200)
]


class Strict(BaseModel):
    """A model that accepts only the fields it names, and suggests the name that was probably meant."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    #: How an author writes one, for error messages.
    written: ClassVar[str] = "keys with values"

    @model_validator(mode="wrap")
    @classmethod
    def _name_the_nearest_key(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(data)
        except ValidationError as error:
            lines = [cls._helpful(line) for line in error.errors(include_url=False)[: FAULTS_TOLD.most + 1]]
            raise ValidationError.from_exception_data(cls.__name__, lines) from None

    @classmethod
    def _helpful(cls, line: Any) -> InitErrorDetails:
        kind, message, context = line["type"], line["msg"].removeprefix("Value error, "), line.get("ctx", {})
        if kind in ("model_type", "model_attributes_type") and not line["loc"]:
            kind, message = "not_a_mapping", f"write it as {cls.written}"
        if kind == "extra_forbidden" and len(line["loc"]) == 1:
            kind, message = "unknown_key", f"unknown key; {suggest(str(line['loc'][0]), cls.model_fields, GUIDE)}"
        context = {name: value for name, value in context.items() if isinstance(value, str | int | float)}
        told = PydanticCustomError(kind, "{message}", context | {"message": message})
        return InitErrorDetails(type=told, loc=line["loc"], input=line["input"])


class Sourced(Strict):
    """A model with evidence: exactly one of measured, projected, published or assumed says where its value comes from."""

    measured: Line | None = None
    projected: Line | None = None
    published: Line | None = None
    assumed: Line | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = [kind for kind in EVIDENCE_KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            raise ValueError(
                f"a figure names exactly one of {', '.join(EVIDENCE_KINDS)} with its source, "
                f"such as `assumed: why`; given: {', '.join(given) or 'none'}"
            )
        return self

    @property
    def kind(self) -> Evidence:
        """Which kind of evidence supports the value."""
        return next(kind for kind in EVIDENCE_KINDS if getattr(self, kind) is not None)

    @property
    def source(self) -> str:
        """The sentence that says where the value comes from."""
        return str(getattr(self, self.kind))

    @property
    def words(self) -> str:
        """The value that the evidence supports, in words."""
        raise NotImplementedError


class Figure(Sourced):
    """A number and the evidence for it."""

    written: ClassVar[str] = "{value: 5, assumed: why}"

    value: float
    between: Annotated[
        tuple[float, float] | None,
        Field(description="the lowest and the highest value that it may have in truth, where it is assumed or projected"),
    ] = None

    #: What its field allows, lowest and highest.
    _allowed: tuple[float, float] = PrivateAttr((-inf, inf))

    @model_validator(mode="after")
    def _lies_between(self) -> Self:
        if self.between is not None and not self.between[0] <= self.value <= self.between[1]:
            low, high = self.between
            raise ValueError(f"the value {self.value:g} should lie within `between`, from {low:g} to {high:g}")
        if self.between is not None and self.between[0] == self.between[1]:
            raise ValueError("`between` should hold two numbers, the lower one first")
        return self

    @property
    def words(self) -> str:
        """The number."""
        return f"{self.value:g}"

    @property
    def allowed(self) -> tuple[float, float]:
        """The lowest and the highest value that its field takes; infinite where nothing bounds it."""
        return self._allowed

    def within(self, low: float, high: float) -> Self:
        """Itself, knowing what its field allows; raises ValueError where it lies beyond."""
        for value in (self.value, *(self.between or ())):
            if not low <= value <= high:
                raise ValueError(f"should be between {low:g} and {high:g}, got {value:g}")
        self._allowed = (low, high)
        return self


def bounded(low: float, high: float) -> Any:
    """A pydantic validator that keeps a Figure's value within [low, high]."""

    def check(figure: Figure) -> Figure:
        return figure.within(low, high)

    return AfterValidator(check)


ShareFigure = Annotated[Figure, bounded(0, 1)]
CostFigure = Annotated[Figure, bounded(0, 1e9)]
PositiveFigure = Annotated[Figure, bounded(1e-9, 1e9)]
