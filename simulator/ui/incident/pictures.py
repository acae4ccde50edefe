"""Illustrations of what was found: of what was seen, and of what the network was given. None is a photo of the stream."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pandas as pd
import streamlit as st

from simulator.analysis.incidents.play import Note
from simulator.analysis.incidents.stock import CLEAN_SETTING, Setting
from simulator.evidence.illustrations import BINS, CAMERA, NETWORK, IllustrationError, Illustrations, load_illustrations
from simulator.ui.charts.incident_input import channels
from simulator.ui.incident.games import Game
from simulator.ui.widgets import draw

#: What is said of every picture.
_ORIGIN = "illustration, procedural"


@st.cache_resource(max_entries=1, show_spinner=False)
def _illustrations() -> Illustrations:
    return load_illustrations()


def pictures(game: Game, note: Note) -> None:
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


def _prepared(game: Game, note: Note) -> None:
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


def _apart(game: Game, note: Note) -> tuple[Setting, Setting] | None:
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
