"""What is sent: a small body at one go, one with pictures or videos piece by piece while it is being encoded."""

from __future__ import annotations

from collections.abc import AsyncIterator

from lib.dialects.wire_body import Body


class Upload:
    """One request's body on its way. `unfinished` is True from the first piece until the last one was taken."""

    def __init__(self, body: Body) -> None:
        self.length = body.length
        self.unfinished = False
        self._body = body

    @property
    def content(self) -> bytes | Upload:
        """What httpx is given."""
        whole = self._body.whole
        return self if whole is None else whole

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self.unfinished = True
        for piece in self._body:
            yield piece
        self.unfinished = False
