"""Bounds of what browsers send: addresses and the texts of fields are looked at before any part of the app reads them."""

from __future__ import annotations

from google.protobuf.message import DecodeError, Message
from starlette import types
from starlette.responses import PlainTextResponse
from starlette.websockets import WebSocketClose
from streamlit.proto.BackMsg_pb2 import BackMsg

from simulator.limits import ADDRESS, FIELD_TEXT

#: The status of a socket that closes for a message beyond its bound.
_TOO_BIG = 1009


class Bounded:
    """Middleware that refuses an address beyond its bound, and cuts a text that a page sends to its own."""

    def __init__(self, app: types.ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: types.Scope, receive: types.Receive, send: types.Send) -> None:
        """Pass on what is within the bounds; end a socket of a page that asks for a longer address."""
        length = len(scope.get("raw_path") or b"") + len(scope.get("query_string", b""))
        if length > ADDRESS.most:
            reason = f"The address has {length:,} characters; expected at most {ADDRESS}.\n"
            refused = PlainTextResponse(reason, 414) if scope["type"] == "http" else WebSocketClose(_TOO_BIG)
            await refused(scope, receive, send)
            return

        async def within() -> types.Message:
            message = await receive()
            if (data := message.get("bytes")) is None:
                return message
            if (bounded := within_bounds(data)) is not None:
                return {**message, "bytes": bounded}
            await send({"type": "websocket.close", "code": _TOO_BIG})
            return {"type": "websocket.disconnect", "code": _TOO_BIG}

        of_a_page = scope["type"] == "websocket" and scope["path"].endswith("/_stcore/stream")
        await self._app(scope, within if of_a_page else receive, send)


def within_bounds(data: bytes) -> bytes | None:
    """Return a message of a page with its long texts cut; None where its address, or the state of a component, is too long."""
    try:
        said = BackMsg.FromString(data)
    except DecodeError:
        return data  # Streamlit refuses it too
    states = said.rerun_script.widget_states.widgets
    whole = [said.rerun_script.query_string, said.rerun_script.context_info.url]
    whole += [text for state in states for text in (state.json_value, state.json_trigger_value)]
    if any(len(text) > ADDRESS.most for text in whole):
        return None
    return said.SerializeToString() if _cut(said) else data


def _cut(message: Message) -> bool:
    """Cut each text of a message; return whether there was one to cut."""
    cut = False
    for field, value in message.ListFields():
        values = [value] if isinstance(value, str | Message) else value if field.type in _WITH_TEXTS else []
        if field.type == field.TYPE_MESSAGE:
            cut |= sum(map(_cut, values)) > 0
        elif any(len(text) > FIELD_TEXT.most for text in values):
            short = [text[: FIELD_TEXT.most] for text in values]
            message.ClearField(field.name)
            message.MergeFrom(type(message)(**{field.name: short[0] if isinstance(value, str) else short}))
            cut = True
    return cut


_FIELD = BackMsg.DESCRIPTOR.fields[0]
_WITH_TEXTS = (_FIELD.TYPE_MESSAGE, _FIELD.TYPE_STRING)
