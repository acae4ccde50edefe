"""Where a request path ends."""

from typing import Annotated

from pydantic import Field

from simulator.scenario.base import CostFigure, Line, ShareFigure, Strict


class End(Strict):
    """Where a request's path ends, and what that means for the person behind it."""

    label: Line
    note: Line | None = None
    escalated: Annotated[bool, Field(description="whether the request was passed on to people")]
    detected: Annotated[ShareFigure, Field(description="share of positives here that are found in time")]
    usd: CostFigure
    age: Annotated[
        bool,
        Field(description="whether to report the age of the newest information here, such as frames"),
    ] = False
