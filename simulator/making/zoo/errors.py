"""The one error of measuring that a person can act on; importable without the libraries that measure."""


class CannotMeasureError(ValueError):
    """A model cannot be measured here; the message says which, why, and what would help."""
