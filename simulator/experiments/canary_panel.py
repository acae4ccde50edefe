"""The canary: what happens to false alarms where an A/B test is looked at every day."""

from __future__ import annotations

import streamlit as st

from simulator.app.exhibit_drawings import panel
from simulator.app.widgets import draw, plain
from simulator.experiments.canary import Canary, FieldShare, canary_report, field_shares, people_a_day
from simulator.experiments.experiment_charts import canary_chart
from simulator.explain.result import Result

#: Changes to find, as parts of the share itself.
CHANGES = (-0.2, -0.1, -0.05, -0.02, 0.02, 0.05, 0.1, 0.2)
#: Shares of the people who get the new design.
CANARIES = (0.01, 0.05, 0.1, 0.5)
#: Days that an experiment lasts.
DAYS = (7, 30, 90)


def _change(part: float) -> str:
    return f"{abs(part):.0%} {'fewer' if part < 0 else 'more'}"


def _part(share: float) -> str:
    return f"{share:.0%}"


@panel("canary")
def canary(result: Result) -> None:
    """Draw the false alarms of daily looks at the design at hand, and the days until a change is found."""
    case = result.plan.scenario.id
    shares = {share.label: share.usual for share in field_shares(result, result)}
    left, right = st.columns(2)
    label = left.radio("Share to compare", list(shares), format_func=plain, key=f"{case}:canary_of")
    change = right.select_slider("Change to find", CHANGES, -0.05, _change, key=f"{case}:canary_change")
    share = left.select_slider("People who get the new model", CANARIES, 0.1, _part, key=f"{case}:canary_share")
    days = right.select_slider("Days", DAYS, 30, key=f"{case}:canary_days")
    usual = shares[label]
    of = FieldShare(label, usual, min(usual * (1 + change), 1.0))
    draw(canary_chart(canary_report(of, Canary(people_a_day(result), share, days))), key="canary")
    st.caption(
        "A hash of each person decides who gets the new model. The dashed line is the promised 5%. Missed positives are not "
        "seen here: only an audit reads those who were cleared."
    )
