"""Real drives on the screen: each chart with its choices, and whose drives they are."""

import pytest
from streamlit.testing.v1 import AppTest

from simulator.sources import drive_panel as panel
from tests.app.drive_tables import write_drives
from tests.patience import PATIENCE_S


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The panel of the evidence page over hand-made tables; the last test changes what is picked."""

    def script():
        from simulator.sources.drive_panel import real_drives

        real_drives()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(panel, "DRIVES", write_drives(tmp_path_factory.mktemp("drives")))
        page = AppTest.from_function(script, default_timeout=PATIENCE_S).run()
        assert not page.exception
        yield page


def alts(page):
    return [element.proto.alt for element in page.get("plotly_chart")]


def test_every_part_has_a_heading_and_its_charts(page):
    assert [heading.value for heading in page.header] == [
        "What lateness takes",
        "How misses follow each other",
        "What a second sensor adds",
    ]
    assert len(alts(page)) == 5


def test_the_drives_are_credited_and_are_not_for_commerce(page):
    credit = page.caption[-1].value.replace("\\", "")
    assert credit == "KITTI (Geiger et al. 2012). Licence: CC BY-NC-SA 3.0. For non-commercial use."


def test_what_a_person_picks_changes_what_is_told(page):
    assert "the closing speed is" not in alts(page)[1]
    page.radio(key="evidence:late_by").set_value("closing_mps").run()
    assert alts(page)[1].startswith("An age of 200 ms costs most where the closing speed is 10 m/s or more")
