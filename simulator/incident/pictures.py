"""Pictures beside a look: drawn frames of two times, and one frame by two preparations, channel by channel."""

from __future__ import annotations

from contextlib import suppress
from functools import cache

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from simulator.app.widgets import draw
from simulator.charts.look import BLUE, GREEN, RED, Chart, figure, rounded
from simulator.evidence.illustrations import BINS, NETWORK, IllustrationError, load_illustrations
from simulator.incident.frame_drawings import sheet
from simulator.incident.looks import Ints
from simulator.incident.measured_scenes import Setting
from simulator.incident.player_actions import NotebookEntry
from simulator.incident.sessions import Game

_COLOURS = {"red": RED, "green": GREEN, "blue": BLUE}


def channels(table: pd.DataFrame) -> Chart:
    """Draw histograms of both preparations: trained in dotted lines, served in solid ones.

    table: `value from`, and `red, trained (%)` and so on for each channel and both
    """
    drawn = figure(height=200)
    for name, colour in _COLOURS.items():
        for who, dash in (("trained", "dot"), ("served", "solid")):
            column = table[f"{name}, {who} (%)"]
            line = {"color": colour, "dash": dash, "width": 2}
            drawn.add_trace(go.Scatter(x=table["value from"], y=column, name=f"{name}, {who}", line=line))
    drawn.update_xaxes(title="value of a pixel, 0 to 255", fixedrange=True)
    drawn.update_yaxes(title="pixels (%)", fixedrange=True)
    gaps = {name: abs(table[f"{name}, served (%)"] - table[f"{name}, trained (%)"]).sum() / 2 for name in _COLOURS}
    widest = max(gaps, key=lambda name: gaps[name])
    takeaway = f"As served, {gaps[widest]:.0f}% of the pixels of a drawn frame have another value of {widest}."
    return Chart(drawn, takeaway, rounded(table))


#: The origin of every picture.
_ORIGIN = "illustration, procedural"


_illustrations = cache(load_illustrations)


def pictures(game: Game, note: NotebookEntry) -> None:
    """Draw the frames that a look at pictures chose, or the two preparations that a look compared."""
    if note.finding is None:
        return
    if note.finding.shown is not None:
        _shown(game, note.finding.shown)
    with suppress(IllustrationError):  # they illustrate, and are no evidence
        if note.finding.prepared:
            _prepared(note.finding.prepared, f"channels:{note.at_s}")


def _shown(game: Game, shown: tuple[Ints, Ints]) -> None:
    frames, scenes = game.play.statistics().frames, game.play.scenes
    with st.grid(2, min_column_width=280):
        for rows, when in zip(shown, ("the last day", "the first days"), strict=True):
            words = f"{len(rows)} frames of {when}"
            alt = f"{words}, with the boxes of the detector"
            st.image(sheet(scenes, frames, rows), f"{words} ({_ORIGIN})", width="stretch", alt=alt)
    st.caption(
        "Each labelled object is drawn as a figure at its place; yellow boxes are those that the detector found. "
        "False detections are not drawn."
    )


def _prepared(pair: tuple[Setting, Setting], key: str) -> None:
    """Draw one frame by both preparations: a pair of settings, as trained and as served."""
    shown = _illustrations()
    scene = next(iter(shown.about.scenes))
    trained, served = pair
    with st.container(horizontal=True):
        for setting, caption in ((trained, "as the training code prepares it"), (served, "as it is served")):
            picture = shown.picture(NETWORK, *setting, scene)
            st.image(picture, f"{caption} ({_ORIGIN})", width=156, alt=f"A drawn scene {caption}")
        gap = shown.difference(NETWORK, trained, served, scene)
        st.image(gap, f"the difference ({_ORIGIN})", width=156, alt="The difference of the two in each pixel; black: none")
    histograms = [shown.histogram(NETWORK, setting, scene) for setting in pair]
    edges = np.arange(BINS) * (256 / BINS)
    names = ("red", "green", "blue")
    table = pd.DataFrame({"value from": edges})
    for who, histogram in zip(("trained", "served"), histograms, strict=True):
        table = table.assign(**{f"{name}, {who} (%)": 100 * channel for name, channel in zip(names, histogram, strict=True)})
    draw(channels(table), key=key)
