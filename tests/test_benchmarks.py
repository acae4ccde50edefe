"""What the benchmarks measure can be built and run; how fast it is, they show and no test asserts."""

import json
from contextlib import asynccontextmanager
from importlib import import_module
from math import inf

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve

from benchmarks.case import GROWING, skin
from benchmarks.crowd.__main__ import Crowd, app, quantile
from benchmarks.crowd.cores import COLUMNS, GROUPS, wait_s
from benchmarks.crowd.people import CASE, Change, Met, Walk
from benchmarks.crowd.tab import LostError, Tab, opened
from simulator.engine.run import simulate
from simulator.paths import ROOT
from tests.loops import run
from tests.patience import PATIENCE_S
from tests.truths.queue_formulas import mg1_wait, mmc_wait


@pytest.mark.parametrize("name", ["__main__", "browser", "pictures", "shared_node", "sweeps"])
def test_a_benchmark_finds_all_that_it_imports(name):
    assert import_module(f"benchmarks.{name}").main


@pytest.mark.parametrize("name", GROWING)
def test_a_workload_grows_with_the_number_of_requests(name):
    assert simulate(GROWING[name](12_000), seed=1).columns.n == pytest.approx(12_000, rel=0.1)


def test_the_case_brings_all_its_requests_within_the_days_given():
    assert simulate(skin(400, days=0.5), seed=1).plan.scenario.run.days == pytest.approx(0.5)


@pytest.mark.long
def test_a_client_without_a_browser_reaches_the_verdict_of_its_change():
    async def visit(address):
        async with opened(address, "practice", f"case={CASE.id}&seed=7&replications=8") as tab:

            def full(told):
                return next((one for one in tab.said[told:] if one.fresh and len(one.verdict) == 12), None)

            first = await tab.until(lambda: full(0), PATIENCE_S)
            await tab.until(lambda: tab.settled, PATIENCE_S)
            with pytest.raises(LookupError, match=r"'Dermatologist': .* no slider .* 'Dermatologists per shift'"):
                await tab.move("Dermatologist", 1)
            told = len(tab.said)
            await tab.move("Dermatologists per shift", -1)
            then = await tab.until(lambda: full(told), PATIENCE_S)
            return [one.verdict for one in tab.said], first, then, tab.faults

    with app(None) as address:
        said, first, then, faults = run(visit(address))
    assert first.verdict != then.verdict
    assert said.count("preliminary") == 2
    assert faults == []


@asynccontextmanager
async def played(stream, line):
    """A tab whose server's sockets two functions play: that of the page, and the lines of news."""
    async with serve(stream, "127.0.0.1", 0) as pages, serve(line, "127.0.0.1", 0) as lines:
        page, news = (f"ws://127.0.0.1:{one.sockets[0].getsockname()[1]}" for one in (pages, lines))
        async with connect(page) as socket:
            tab = Tab(socket, lambda: connect(news), "practice", "", page)
            tab.begin()
            yield tab
            tab.stop()


def component(content):
    message = ForwardMsg()
    message.delta.new_element.bidi_component.json = json.dumps(content)
    return message.SerializeToString()


@pytest.mark.parametrize("breaks", ["before it is asked", "after it was asked"])
def test_a_line_of_news_that_breaks_is_opened_again_and_asked_from_what_was_seen_last(monkeypatch, breaks):
    """As the component's own JavaScript does; a crowd that opens at once has lines that the server does not take in time."""
    monkeypatch.setattr("benchmarks.crowd.tab.WAIT_S", 0.01)
    wishes = []

    async def stream(socket):
        await socket.send(component({"token": "t", "seen": "1", "words": "running"}))
        await socket.wait_closed()

    async def line(socket):
        wishes.append(json.loads(await socket.recv()) if wishes or breaks != "before it is asked" else None)
        if len(wishes) > 1:
            await socket.send(json.dumps(["3", {"words": "run hash 0123456789ab"}]))
            await socket.wait_closed()
        elif breaks == "after it was asked":
            await socket.send(json.dumps(["2", {"words": "preliminary, 4 of 8"}]))

    async def look():
        async with played(stream, line) as tab:
            await tab.until(lambda: any(one.verdict == "0123456789ab" for one in tab.said), PATIENCE_S)

    run(look())
    assert wishes[1] == {"token": "t", "seen": "1" if breaks == "before it is asked" else "2"}


def test_a_message_that_the_page_cannot_take_in_ends_the_wait_at_once():
    async def stream(socket):
        await socket.send(ForwardMsg(ref_hash="dropped").SerializeToString())
        await socket.wait_closed()

    async def look():
        async with played(stream, stream) as tab:
            await tab.until(lambda: tab.settled, PATIENCE_S)

    with pytest.raises(LostError, match="dropped"):
        run(look())


def test_a_wait_that_was_too_long_says_what_did_not_come():
    async def stream(socket):
        await socket.wait_closed()

    async def look():
        async with played(stream, stream) as tab:
            await tab.until(lambda: tab.settled, 0.01, "the verdict")

    with pytest.raises(TimeoutError, match=r"the verdict did not come within 0\.01 s"):
        run(look())


def test_a_walk_comes_to_no_design_twice():
    sizes = {"Operating point": 12, "Dermatologists per shift": 29, "Classifier replicas": 16, "Decoder replicas": 16}
    places, walk = (
        {"Operating point": 4, "Dermatologists per shift": 14, "Classifier replicas": 1, "Decoder replicas": 1},
        Walk(3),
    )
    been = [tuple(places.values())]
    for _ in range(200):
        label, by = walk.step()
        places[label] += by
        been.append(tuple(places.values()))
        assert all(0 <= place < sizes[name] for name, place in places.items())
    assert len(set(been)) == len(been)


def test_a_verdict_that_did_not_come_counts_as_longer_than_its_person_waited():
    assert quantile([1.0] * 30 + [inf] * 70, 0.5, 10.0) == "> 10 (> 10 to > 10)"
    assert quantile([1.0] * 70 + [inf] * 30, 0.5, 10.0) == "1 (1 to 1)"


def test_fairness_is_the_longest_median_over_the_middle_one():
    met = [Met(changes=[Change(first, inf) for first in firsts]) for firsts in ([1.0, 9.0, 2.0], [3.0], [8.0, inf, 4.0])]
    assert Crowd(3, met, [], 0, 0, 0, []).fairness == pytest.approx(8 / 3)


def test_the_wait_for_a_core_is_that_of_one_server_and_of_exponential_services():
    """Exact for M/G/1 (Pollaczek-Khinchine) and M/M/c (Erlang C), between which the approximation lies."""
    for variation in (0.0, 0.3, 1.0, 2.0):
        exact = mg1_wait(1.2, 0.55, 0.55**2 * (1 + variation**2))
        assert wait_s(1.2, 0.55, variation, 1) == pytest.approx(exact)
    assert wait_s(5.0, 0.55, 1.0, 4) == pytest.approx(mmc_wait(5.0, 1 / 0.55, 4))
    assert wait_s(4.0, 0.55, 0.3, 2) == inf


def test_the_page_on_scaling_shows_the_computed_cores():
    page = (ROOT / "docs" / "scaling.md").read_text()
    assert [line for group in GROUPS if (line := f"| {' | '.join(group.row)} |") not in page] == []
    assert f"| {' | '.join(COLUMNS)} |" in page
