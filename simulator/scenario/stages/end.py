"""Where a way ends."""

from typing import Annotated

from pydantic import Field

from simulator.scenario.base import CostFigure, Line, ShareFigure, Strict


class End(Strict):
    """Where a request's way ends, and what that means for the person behind it."""

    label: Line
    note: Line | None = None
    referred: Annotated[bool, Field(description="whether the person was sent on to people")]
    caught: Annotated[ShareFigure, Field(description="share of positives here that are found in time")]
    usd: CostFigure
