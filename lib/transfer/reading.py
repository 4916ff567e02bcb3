"""Open a file somebody wants to import, find out by its content what it is, and hand out one conversation at a time.

Bounds: 200 MB a file, also unpacked; no member of a zip may be a hundred times its packed size, none is ever written
to a path. Everything that does not fit is refused with a reason or skipped with one; nothing here raises anything
but BadInput.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any, BinaryIO

import msgspec
from msgspec import Raw, Struct, structs

from lib.errors import BadInput
from lib.ids import now_ms
from lib.transfer import chatgpt, claude, librechat, open_webui
from lib.transfer.document import FORMAT, VERSION, AttemptCopy, ConversationCopy, Found, Skipped, Spend
from lib.transfer.files import FOLDER, Lookup, unpacked
from lib.transfer.own_file import FileCopy
from lib.transfer.tidy import VIDEO_LIMIT, attempt, tidied

FILE_LIMIT = 200 << 20
RATIO_LIMIT, RATIO_FROM = 100, 1 << 20
MEMBERS_LIMIT = 50_000
OWN = "Parlour"
Item = Found | Skipped | Spend

_LIST_OF_ALL = re.compile(r"(?:.*/)?conversations(?:-\d+)?\.json\Z", re.IGNORECASE)
_BROKEN = (msgspec.MsgspecError, ValueError, OverflowError)
_ZIP_FAULTS = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError)
_FOREIGN: tuple[tuple[Callable[[object], bool], Callable[[object, int], Found | Skipped]], ...] = (
    (chatgpt.is_ours, chatgpt.read),
    (claude.is_ours, claude.read),
    (open_webui.is_ours, open_webui.read),
    (librechat.is_ours, librechat.read),
)


class _Own(Struct):
    version: int
    conversations: list[Raw] = []
    spend: list[Raw] = []
    files: list[Raw] = []


def read_import(file: BinaryIO) -> Iterator[Item]:
    """Everything in the file, in its order. Raises BadInput for a file that is nothing we know."""
    for data, lookup in _documents(file):
        yield from _items(data, lookup)


def _documents(file: BinaryIO) -> Iterator[tuple[bytes, Lookup]]:
    """The JSON texts of the file (itself, or those in the zip), and how to find the bytes beside them."""
    file.seek(0)
    start = file.read(4)
    file.seek(0)
    if start.startswith(b"PK"):
        yield from _unzipped(file)
        return
    data = file.read(FILE_LIMIT + 1)
    if len(data) > FILE_LIMIT:
        raise BadInput("import_too_large")
    yield data, lambda digest: None


def _unzipped(file: BinaryIO) -> Iterator[tuple[bytes, Lookup]]:
    try:
        with zipfile.ZipFile(file) as archive:
            for member in _wanted(archive.infolist()):
                yield _unpacked(archive, member), partial(_beside, archive)
    except _ZIP_FAULTS as error:
        raise BadInput("import_damaged", type(error).__name__) from error
    except (RuntimeError, NotImplementedError) as error:  # a password, a packing method nobody uses
        raise BadInput("import_locked", type(error).__name__) from error


def _wanted(members: list[zipfile.ZipInfo]) -> list[zipfile.ZipInfo]:
    """The lists of all conversations, or else every JSON file. Raises BadInput for a bomb."""
    found = [member for member in members if member.filename.lower().endswith(".json") and not member.is_dir()]
    found = [member for member in found if _LIST_OF_ALL.match(member.filename)] or found
    if not found:
        raise BadInput("import_unknown")
    if len(members) > MEMBERS_LIMIT or sum(member.file_size for member in found) > FILE_LIMIT:
        raise BadInput("import_too_large")
    if any(map(_is_bomb, found)):
        raise BadInput("import_bomb")
    return found


def _is_bomb(member: zipfile.ZipInfo) -> bool:
    return member.file_size > RATIO_FROM and member.file_size > RATIO_LIMIT * max(1, member.compress_size)


def _beside(archive: zipfile.ZipFile, digest: str) -> bytes | None:
    """The member with these bytes, when there is one of a size that can be taken."""
    try:
        member = archive.getinfo(FOLDER + digest)
    except KeyError:
        return None
    return None if member.file_size > VIDEO_LIMIT or _is_bomb(member) else _unpacked(archive, member)


def _unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """At most what the member said it holds: its figures may be a lie."""
    with archive.open(member) as packed:
        data = packed.read(member.file_size + 1)
    if len(data) > member.file_size:
        raise BadInput("import_bomb")
    return data


def _items(data: bytes, lookup: Lookup) -> Iterator[Item]:
    data = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    if data[:1] == b"[":
        for raw in _decoded(data, list[Raw]):
            yield _foreign(raw)
    elif data[:1] == b"{":
        yield from _of_object(data, lookup)
    else:
        raise BadInput("import_unknown")


def _of_object(data: bytes, lookup: Lookup) -> Iterator[Item]:
    fields = _decoded(data, dict[str, Raw])
    if fields.get("format", Raw(b"")) == Raw(f'"{FORMAT}"'.encode()):
        yield from _own(_decoded(data, _Own), lookup)
    elif bytes(fields.get("conversations", b""))[:1] == b"[":
        for raw in _decoded(bytes(fields["conversations"]), list[Raw]):
            yield _foreign(raw)
    else:
        yield _foreign(Raw(data))


def _decoded(data: bytes, type: Any) -> Any:
    try:
        return msgspec.json.decode(data, type=type)
    except RecursionError as error:
        raise BadInput("import_too_deep") from error
    except _BROKEN as error:
        raise BadInput("import_not_json", str(error)) from error


def _own(file: _Own, lookup: Lookup) -> Iterator[Item]:
    if file.version > VERSION:
        raise BadInput("import_newer")
    inside = _own_files(file.files)
    for raw in file.conversations:
        yield _own_conversation(raw, lambda digest: inside[digest] if digest in inside else lookup(digest))
    attempts = tuple(found for raw in file.spend if (found := _own_attempt(raw)) is not None)
    if len(attempts) < len(file.spend):
        yield Skipped("damaged", f"{len(file.spend) - len(attempts)} ledger rows")
    if attempts:
        yield Spend(attempts)


def _own_files(files: list[Raw]) -> dict[str, bytes]:
    found = {}
    for raw in files:
        with suppress(*_BROKEN, RecursionError):
            file = msgspec.json.decode(raw, type=FileCopy)
            found[file.sha256] = file.data
    return found


def _own_conversation(raw: Raw, lookup: Lookup) -> Found | Skipped:
    try:
        copy = msgspec.json.decode(raw, type=ConversationCopy)
    except (*_BROKEN, RecursionError):
        return Skipped("damaged", _title_in(raw))
    whole, left_out = unpacked(copy, lookup)
    return Found(OWN, copy.id, tidied(whole), left_out)


def _own_attempt(raw: Raw) -> AttemptCopy | None:
    try:
        return attempt(msgspec.json.decode(raw, type=AttemptCopy))
    except (*_BROKEN, RecursionError):
        return None


class _Titled(Struct):
    title: str = ""


def _title_in(raw: Raw) -> str:
    try:
        return msgspec.json.decode(raw, type=_Titled).title[:200]
    except (*_BROKEN, RecursionError):
        return ""


def _foreign(raw: Raw) -> Found | Skipped:
    try:
        value: object = msgspec.json.decode(raw)
    except RecursionError:
        return Skipped("too_deep")
    except _BROKEN:
        return Skipped("damaged", _title_in(raw))
    for is_ours, read in _FOREIGN:
        if is_ours(value):
            found = read(value, now_ms())
            return (
                found if isinstance(found, Skipped) else structs.replace(found, conversation=tidied(found.conversation))
            )
    return Skipped("unknown_shape", _title_in(raw))
