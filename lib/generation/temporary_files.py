"""Attachments that wait in temporary conversations: in this process's memory, gone with it or when they are sent."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Collection
from typing import Literal

from msgspec import Struct, structs

from lib.attachments import Attachment, Form, FormName
from lib.errors import BadInput, NotFound
from lib.ids import new_public_id
from lib.messages import FilePart, ImagePart, Part, VideoPart

PREFIX = "memory-"
MOST_PLACES = 20
"""Beyond that the place that has been idle longest is forgotten with what waits in it."""
MOST_BYTES = 200_000_000
"""Of one place, all forms of all files together."""


class FileInMemory(Struct, frozen=True):
    """One part's bytes, as the route that serves files reads them."""

    media_type: str
    name: str
    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    @property
    def temporary(self) -> bool:
        return True

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    def read(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]


Held = list[Attachment]


class TemporaryFiles:
    """Places of waiting attachments, by names that only the session which opened them knows."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._places: OrderedDict[str, Held] = OrderedDict()

    def open_place(self) -> str:
        """A new, empty place."""
        with self._lock:
            place = PREFIX + new_public_id()
            self._places[place] = []
            while len(self._places) > MOST_PLACES:
                self._places.popitem(last=False)
        return place

    def close_place(self, place: str) -> None:
        """Forget it with what waits there."""
        with self._lock:
            self._places.pop(place, None)

    def knows(self, place: str) -> bool:
        return place in self._places

    def list(self, place: str) -> Held:
        """What waits there, in order. Raises NotFound."""
        with self._lock:
            return [*self._at(place)]

    def add(self, place: str, attachment: Attachment) -> Attachment:
        """Raises NotFound, and BadInput("quota") beyond 200 MB."""
        with self._lock:
            held = self._at(place)
            if sum(map(_bytes, held)) + _bytes(attachment) > MOST_BYTES:
                raise BadInput("quota")
            added = structs.replace(attachment, public_id=new_public_id())
            held.append(added)
        return added

    def choose(self, public_id: str, form: FormName) -> None:
        """Raises NotFound when it has no such form."""
        found = self.get(public_id)
        if all(form != one.name for one in found.forms):
            raise NotFound("form")
        self._replace(structs.replace(found, chosen=form))

    def put_form(self, public_id: str, form: Form) -> None:
        """Add or replace a form, and choose it."""
        found = self.get(public_id)
        others = tuple(one for one in found.forms if one.name != form.name)
        self._replace(structs.replace(found, forms=(*others, form), chosen=form.name))

    def move(self, public_id: str, index: int) -> None:
        with self._lock:
            held = self._holding(public_id)
            moved = next(one for one in held if one.public_id == public_id)
            held.remove(moved)
            held.insert(max(0, index), moved)

    def remove(self, public_id: str) -> None:
        with self._lock:
            held = self._holding(public_id)
            held[:] = [one for one in held if one.public_id != public_id]

    def clear(self, place: str, sent: Collection[str]) -> None:
        """These have been sent; what came meanwhile goes on waiting."""
        with self._lock:
            if held := self._places.get(place):
                held[:] = [one for one in held if one.public_id not in sent]

    def get(self, public_id: str) -> Attachment:
        """Raises NotFound."""
        with self._lock:
            return next(one for one in self._holding(public_id) if one.public_id == public_id)

    def served(self, public_id: str, part: int | Literal["thumb"]) -> FileInMemory:
        """The thumbnail, or the n-th part of the chosen form. Raises NotFound."""
        found = self.get(public_id)
        if part != "thumb":
            return file_of(found.parts, part)
        if found.thumb is None:
            raise NotFound("file")
        return file_of((found.thumb,), 0)

    def _at(self, place: str) -> Held:
        if place not in self._places:
            raise NotFound("place")
        self._places.move_to_end(place)
        return self._places[place]

    def _holding(self, public_id: str) -> Held:
        for held in self._places.values():
            if any(one.public_id == public_id for one in held):
                return held
        raise NotFound("attachment")

    def _replace(self, changed: Attachment) -> None:
        with self._lock:
            held = self._holding(changed.public_id)
            held[:] = [changed if one.public_id == changed.public_id else one for one in held]


def file_of(parts: tuple[Part, ...], part: int) -> FileInMemory:
    """The n-th of `parts`, when it has bytes of its own or is a document. Raises NotFound."""
    found = parts[part] if part < len(parts) else None
    match found:
        case ImagePart(data=data) | VideoPart(data=data) if data:
            return FileInMemory(found.media_type, found.name, data)
        case FilePart():
            return FileInMemory("text/plain", found.name, found.text.encode("utf-8", "replace"))
    raise NotFound("file")


def _bytes(attachment: Attachment) -> int:
    return sum(form.bytes for form in attachment.forms)
