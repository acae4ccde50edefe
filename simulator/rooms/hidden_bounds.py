"""The brief of a case for a candidate who learns the bounds later: without the sentences that state one."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import partial

from simulator.case.schema import Scenario
from simulator.units import listed

#: The end of a sentence, with its emphasis.
_END = re.compile(r"(?<=[.!?])\s+|(?<=[.!?]\*\*)\s+")


def brief_before(scenario: Scenario, revealed: Collection[str]) -> str:
    """Return the brief without each sentence that states a bound which is not revealed, as the claims of the case say.

    revealed: the metrics of the objectives whose bound may be known
    """
    hidden = [claim.says for claim in scenario.claims if claim.objective is not None and claim.objective not in revealed]
    stated = [_bare(says) for says in hidden if _bare(says) in _bare(scenario.brief)]
    if not stated:
        return scenario.brief
    paragraphs = [" ".join(filter(partial(_is_free, stated), _END.split(part))) for part in scenario.brief.split("\n\n")]
    labels = [objective.label for objective in scenario.objectives if objective.metric not in revealed]
    asks = f"Ask for the bounds of these objectives: {listed([f'“{label}”' for label in labels])}."
    return "\n\n".join([*filter(None, paragraphs), asks])


def _is_free(stated: Collection[str], sentence: str) -> bool:
    bare = _bare(sentence)
    return not any(says in bare for says in stated)


def _bare(text: str) -> str:
    """Return a text without emphasis and line breaks, in small letters."""
    return " ".join(text.replace("*", "").casefold().split())
