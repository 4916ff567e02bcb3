"""The route that shows a user's pictures, videos and documents again: to their owner, and as nothing but that.

Only types that a browser draws without running anything are shown in place; all others are downloads. Ranges are those
of RFC 9110, section 14: one range, so that a video can be wound.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Literal, Protocol
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from lib.errors import NotFound, ParlourError
from lib.web.headers import MEDIA_POLICY

SHOWN = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif", "video/mp4", "video/webm"})
"""What is shown in place. What comes in was re-encoded or checked by content before it got one of these names."""

_PIECE = 1 << 18
_RANGE = re.compile(r"bytes=(\d*)-(\d*)\Z")
_UNSAFE = re.compile(r"[^\w .()-]+", re.ASCII)
_HEADERS = {
    "x-content-type-options": "nosniff",
    "content-security-policy": MEDIA_POLICY,
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "accept-ranges": "bytes",
}
_KEPT = "private, max-age=31536000, immutable"
_REFUSED = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


class File(Protocol):
    """Bytes that can be read in pieces. `digest` changes whenever they do; `temporary` ones must leave no trace."""

    @property
    def media_type(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def digest(self) -> str: ...
    @property
    def temporary(self) -> bool: ...
    def read(self, offset: int, length: int) -> bytes: ...


Find = Callable[[str, int | Literal["thumb"]], File]


def file_routes(find: Find) -> list[BaseRoute]:
    """`GET` and `HEAD /file/{id}/{n}`: the n-th part of a message or of a waiting attachment, or its "thumb".

    404 for whatever `find` does not know: what does not exist and what belongs to somebody else are one answer.
    """

    async def file(request: Request) -> Response:
        public_id, part = str(request.path_params["id"]), str(request.path_params["part"])
        if part != "thumb" and not (part.isascii() and part.isdecimal() and len(part) < 5):
            return PlainTextResponse("not found", 404, _REFUSED)
        try:
            found = await run_in_threadpool(find, public_id, "thumb" if part == "thumb" else int(part))
        except NotFound:
            return PlainTextResponse("not found", 404, _REFUSED)
        except ParlourError:
            return PlainTextResponse("try again", 503, _REFUSED)
        return _answer(request, found)

    return [Route("/file/{id:str}/{part:str}", file, methods=["GET"])]


def _answer(request: Request, file: File) -> Response:
    etag = f'"{file.digest}"'
    kept = "no-store" if file.temporary else _KEPT
    headers = _HEADERS | {"etag": etag, "cache-control": kept, "content-disposition": _disposition(file)}
    if _names(request.headers.get("if-none-match", ""), etag):
        return Response(status_code=304, headers=headers)
    wanted = request.headers.get("range", "")
    unchanged = request.headers.get("if-range", etag) == etag
    span = _span(wanted, file.size) if wanted and unchanged else None
    if span == "beyond":
        return Response(status_code=416, headers=headers | {"content-range": f"bytes */{file.size}"})
    start, end = span or (0, file.size)
    headers["content-length"] = str(end - start)
    if span:
        headers["content-range"] = f"bytes {start}-{end - 1}/{file.size}"
    kind = file.media_type if file.media_type in SHOWN else "application/octet-stream"
    status = 206 if span else 200
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers, media_type=kind)
    return StreamingResponse(_pieces(file, start, end), status, headers, kind)


def _pieces(file: File, start: int, end: int) -> Iterator[bytes]:
    """Read in a worker thread, one piece after the other; an empty one means that the bytes are gone."""
    while start < end:
        piece = file.read(start, min(_PIECE, end - start))
        if not piece:
            return
        yield piece
        start += len(piece)


def _span(wanted: str, size: int) -> tuple[int, int] | Literal["beyond"] | None:
    """First byte and the one after the last; None for what is not one range, which is then ignored."""
    found = _RANGE.match(wanted)
    if found is None or found[0] == "bytes=-":
        return None
    first, last = found[1], found[2]
    if len(first) > 15 or len(last) > 15:
        return "beyond"
    if not first:
        length = min(int(last), size)
        return (size - length, size) if length else "beyond"
    start, end = int(first), min(int(last) + 1, size) if last else size
    if last and int(last) < start:
        return None
    return (start, end) if start < size else "beyond"


def _names(header: str, etag: str) -> bool:
    return header.strip() == "*" or etag in (given.strip().removeprefix("W/") for given in header.split(","))


def _disposition(file: File) -> str:
    """RFC 6266 with the name as in RFC 8187; a name that cannot be a header or a path is cleaned, never trusted."""
    how = "inline" if file.media_type in SHOWN else "attachment"
    name = file.name.replace("/", "_").replace("\\", "_") or "file"
    simple = _UNSAFE.sub("_", name)[:100]
    return f"{how}; filename=\"{simple}\"; filename*=UTF-8''{quote(name.encode('utf-8', 'replace'), safe='')}"
