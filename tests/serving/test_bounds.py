"""Addresses and texts of browsers are bounded before the app reads them."""

from contextlib import suppress

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from streamlit.proto.BackMsg_pb2 import BackMsg

from simulator.limits import ADDRESS, FIELD_TEXT, PAGE_BYTES, STUDIO_BYTES
from simulator.serving.middleware import Bounded

NEWLINES = "case=" + "%0A" * 20_000


def rerun(address="", **fields):
    said = BackMsg()
    said.rerun_script.query_string = address
    for name, text in fields.items():
        said.rerun_script.widget_states.widgets.add(id=name, string_value=text)
    return said


@pytest.fixture
def client():
    """A browser before a small app that repeats what it is told."""

    async def page(request):
        return PlainTextResponse("here")

    async def stream(socket):
        await socket.accept()
        with suppress(WebSocketDisconnect):
            while True:
                await socket.send_bytes(await socket.receive_bytes())

    routes = [Route("/", page), *(WebSocketRoute(path, stream) for path in ("/_stcore/stream", "/other"))]
    return TestClient(Bounded(Starlette(routes=routes)))


def test_a_long_address_reaches_no_page(client):
    assert client.get("/", params="case=" + "x" * (ADDRESS.most - 6)).status_code == 200
    refused = client.get("/", params=NEWLINES)
    assert refused.status_code == 414
    assert refused.text == "The address has 60,006 characters; expected at most 16,384 characters.\n"
    assert client.get("/" + "x" * ADDRESS.most).status_code == 414
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(f"/_stcore/stream?{NEWLINES}"):
        pass


@pytest.mark.parametrize(
    "said",
    [
        rerun("x" * (ADDRESS.most + 1)),
        rerun(NEWLINES),
        BackMsg(rerun_script={"context_info": {"url": "x" * (ADDRESS.most + 1)}}),
        BackMsg(rerun_script={"widget_states": {"widgets": [{"id": "a", "json_value": f'"{"x" * ADDRESS.most}"'}]}}),
    ],
    ids=["address", "newlines", "url", "component"],
)
def test_a_socket_of_a_page_ends_with_a_long_address_or_a_long_state_of_a_component(client, said):
    with client.websocket_connect("/_stcore/stream") as socket:
        socket.send_bytes(said.SerializeToString())
        with pytest.raises(WebSocketDisconnect) as ended:
            socket.receive_bytes()
    assert ended.value.code == 1009


def test_a_long_text_of_a_field_is_cut_and_the_other_fields_stay(client):
    said = rerun("case=skin-cancer-triage", short="a", long="é" * 100_000)
    fields = said.rerun_script.widget_states.widgets
    fields.add(id="number", double_value=2.5)
    fields.add(id="several").string_array_value.data.extend(["b", "c" * 20_000])
    fields.add(id="trigger").string_trigger_value.data = "d" * 20_000
    with client.websocket_connect("/_stcore/stream") as socket:
        socket.send_bytes(said.SerializeToString())
        passed = BackMsg.FromString(socket.receive_bytes())
    fields[1].string_value = "é" * FIELD_TEXT.most
    fields[3].string_array_value.data[1] = "c" * FIELD_TEXT.most
    fields[4].string_trigger_value.data = "d" * FIELD_TEXT.most
    assert passed == said


@pytest.mark.parametrize("data", [b"", b"\xff\xff", rerun("case=x", field="y" * FIELD_TEXT.most).SerializeToString()])
def test_all_else_passes_as_it_is(client, data):
    for path in ("/_stcore/stream", "/other"):
        with client.websocket_connect(path) as socket:
            socket.send_bytes(data)
            assert socket.receive_bytes() == data


def test_messages_to_pages_and_to_the_editor_share_the_bound_of_the_server():
    assert STUDIO_BYTES.most <= PAGE_BYTES.most
