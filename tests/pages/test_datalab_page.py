"""The page of the data lab: a refit at once with its price, what leaks is not run, and every study is drawn."""

import pytest
from streamlit.testing.v1 import AppTest

from simulator.paths import APP
from tests.pages.conftest import jumps
from tests.patience import PATIENCE_S


@pytest.fixture(scope="module")
def page():
    app = AppTest.from_file(str(APP), default_timeout=PATIENCE_S)
    app.run()
    return app.switch_page("../../pages/datalab.py").run()


def shown(page) -> dict[str, str]:
    return {each.label: each.value for each in page.metric}


def test_all_proven_labels_are_there_at_first_with_their_price(page):
    assert not page.exception
    assert shown(page)["AUC (points)"].startswith("83.2 (")
    assert shown(page)["Price"] == "214,200 USD"
    assert shown(page)["Wrong training labels"] == "0.0%"
    assert jumps(page) == []


def test_every_study_is_drawn_under_its_takeaway(page):
    assert len(page.get("plotly_chart")) == 7
    text = " ".join(each.value for each in page.markdown)
    assert "Of 12 choices of photos" in text and "kappa is" in text and "pretends" in text
    assert "of 100 cancers" in text and "stops 5.1%" in text and "the network refers" in text


@pytest.mark.long
def test_one_reader_costs_less_and_mislabels_photos(page):
    page.selectbox[0].select("one")
    page.button[0].click().run()
    assert not page.exception
    assert shown(page)["Price"] == "25,061 USD"
    assert float(shown(page)["Wrong training labels"].rstrip("%")) > 10


def test_scores_of_a_split_by_photo_are_not_run(page):
    page.selectbox[4].select("photo")
    page.button[0].click().run()
    assert "pretended" in page.warning[0].value
    next(each for each in page.button if each.label.startswith("Run the case")).click().run()
    assert "are not run" in page.error[0].value
