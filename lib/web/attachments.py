"""The routes of attachments. A user's files come in one per request: streamed to a temporary file, then looked at.

Nothing of a body is held in memory beyond one piece, and the temporary file goes on every path: when it was taken in,
when it was refused, and when the browser went away in the middle.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal, Protocol

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from lib.errors import BadInput, NotFound, ParlourError, StoreUnwritable
from lib.ids import new_public_id
from lib.web.files import File, file_routes

AT_ONCE = 2
"""Files that are looked at at the same time; each may take a child process and some hundred megabytes."""
_PIECE = 1 << 20
_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
_MEGA = 1_000_000


class Intake(Protocol):
    """Where files go. `place` is a conversation's public id, "new", or the name of another place that holds files."""

    @property
    def incoming(self) -> Path: ...
    @property
    def most_bytes(self) -> int: ...
    def check_room(self, place: str) -> None: ...
    def attach(self, place: str, name: str, path: Path) -> str: ...
    def served(self, public_id: str, part: int | Literal["thumb"]) -> File: ...


def attachment_routes(intake: Callable[[], Intake]) -> list[BaseRoute]:
    """`PUT /attachments/{place}?name=…` with the file as its body; and the way back, as in `file_routes`.

    Answers 201 with `{"id"}`, or with `{"sentence"}`: 404 for an unknown place, 409 when it holds as many files as it
    may, 413 for too many bytes, 507 when there is no room for them, 503 when it cannot be done now. Who may write is
    the Doorkeeper's matter: it checks the origin of every PUT.
    """
    at_work = asyncio.Semaphore(AT_ONCE)

    async def put(request: Request) -> Response:
        try:
            return await _taken(request, await run_in_threadpool(intake), at_work)
        except _Refused as refused:
            return _refusal(refused.status, str(refused))
        except NotFound:
            return _refusal(404, "This chat does not exist or was deleted.")
        except BadInput as error:
            return _refusal(*_BAD.get(error.reason, (422, "This file cannot be used.")))
        except (OSError, StoreUnwritable):
            return _refusal(507, "The data folder has no room for this file.")
        except ParlourError:
            return _refusal(503, "The database is busy. Try again in a moment.")

    shown = file_routes(lambda public_id, part: intake().served(public_id, part))
    return [Route("/attachments/{place:str}", put, methods=["PUT"]), *shown]


_BAD = {
    "quota": (507, "Your files take all the room they may. Delete chats with large files first."),
    "too_many": (409, "No more files can wait here. Send or remove some first."),
}


class _Refused(Exception):
    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


async def _taken(request: Request, intake: Intake, at_work: asyncio.Semaphore) -> Response:
    place, name = str(request.path_params["place"]), request.query_params.get("name", "")
    _check_announced(request, intake.most_bytes)
    await run_in_threadpool(intake.check_room, place)
    path = intake.incoming / new_public_id()
    try:
        await _write_down(request, path, intake.most_bytes)
        async with at_work:
            public_id = await run_in_threadpool(intake.attach, place, name, path)
    except ClientDisconnect:
        return Response(status_code=499)  # nobody reads it
    finally:
        with suppress(OSError):  # the next start empties the folder
            path.unlink(missing_ok=True)
    return JSONResponse({"id": public_id}, 201, _HEADERS)


def _check_announced(request: Request, most: int) -> None:
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > most:
        raise _too_large(most)


async def _write_down(request: Request, path: Path, most: int) -> None:
    """The body into a file that only this user of the machine can read. Raises OSError and ClientDisconnect."""
    size, waiting = 0, bytearray()
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "wb") as file:  # an unbuffered one would drop what a full disk took no more
        async for piece in request.stream():
            size += len(piece)
            if size > most:
                raise _too_large(most)
            waiting += piece
            if len(waiting) >= _PIECE:
                await run_in_threadpool(file.write, bytes(waiting))
                waiting.clear()
        await run_in_threadpool(file.write, bytes(waiting))
        await run_in_threadpool(file.flush)


def _too_large(most: int) -> _Refused:
    return _Refused(413, f"This file is larger than {most // _MEGA} MB, the most that is taken.")


def _refusal(status: int, sentence: str) -> JSONResponse:
    return JSONResponse({"sentence": sentence}, status, _HEADERS)
