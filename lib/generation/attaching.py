"""From a user's file to an attachment that waits: looked at, kept, and handed over when the message is sent.

A place is a conversation's public id, "new" for the next new one, the name of another page's place ("look", "batch"),
or a place in memory, where the attachments of temporary conversations wait.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal, Protocol

from msgspec import structs

from lib import intake
from lib.attachments import Attachment, FormName, part_bytes
from lib.errors import BadInput, NotFound, StoreUnwritable
from lib.generation.temporary import TemporaryChats
from lib.generation.temporary_files import PREFIX, TemporaryFiles, file_of
from lib.ids import new_public_id
from lib.messages import FilePart, ImagePart, Part, VideoPart
from lib.store import Store

MOST_WAITING = 60
"""Files that may wait in one place."""
_STALE_S = 86_400


class File(Protocol):
    """Bytes of an attachment or of a message's part; `digest` changes whenever they do.

    `temporary` ones are in memory only.
    """

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


class Attaching:
    """The waiting attachments of one owner, wherever they lie."""

    def __init__(
        self,
        store: Store,
        temporary: TemporaryChats,
        owner: int,
        data_dir: Path,
        *,
        most_bytes: int,
        empties: bool = True,
    ) -> None:
        """`most_bytes` is the largest file that is taken. Raises StoreUnwritable when the folder cannot be made.

        `empties`: what a killed process left in the folder goes. Only where this process has put nothing there yet.
        """
        self._store = store
        self._temporary = temporary
        self._owner = owner
        self._lock = threading.Lock()
        self.memory = TemporaryFiles()
        self.most_bytes = most_bytes
        self._limits = intake.Limits(max_bytes=most_bytes)
        self.incoming = data_dir / "incoming"
        if empties:
            _make_empty(self.incoming, _STALE_S if store.engine == "postgresql" else 0)

    # --- coming in --------------------------------------------------------------------------------------------------

    def check_room(self, place: str) -> None:
        """Raises BadInput("too_many") when no more can wait there, and NotFound for an unknown place."""
        if len(self.list(place)) >= MOST_WAITING:
            raise BadInput("too_many")

    def attach(self, place: str, name: str, path: Path) -> str:
        """Look at the file (seconds, in a process of its own) and let it wait; its public id.

        A file that cannot be used waits too, with its problem. Raises BadInput, NotFound and StoreUnwritable.
        """
        with _disk_troubles():
            taken = intake.take_in(path, name, folder=self.incoming, limits=self._limits)
        with self._lock:  # between counting and adding nothing may come
            self.check_room(place)
            return self._add(place, taken).public_id

    def attach_bytes(self, place: str, name: str, data: bytes) -> str:
        """The same for bytes that are here already: a picture of the camera, a recording."""
        with self._file_of(data) as path:
            return self.attach(place, name, path)

    def smaller(self, parts: tuple[Part, ...]) -> tuple[Part, ...]:
        """The same parts with their pictures in the small form; what does not get smaller stays as it is."""
        filled = self._store.attachments.filled(self._owner, parts)
        return tuple(self._smaller(part, whole) for part, whole in zip(parts, filled, strict=True))

    def _smaller(self, part: Part, whole: Part) -> Part:
        if not isinstance(whole, ImagePart) or not whole.data:
            return part
        with self._file_of(whole.data) as path:
            taken = intake.take_in(path, whole.name, folder=self.incoming, limits=self._limits)
        small = next((form.parts[0] for form in taken.forms if form.name == "small"), None)
        if not isinstance(small, ImagePart) or part_bytes(small) >= len(whole.data):
            return part
        return structs.replace(small, name=whole.name, caption=whole.caption, detail=whole.detail)

    @contextmanager
    def _file_of(self, data: bytes) -> Iterator[Path]:
        """A file of these bytes among the incoming ones, for as long as it is needed. Raises StoreUnwritable."""
        path = self.incoming / new_public_id()
        try:
            with _disk_troubles():
                path.touch(0o600, exist_ok=False)
                path.write_bytes(data)
                yield path
        finally:
            with suppress(OSError):  # the next start empties the folder
                path.unlink(missing_ok=True)

    def _add(self, place: str, attachment: Attachment) -> Attachment:
        if place.startswith(PREFIX):
            return self.memory.add(place, attachment)
        return self._store.attachments.add(self._owner, place, attachment)

    # --- waiting ----------------------------------------------------------------------------------------------------

    def list(self, place: str) -> list[Attachment]:
        """What waits there, in order. Raises NotFound for an unknown place."""
        if place.startswith(PREFIX):
            return self.memory.list(place)
        return list(self._store.attachments.list(self._owner, place))

    def choose(self, public_id: str, form: FormName) -> None:
        """Send it in this form. Raises NotFound."""
        if self._in_memory(public_id):
            self.memory.choose(public_id, form)
        else:
            self._store.attachments.choose(self._owner, public_id, form)

    def as_frames(self, public_id: str, count: int) -> None:
        """Make `count` pictures of a video's moments, and choose them.

        Raises BadInput, NotFound and StoreUnwritable.
        """
        video = self._video(public_id)
        with _disk_troubles():
            form = intake.frames(video.data, count, video.name, folder=self.incoming)
        if self._in_memory(public_id):
            self.memory.put_form(public_id, form)
        else:
            self._store.attachments.put_form(self._owner, public_id, form)

    def move(self, public_id: str, index: int) -> None:
        """Put it at this place in the order. Raises NotFound."""
        if self._in_memory(public_id):
            self.memory.move(public_id, index)
        else:
            self._store.attachments.move(self._owner, public_id, index)

    def remove(self, public_id: str) -> None:
        """Take it away. Raises NotFound."""
        if self._in_memory(public_id):
            self.memory.remove(public_id)
        else:
            self._store.attachments.remove(self._owner, public_id)

    def _video(self, public_id: str) -> VideoPart:
        """With its bytes."""
        found = self.memory.get(public_id) if self._in_memory(public_id) else self._get(public_id)
        parts = [part for form in found.forms for part in form.parts if isinstance(part, VideoPart)]
        if not parts:
            raise NotFound("video")
        filled = parts[0] if parts[0].data else self._store.attachments.filled(self._owner, (parts[0],))[0]
        if not isinstance(filled, VideoPart):
            raise NotFound("video")
        return filled

    def _get(self, public_id: str) -> Attachment:
        return self._store.attachments.get(self._owner, public_id)

    def _in_memory(self, public_id: str) -> bool:
        try:
            self.memory.get(public_id)
        except NotFound:
            return False
        return True

    # --- being shown ------------------------------------------------------------------------------------------------

    def served(self, public_id: str, part: int | Literal["thumb"]) -> File:
        """A part of a message or of a waiting attachment. Raises NotFound."""
        with suppress(NotFound):
            return self.memory.served(public_id, part)
        if part != "thumb":
            with suppress(NotFound):
                return file_of(self._temporary.parts_of(public_id), part)
        return self._store.attachments.served(self._owner, public_id, part)

    def place_in_memory(self, known: str | None) -> str:
        """The place `known` if it is still there, else a new one."""
        return known if known and self.memory.knows(known) else self.memory.open_place()


def in_sending_order(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Pictures and videos first, then documents: vendors ask for what is looked at before what is read."""
    return (
        *(part for part in parts if not isinstance(part, FilePart)),
        *(part for part in parts if isinstance(part, FilePart)),
    )


@contextmanager
def _disk_troubles() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreUnwritable(f"the folder of incoming files cannot be used: {error.strerror}") from error


def _make_empty(folder: Path, older_s: int) -> None:
    """The folder, readable by its owner only, without what a killed process left in it."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        before = time.time() - older_s
        for left in folder.iterdir():
            if left.lstat().st_mtime <= before:
                shutil.rmtree(left) if left.is_dir() else left.unlink()
    except OSError as error:
        raise StoreUnwritable(f"cannot make the folder of incoming files: {error.strerror}") from error
