"""Every word in a figure stands out at least 4.5 to 1, on both themes and through every colour that may lie behind it."""

import ast
import tomllib
from functools import cache

import plotly.graph_objects as go
import pytest

from simulator.charts import look
from simulator.charts.look import GREY, INK, SERIES, SKY, contrast, figure, inked, word_on
from simulator.paths import APP, ROOT

THEMES = tomllib.loads((APP.parent / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"]

#: The share of the colour of text in a caption, as Streamlit fades it.
CAPTION = 0.6

ALL = [look.BLUE, look.ORANGE, look.GREEN, look.PURPLE, look.SKY, look.RED, look.GREY]


def blended(colour, behind, share):
    """A translucent colour over what lies behind it."""
    parts = [[int(text[at : at + 2], 16) for at in (1, 3, 5)] for text in (colour, behind)]
    return "#" + "".join(f"{round(share * one + (1 - share) * other):02X}" for one, other in zip(*parts, strict=True))


def test_contrast_is_that_of_the_standard():
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)  # the example that just fails


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_words_stand_out_on_the_page_and_through_bands_of_any_colour(theme):
    page = THEMES[theme]["backgroundColor"]
    behind = [page, *(blended(colour, page, share) for colour in ALL for share in (0.1, 0.15, 0.2, 0.35))]
    assert min(contrast(INK[theme], colour) for colour in behind) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_links_captions_and_the_accent_stand_out_on_every_background(theme):
    told = THEMES[theme]
    sidebar = told.get("sidebar", {}).get("backgroundColor", told["secondaryBackgroundColor"])
    for behind in (told["backgroundColor"], told["secondaryBackgroundColor"], sidebar):
        assert min(contrast(told[colour], behind) for colour in ("textColor", "linkColor")) >= 4.5
        assert min(contrast(blended(told[name], behind, CAPTION), behind) for name in ("textColor", "codeTextColor")) >= 4.5
    assert min(contrast(told["primaryColor"], behind) for behind in (told["backgroundColor"], sidebar, "#FFFFFF")) >= 4.5


@pytest.mark.parametrize("colour", [*SERIES, GREY])
def test_words_stand_out_on_bars(colour):
    assert contrast(word_on(colour), colour) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_word_of_a_figure_takes_the_ink_of_the_theme(theme):
    drawn = figure(go.Scatter(x=[1], y=[1], mode="text", text=["a"]), go.Bar(x=[1], y=[1], text="b"))
    drawn.add_vline(x=1, annotation_text="target")
    drawn.update_xaxes(title="time")
    layout = inked(drawn, theme).layout
    words = [layout.font, layout.legend.font, layout.xaxis.tickfont, layout.xaxis.title.font, layout.yaxis.tickfont]
    words += [layout.annotations[0].font, drawn.data[0].textfont, drawn.data[1].outsidetextfont]
    assert {font.color for font in words} == {INK[theme]}


def test_words_within_a_bar_keep_the_colour_that_suits_the_bar():
    drawn = inked(figure(go.Bar(x=[1], y=[1], text="b", insidetextfont={"color": word_on(SKY)})), "dark")
    assert drawn.data[0].insidetextfont.color == "#000000"


@pytest.mark.parametrize(
    ("trace", "lines"),
    [
        (go.Scatter(x=[1], y=[1]), ["mean effect of a step, up or down (points),", "95% interval"]),
        (go.Bar(x=[1], y=["a"], orientation="h"), ["mean effect of a step, up or", "down (points), 95% interval"]),
    ],
)
def test_a_long_title_is_broken_sooner_below_rows_that_have_names(trace, lines):
    drawn = figure(trace).update_xaxes(title="mean effect of a step, up or down (points), 95% interval")
    for theme in ("light", "dark"):  # drawn anew for another theme, it is not broken again
        assert inked(drawn, theme).layout.xaxis.title.text.split("<br>") == lines


@cache
def _every_call():
    """The calls of attributes in the app."""
    files = [*ROOT.glob("simulator/**/*.py"), *ROOT.glob("pages/*.py")]
    nodes = (node for file in files for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    return [node for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]


def _calls(*names):
    """The calls of functions with these names, in the app."""
    return [call for call in _every_call() if call.func.attr in names]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_widget_writes_in_the_accent_on_a_tint_of_the_accent(theme):
    """A control of segments, and pills, tint the chosen option with a tenth of the accent: less than 4.5 to 1."""
    accent, page = THEMES[theme]["primaryColor"], THEMES[theme]["backgroundColor"]
    assert contrast(accent, blended(accent, page, 0.1)) < 4.5
    assert _calls("segmented_control", "pills") == []


def test_no_code_is_coloured_by_its_language():
    """The colours of Streamlit's highlighter are fixed, and some have a contrast of 2.5 on the light theme."""
    languages = [{word.arg: ast.unparse(word.value) for word in call.keywords}.get("language") for call in _calls("code")]
    assert len(languages) >= 4
    assert set(languages) == {"None"}
