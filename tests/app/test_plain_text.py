"""Text of authors is shown as it is, with as few backslashes as that takes, since screen readers read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from simulator.app.widgets import plain

MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])

#: All that Markdown makes of plain text.
PLAIN = {"paragraph_open", "paragraph_close", "inline", "text", "softbreak", "hardbreak", "text_special"}


def kinds(text: str) -> set[str]:
    found = set()
    for token in MARKDOWN.parse(text):
        found |= {token.type, *(inner.type for inner in token.children or [])}
    return found


WORDS = st.sampled_from(
    [*"-+=#>*_`~|<[]()!:&$^@/\\", "1.", "2)", "word", "---", "===", "www.x", "\n", "\r", "&amp;", "http://x", "a@b.co"]
)


@given(st.lists(WORDS, max_size=12))
def test_no_text_means_anything_in_markdown(words):
    assert kinds(plain(" ".join(words).lstrip())) <= PLAIN
    assert kinds(plain("".join(words))) <= PLAIN


@pytest.mark.parametrize(
    "text",
    ["Skin-cancer triage, 95% in 4.2 ms!", "Operating point (sensitivity)", "2.5 h + 1 = 3.5 h", "Front camera (frames/s)"],
)
def test_an_ordinary_label_has_no_backslash(text):
    assert plain(text) == text


@pytest.mark.parametrize("text", [":material/home:", ":red[x]", "$x$", "www.example.org"])
def test_icons_colours_formulas_and_links_are_escaped(text):
    assert "\\" in plain(text)
