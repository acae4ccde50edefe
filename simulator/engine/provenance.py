"""Where numbers come from."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """Where one number comes from."""

    what: str
    kind: str
    value: str
    source: str
