"""The evidence behind a run: reasons to trust it, its numbers, and their sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from simulator.app.widgets import evidence, plain
from simulator.case.schema import Scenario
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
    evidence([replace(source, what=place_of(source.what, result.plan.scenario)) for source in result.provenance])


#: The last part of a field's name that is its unit.
_UNITS = {"s": "s", "ms": "ms", "h": "h", "mb": "MB", "mbps": "Mbit/s", "USD": "USD"}


def place_of(what: str, scenario: Scenario) -> str:
    """Name a figure in words: `stages.upload.latency_ms` becomes `Upload: latency (ms)`."""
    part, *path = what.split(".")
    if not path or " " in what:
        return what
    kinds: dict[str, Mapping[str, Any]] = {"stages": scenario.stages, "ends": scenario.ends, "curveballs": scenario.curveballs}
    named = kinds.get(part, {})
    owner = named[path.pop(0)].label if path[0] in named else _words(part).capitalize()
    return f"{owner}: {', '.join(map(_words, path))}"


def _words(name: str) -> str:
    *words, last = ["USD" if word == "usd" else word for word in name.split("_")]
    plain_words = not words or last not in _UNITS or words[-1] == "per"
    return " ".join([*words, last]) if plain_words else f"{' '.join(words)} ({_UNITS[last]})"
