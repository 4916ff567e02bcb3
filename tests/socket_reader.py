"""A page's websocket read without a browser: ask for one run of a page and keep every byte that comes."""

from __future__ import annotations

import asyncio

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection


async def drawn(line: ClientConnection, query: str = "", page: str = "") -> tuple[str, bytes]:
    """(the session's id, everything that came) for one run of a page."""
    message = BackMsg()
    message.rerun_script.query_string, message.rerun_script.page_name = query, page
    await line.send(message.SerializeToString())
    session, came = "", bytearray()
    while True:
        frame = await asyncio.wait_for(line.recv(), 60)
        came += frame if isinstance(frame, bytes) else frame.encode()
        told = ForwardMsg()
        told.ParseFromString(frame if isinstance(frame, bytes) else frame.encode())
        if told.WhichOneof("type") == "new_session":
            session = told.new_session.initialize.session_id or session
        if told.WhichOneof("type") == "script_finished":
            return session, bytes(came)
