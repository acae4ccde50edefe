"""What the network is given of a drawn frame, channel by channel: by the training code, and by the code that serves."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from simulator.app.widgets import draw
from simulator.charts.look import BLUE, GREEN, RED, Chart, figure, rounded
from simulator.evidence.illustrations import BINS, CAMERA, NETWORK, IllustrationError, Illustrations, load_illustrations
from simulator.incident.measured_scenes import CLEAN_SETTING, Setting
from simulator.incident.play import NotebookEntry
from simulator.incident.sessions import Game

_COLOURS = {"red": RED, "green": GREEN, "blue": BLUE}


def channels(table: pd.DataFrame) -> Chart:
    """Histograms of both: as trained in dotted lines, as served in solid ones.

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
    said = f"As it is served, {gaps[widest]:.0f}% of the pixels of a drawn frame have another value of {widest}."
    return Chart(drawn, said, rounded(table))


#: What is said of every picture.
_ORIGIN = "illustration, procedural"


@st.cache_resource(max_entries=1, show_spinner=False)
def _illustrations() -> Illustrations:
    return load_illustrations()


def pictures(game: Game, note: NotebookEntry) -> None:
    """Of a look at pictures what was seen, each condition with its count; of compared preparations, how far they are apart."""
    if note.finding is None or note.action.kind != "look":
        return
    with suppress(IllustrationError):  # they illustrate, and are no evidence
        if note.finding.seen:
            _seen(note.finding.seen)
        elif game.play.spec.looks[note.action.look].kind == "preprocessing":
            _prepared(game, note)


def _seen(seen: dict[str, int]) -> None:
    shown = _illustrations()
    scenes = list(shown.about.scenes)
    with st.container(horizontal=True):
        for place, (name, count) in enumerate(seen.items()):
            condition, severity = _setting(name)
            label = shown.about.conditions[condition].label.lower()
            strength = f", strength {severity} of 5" if severity else ""
            picture = shown.picture(CAMERA, condition, severity, scenes[place % len(scenes)])
            st.image(picture, f"{count} × {label}{strength} ({_ORIGIN})", width=200, alt=f"A drawn scene: {label}{strength}")


def _setting(name: str) -> Setting:
    condition, _, severity = name.partition(":")
    return (condition, int(severity)) if severity else CLEAN_SETTING


def _prepared(game: Game, note: NotebookEntry) -> None:
    """One frame by both preparations: the commonest pair of settings among those that differ."""
    pair = _apart(game, note)
    if pair is None:
        return
    shown = _illustrations()
    scene = next(iter(shown.about.scenes))
    trained, served = pair
    with st.container(horizontal=True):
        for setting, caption in ((trained, "as the training code prepares it"), (served, "as it is served")):
            picture = shown.picture(NETWORK, *setting, scene)
            st.image(picture, f"{caption} ({_ORIGIN})", width=156, alt=f"A drawn scene {caption}")
        gap = shown.difference(NETWORK, trained, served, scene)
        st.image(gap, f"the difference ({_ORIGIN})", width=156, alt="How far the two are apart in each pixel: black is nowhere")
    histograms = [shown.histogram(NETWORK, setting, scene) for setting in pair]
    edges = np.arange(BINS) * (256 / BINS)
    names = ("red", "green", "blue")
    table = pd.DataFrame({"value from": edges})
    for who, found in zip(("trained", "served"), histograms, strict=True):
        table = table.assign(**{f"{name}, {who} (%)": 100 * channel for name, channel in zip(names, found, strict=True)})
    draw(channels(table), key=f"channels:{note.at_s}")


def _apart(game: Game, note: NotebookEntry) -> tuple[Setting, Setting] | None:
    """The settings under which frames of the last day were taken and given to the network, where they differ."""
    view, stock = game.play.view(note.until_s), game.play.stock
    frames = view.insides.frames
    odd = view.recent() & ~frames.served.dropped & (frames.raw != frames.given)
    if not odd.any():
        return None
    settings = {place: setting for setting, place in stock.settings.items()}
    both = np.stack([frames.raw[odd], frames.given[odd]])
    pairs, counts = np.unique(both, axis=1, return_counts=True)
    first, second = pairs[:, int(counts.argmax())]
    return settings[int(first)], settings[int(second)]
