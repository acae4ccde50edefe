"""What differs from request to request: a distribution, or a list of values. One model a kind."""

from abc import abstractmethod
from math import exp
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from simulator.case.fields import PositiveFigure, Sourced, Strict


class AnyQuantity(Strict):
    """A quantity. Kinds are distinguished by the field that only one of them has: `key`."""

    #: The field that identifies this kind, and that holds the figure with its evidence.
    key: ClassVar[str]

    @property
    @abstractmethod
    def mean(self) -> float:
        """The mean, in the unit of the figures."""

    @property
    def usual(self) -> float:
        """What it takes to reckon how often it is drawn in a time: the mean, or less where a few draws are very long."""
        return self.mean


class Lognormal(AnyQuantity):
    """A lognormal quantity: its median, and sigma, the standard deviation of its logarithm."""

    key: ClassVar[str] = "median"
    written: ClassVar[str] = "{median: {value: 5, assumed: why}, sigma: 0.5}, or as {constant: {value: 5, assumed: why}}"

    median: PositiveFigure
    sigma: Annotated[float, Field(ge=0, le=3)]

    @property
    def mean(self) -> float:
        """The mean: the median times exp(sigma^2 / 2)."""
        return self.median.value * exp(self.sigma**2 / 2)

    @property
    def usual(self) -> float:
        """The median."""
        return self.median.value


class Samples(Sourced, AnyQuantity):
    """A quantity that takes each value of a list equally often."""

    key: ClassVar[str] = "samples"

    samples: Annotated[list[Annotated[float, Field(gt=0, le=1e9)]], Field(min_length=1, max_length=10_000)]

    @property
    def mean(self) -> float:
        """The mean of the list."""
        return sum(self.samples) / len(self.samples)

    @property
    def words(self) -> str:
        """How many values there are, and their mean."""
        return f"{len(self.samples)} values, {self.mean:.3g} on average"


class Exponential(AnyQuantity):
    """An exponential quantity: memoryless, with a standard deviation as large as its mean."""

    key: ClassVar[str] = "exponential_mean"

    exponential_mean: PositiveFigure

    @property
    def mean(self) -> float:
        """The mean."""
        return self.exponential_mean.value


class Constant(AnyQuantity):
    """A quantity that is always the same."""

    key: ClassVar[str] = "constant"

    constant: PositiveFigure

    @property
    def mean(self) -> float:
        """The value."""
        return self.constant.value


#: Every kind of quantity, by its key; one without any key is read as the first. `simulator.engine.quantity_draws.register`
#: adds one.
QUANTITIES: dict[str, type[AnyQuantity]] = {kind.key: kind for kind in (Lognormal, Samples, Exponential, Constant)}


class _ByKey:
    """In an annotation: the kind of quantity whose key is given, looked up when a value is read."""

    @staticmethod
    def read(data: Any) -> AnyQuantity:
        """One quantity, from plain data or as a model."""
        if isinstance(data, BaseModel):
            return AnyQuantity.model_validate(data)
        given = data if isinstance(data, dict) else {}
        return next((kind for key, kind in QUANTITIES.items() if key in given), Lognormal).model_validate(data)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Any of the kinds, as they are when the schema is asked for."""
        return {"anyOf": [handler(kind.__pydantic_core_schema__) for kind in QUANTITIES.values()]}


Quantity = Annotated[AnyQuantity, _ByKey()]
