"""What the policy that a page is sent with forbids its scripts."""

import socket
from threading import Thread

import pytest

from tests.browser.screen import patient, until

pytestmark = pytest.mark.browser


@pytest.fixture
def elsewhere():
    """A server that is not the app's: its port, and the connections that it gets."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        met = []

        def accept():
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                Thread(target=hear, args=(connection,), daemon=True).start()

        def hear(connection):
            with connection:
                met.append(connection.recv(100))

        Thread(target=accept, daemon=True).start()
        yield listening.getsockname()[1], met


FETCH = """port => Promise.race([
  Promise.allSettled([
    new Promise(done => Object.assign(new Image(), { onload: done, onerror: done, src: `http://127.0.0.1:${port}/i` })),
    fetch(`http://127.0.0.1:${port}/f`, { mode: "no-cors" }),
    new Promise(done => { const made = new WebSocket(`ws://127.0.0.1:${port}/w`); made.onerror = made.onclose = done }),
  ]), new Promise(done => setTimeout(done, 5000))])"""


def test_even_a_script_on_a_page_reaches_no_other_server(browser, app, elsewhere):
    port, met = elsewhere
    page = patient(browser.new_page())
    page.goto(f"{app}/")
    try:
        page.evaluate(FETCH, port)
    except Exception as error:
        assert "Content Security Policy" in str(error)
    assert met == []
    free = patient(browser.new_page())
    free.route("**/free", lambda route: route.fulfill(body="<p>free</p>", content_type="text/html"))
    free.goto(f"http://127.0.0.1:{port}/free")
    free.evaluate(FETCH, port)
    until(free, lambda: {b"/i", b"/f"} <= {asked.split()[1] for asked in met if asked})  # where no policy forbids it, it does
    page.close()
    free.close()
