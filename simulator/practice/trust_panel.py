"""The evidence behind a run: reasons to trust it, its numbers, and their sources."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from simulator.app.widgets import evidence, plain
from simulator.case.figure_names import figure_name
from simulator.explain.result import Result
from simulator.explain.trust import Level, TrustNote, good_of
from simulator.metrics.summary import metric_rows
from simulator.records.timetables import DAY_S
from simulator.units import counted, span

_LEVELS: dict[Level, str] = {"weak": "Reasons for doubt", "fair": "To bear in mind", "good": "Well founded"}


def trust(result: Result) -> None:
    """Show the reasons to trust a result, doubts first, and its warnings."""
    st.header(f"Trust in this result: {good_of(result.trust)}", anchor=False)
    for level, title in _LEVELS.items():
        notes = [note for note in result.trust if note.level == level]
        if notes:
            _notes(title, notes)
    if result.warnings:
        st.markdown(_listed("Also", list(dict.fromkeys(result.warnings))))
    st.caption(plain(_size(result)))


def _notes(title: str, notes: list[TrustNote]) -> None:
    st.markdown(_listed(title, [note.sentence for note in notes]))


def _listed(title: str, sentences: list[str]) -> str:
    return "\n".join([f"**{title}**", "", *(f"- {plain(sentence)}" for sentence in sentences)])


def _size(result: Result) -> str:
    scenario = result.plan.scenario
    each = f"{counted(result.replications, 'replication')} of {span(DAY_S * scenario.run.days)} each"
    return f"{each}, {result.requests:,} {scenario.unit.many} in all, seed {result.seed}, run hash {result.run_hash}."


def numbers(result: Result) -> None:
    """Show every number with its interval, and the source of every input."""
    st.header("Numbers", anchor=False)
    st.caption(plain(result.sense))
    st.dataframe(
        metric_rows(result), hide_index=True, alt="Each metric with its 95% interval and the sources of its uncertainty."
    )
    st.header("Sources of the numbers", anchor=False)
    evidence([replace(source, what=figure_name(result.plan.scenario, source.what)) for source in result.provenance])
