"""The catalogue: published facts about hardware and its price, each with its source."""

from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML

from simulator.paths import CATALOGUE


class CatalogueError(ValueError):
    """The catalogue cannot be used, or does not hold what was asked for."""


class Hardware(BaseModel):
    """One kind of machine that can be rented."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    label: str
    processor: str
    vcpus: int = Field(ge=1)
    usd_per_hour: float = Field(gt=0)
    price_source: str
    note: str | None = None

    def usd_per_thread_hour(self) -> float:
        """Price of one virtual processor for one hour."""
        return self.usd_per_hour / self.vcpus


@lru_cache(maxsize=8)
def hardware(path: Path = CATALOGUE / "hardware.yaml") -> dict[str, Hardware]:
    """Every machine of the catalogue, by id; raises CatalogueError with the first fault."""
    try:
        data = YAML(typ="safe", pure=True).load(path)
        return {name: Hardware.model_validate(entry) for name, entry in data.items()}
    except ValidationError as error:
        first = error.errors()[0]
        raise CatalogueError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def machine(name: str) -> Hardware:
    """The machine `name`; raises CatalogueError that lists the machines there are."""
    known = hardware()
    if name not in known:
        raise CatalogueError(f"the catalogue has no machine '{name}'; it has: {', '.join(known)}")
    return known[name]
