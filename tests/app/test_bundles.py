"""Bundles: served once a component has named them, compressed, and kept by the browser under an address of their content."""

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from simulator.app import bundles


@pytest.fixture
def client():
    with TestClient(Starlette(routes=[bundles.ROUTE])) as opened:
        yield opened


def bundle(folder, content):
    folder.mkdir()
    (folder / "board.js").write_text(content, encoding="utf-8")
    return bundles.address(folder / "board.js")


def test_a_bundle_is_served_as_a_script_that_the_browser_keeps(client, tmp_path):
    served = client.get(bundle(tmp_path / "a", "export const a = 'ä'" * 100))
    assert served.text == "export const a = 'ä'" * 100
    assert served.headers["content-encoding"] == "gzip"
    assert served.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "immutable" in served.headers["cache-control"]
    assert int(served.headers["content-length"]) < 200
    plain = client.get(bundles.address(tmp_path / "a" / "board.js"), headers={"accept-encoding": "identity"})
    assert plain.text == served.text
    assert "content-encoding" not in plain.headers


def test_another_content_has_another_address(tmp_path):
    one, other, equal = bundle(tmp_path / "a", "1"), bundle(tmp_path / "b", "2"), bundle(tmp_path / "c", "1")
    assert one == equal != other


@pytest.mark.parametrize("path", ["bundles/board-0123456789ab.js", "bundles/bundles.py", "bundles/..%2fnews.py"])
def test_no_other_file_is_served(client, path):
    assert client.get(path).status_code == 404
