"""What could not be measured, as rows and in a sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pandas as pd

from simulator.evidence.failures import Failure


def failure_rows(found: Sequence[Failure]) -> pd.DataFrame:
    """One row per failure."""
    rows = [
        {
            "model": failure.model,
            "precision": failure.precision,
            "step": failure.step,
            "reason": failure.reason,
            "device": failure.device,
            "libraries": ", ".join(f"{name} {version}" for name, version in failure.libraries.items()),
            "date": failure.date,
        }
        for failure in found
    ]
    return pd.DataFrame(rows)


def refusals(found: Sequence[Failure]) -> str:
    """Which model failed, if only one did; else how many failed, at which step, and at which precision most often."""
    if len(found) == 1:
        [only] = found
        return f"One model could not be measured at one precision: {only.model} at {_plain(only.precision)}."
    steps = Counter(failure.step for failure in found)
    told = ", ".join(f"{count} at the step {step}" for step, count in steps.most_common())
    precision, most = Counter(failure.precision for failure in found).most_common(1)[0]
    models = len({failure.model for failure in found})
    return (
        f"Models that could not be measured at some precision: {models}. Attempts that failed: {len(found)} ({told}), most of "
        f"them at {_plain(precision)} ({most})."
    )


def _plain(precision: str) -> str:
    return precision.replace("_", " ")
