"""The audit of the cleared: what a random share of them would show, and its price."""

from __future__ import annotations

import streamlit as st

from simulator.app.exhibit_drawings import panel
from simulator.app.widgets import draw, plain
from simulator.case.exhibits import audit_gate
from simulator.experiments.cleared_audits import cleared_flow
from simulator.experiments.experiment_charts import audit_chart
from simulator.explain.result import Result
from simulator.units import counted

#: Days after which the panel can look at an audit.
DAYS = (7, 30, 90, 365)
#: The share that the panel speaks of where the design has no audit.
USUAL_SHARE = 0.02


@panel("audit")
def audit(result: Result) -> None:
    """Draw what audits of several shares would report; the design's own share is marked."""
    scenario, flow = result.plan.scenario, cleared_flow(result)
    gate = audit_gate(scenario)
    if flow is None or gate is None:
        st.markdown("No case was read in this run: an audit has nothing to rest on.")
        return
    key = f"{scenario.id}:audit_days"
    days = st.select_slider("Look after", DAYS, 30, lambda count: counted(count, "day"), key=key)
    draw(audit_chart(flow, gate.positives, gate.share or USUAL_SHARE, days), key="audit")
    own = "" if gate.share else " This design has no audit: the text describes one of 2%."
    st.caption(
        plain(
            f"The grey line is the result of an endless audit.{own} Readers are assumed to find as large a share of the "
            f"cleared {gate.positives} as of the referred ones. If they find fewer, the model is worse than the audit reports."
        )
    )
