"""A reader without a browser: it speaks to the page over Streamlit's websocket, in its protobuf messages.

    async with Visitor(url) as visitor:
        await visitor.say("Good morning")
        await visitor.until_idle()

A page is drawn for it as for a browser, it just looks at less: which conversation is open, whether Stop is there,
whether a script runs, and what went wrong.
"""

from __future__ import annotations

import asyncio
import re
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

STREAM = "/_stcore/stream"
_DONE = (ForwardMsg.FINISHED_SUCCESSFULLY,)


class Visitor:
    """One open page. `errors` are the exceptions that it was shown; `lost` says that the server closed it."""

    def __init__(self, url: str, query: str = "", *, page: str = "") -> None:
        self._url = url.replace("http", "ws", 1) + STREAM
        self._origin = url
        self._query = query
        self._page = page
        self._hash = ""
        self._line: ClientConnection | None = None
        self._reading: asyncio.Task[None] | None = None
        self._changed = asyncio.Condition()
        self._ids: dict[str, str] = {}
        self._runs_done = 0
        self._wanted, self._drawn = b"", True
        self._told = ""
        self.has_stop = False
        self.errors: list[str] = []
        self.alerts: list[str] = []
        self.messages = 0
        self.session = ""
        self.lost = False

    @property
    def chat(self) -> str | None:
        """The public id of the conversation that the address names."""
        return next(iter(parse_qs(self._query).get("chat", [])), None)

    @property
    def runs_done(self) -> int:
        """How many runs of the page's script came to their end."""
        return self._runs_done

    async def __aenter__(self) -> Self:
        protocols = [Subprotocol("streamlit")]
        self._line = await connect(
            self._url, origin=self._origin, subprotocols=protocols, max_size=None, compression=None, open_timeout=60
        )  # type: ignore[arg-type]  # any string is an origin
        self._reading = asyncio.create_task(self._read())
        await self.rerun()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.leave()

    async def leave(self) -> None:
        """Close the tab."""
        if self._line is not None:
            await self._line.close()
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def rerun(self, **widgets: Any) -> None:
        """Run the page's script. `widgets`: by the name a widget's id ends with, a dict of WidgetState's fields."""
        message = BackMsg()
        asked = message.rerun_script
        asked.query_string, asked.page_script_hash, asked.page_name = self._query, self._hash, self._page
        asked.context_info.timezone, asked.context_info.locale = "UTC", "en-GB"
        asked.context_info.url = f"{self._origin}/{self._page}"
        for name, fields in widgets.items():
            state = asked.widget_states.widgets.add(id=self._ids[name])
            for field, value in fields.items():
                if field == "chat_input":
                    state.chat_input_value.data = value
                else:
                    setattr(state, field, value)
        await self.send(message.SerializeToString())

    async def send(self, frame: bytes) -> None:
        """Any bytes as one frame."""
        assert self._line is not None
        await self._line.send(frame)

    async def say(self, text: str, timeout_s: float = 120.0) -> None:
        """Write into the message box, press Enter, and wait until the message is on the page.

        Raises TimeoutError. The page forgets a message when another follows before it has begun to draw it.
        """
        await self.until_ready()
        self._wanted, self._drawn = text.encode(), False
        await self.rerun(message={"chat_input": text})
        await self._until(lambda: self._drawn, timeout_s)

    async def stop(self) -> None:
        """Press Stop, when it is there."""
        if self.has_stop:
            self.has_stop = False
            await self.rerun(stop={"trigger_value": True})

    async def until_ready(self, timeout_s: float = 60.0) -> None:
        """Until there is a message box, and the page is drawn or an answer runs in it. Raises TimeoutError."""
        await self._until(lambda: "message" in self._ids and (self.has_stop or self._runs_done > 0), timeout_s)

    async def until_runs(self, beyond: int, timeout_s: float = 60.0) -> None:
        """Until more runs than `beyond` came to their end. Raises TimeoutError."""
        await self._until(lambda: self._runs_done > beyond, timeout_s)

    async def until_stop(self, timeout_s: float = 60.0) -> bool:
        """Until an answer can be stopped; False when the next run ends without one. Raises TimeoutError."""
        before = self._runs_done
        await self._until(lambda: self.has_stop or self._runs_done > before, timeout_s)
        return self.has_stop

    async def _until(self, true: Any, timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s), self._changed:
                await self._changed.wait_for(lambda: true() or self.lost)
        except TimeoutError as error:
            state = f"drawn {self._drawn}, Stop {self.has_stop}, {self._runs_done} runs, {self.messages} messages"
            raise TimeoutError(f"{timeout_s:.0f} s: {state}, last told {self._told}") from error

    async def _read(self) -> None:
        assert self._line is not None
        try:
            async for frame in self._line:
                data = frame if isinstance(frame, bytes) else frame.encode()
                message = ForwardMsg()
                message.ParseFromString(data)
                self.messages += 1
                self._drawn = self._drawn or self._wanted in data
                self._note(message)
                async with self._changed:
                    self._changed.notify_all()
        except ConnectionClosed:
            pass
        self.lost = True
        async with self._changed:
            self._changed.notify_all()

    def _note(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type") or ""
        self._told = f"{kind} {message.script_finished if kind == 'script_finished' else ''}".strip()
        match kind:
            case "new_session":
                self._hash = message.new_session.page_script_hash
                self.session = message.new_session.initialize.session_id or self.session
                self.has_stop = False
            case "page_info_changed":
                self._query = message.page_info_changed.query_string
            case "script_finished" if message.script_finished in _DONE:
                self._runs_done += 1
            case "session_event" if message.session_event.HasField("script_compilation_exception"):
                self.errors.append(message.session_event.script_compilation_exception.message)
            case "delta" if message.delta.WhichOneof("type") == "new_element":
                self._see(message.delta.new_element)

    def _see(self, element: Any) -> None:
        match element.WhichOneof("type"):
            case "chat_input":
                self._know(element.chat_input.id)
            case "button":
                self._know(element.button.id)
                self.has_stop = self.has_stop or element.button.id.endswith("-stop")
            case "exception":
                self.errors.append(f"{element.exception.type}: {element.exception.message}")
            case "alert":
                self.alerts.append(element.alert.body)

    def _know(self, widget_id: str) -> None:
        if found := re.fullmatch(r"\$\$ID-[0-9a-f]+-(.+)", widget_id):
            self._ids[found[1]] = widget_id
