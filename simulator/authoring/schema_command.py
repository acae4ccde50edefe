"""`casesim schema`: prints the JSON Schema of a case."""

from __future__ import annotations

import json

from simulator.authoring.case_schema import case_schema


def schema() -> None:
    """Print the JSON Schema (draft 7) of a case. An editor completes and explains keys by it, and marks wrong ones."""
    print(json.dumps(case_schema(), indent=2))
