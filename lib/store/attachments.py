"""Files that wait at a place to be sent, and the bytes of all that was: kept once, counted, handed to their owner."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Any, Literal

from msgspec import Struct, structs
from sqlalchemy import Connection, Row, delete, exists, select, update

from lib.attachments.attachment import Attachment, Form, FormName
from lib.errors import BadInput, NotFound
from lib.ids import new_id, new_public_id, now_ms
from lib.messages import FilePart, ImagePart, Part, VideoPart
from lib.store import blobs, schema
from lib.store.conversations import find
from lib.store.database import Database
from lib.store.encoding import from_json, insert_new, storable, storable_or_none, to_json
from lib.store.parts import digest_of, drop_unused, filled, read_parts, stored_part

_w, _c, _m, _q, _r = (
    schema.attachment.c,
    schema.conversation.c,
    schema.message.c,
    schema.queue_item.c,
    schema.batch_row.c,
)
PLACES = ("new", "look", "batch")
"""Where files wait besides conversations: for the next new chat, and on the two sides of the upload page."""
QUOTA_BYTES = 2 << 30
MOST = 60
KEPT_DAYS = 30
_DAY_MS = 86_400_000
Listed = list[Attachment]


class Served(Struct, frozen=True):
    """One stored file, ready to be handed out: `read(offset, length)` gives at most that many of its `size` bytes.

    `digest` changes whenever the bytes do.
    """

    media_type: str
    size: int
    name: str
    read: Callable[[int, int], bytes]
    digest: str
    temporary: bool = False


class Attachments:
    """Waiting attachments of every owner; each function sees those of one.

    A place is a conversation's public id or one of `PLACES`. Attachments come back without bytes: their pictures and
    video have a `url` "stored:…" and a `size`, and can be sent as they are.
    """

    def __init__(self, database: Database) -> None:
        self._db = database

    def add(
        self, owner: int, place: str, attachment: Attachment, *, quota_bytes: int = QUOTA_BYTES, most: int = MOST
    ) -> Attachment:
        """Keep a file at the end of its place, with all its forms; it comes back with its public id.

        `quota_bytes` bounds all bytes of the owner together, each content once. Raises BadInput("quota"),
        BadInput("too_many") when `most` wait there already, NotFound for a conversation that is not there.
        """
        row: dict[str, Any] = {"id": new_id(), "owner_id": owner, "public_id": new_public_id(), "created_ms": now_ms()}

        def work(connection: Connection) -> Attachment:
            _one_at_a_time(connection, owner)
            here = _place(connection, owner, place)
            waiting = _at(connection, owner, place)
            if len(waiting) >= most:
                raise BadInput("too_many")
            position = waiting[-1].position + 1 if waiting else 1
            columns = _columns(connection, owner, structs.replace(attachment, public_id=""))
            insert_new(connection, schema.attachment, row | here | columns | {"position": position})
            _within(connection, owner, quota_bytes)
            return _read(_row(connection, owner, row["public_id"]))

        return self._db.write(work)

    def list(self, owner: int, place: str) -> Listed:
        """What waits there, in order. Raises NotFound."""

        def work(connection: Connection) -> Listed:
            _place(connection, owner, place)
            return [_read(row) for row in _at(connection, owner, place)]

        return self._db.read(work)

    def get(self, owner: int, public_id: str) -> Attachment:
        """Raises NotFound, also once it was sent."""
        return self._db.read(lambda connection: _read(_row(connection, owner, public_id)))

    def choose(self, owner: int, public_id: str, form: FormName) -> Attachment:
        """Send it in this form. Raises NotFound, also for a form that it does not have."""

        def work(connection: Connection) -> Attachment:
            found = _read(_row(connection, owner, public_id))
            if all(each.name != form for each in found.forms):
                raise NotFound("form")
            connection.execute(update(schema.attachment).where(_mine(owner, public_id)).values(chosen=form))
            return structs.replace(found, chosen=form)

        return self._db.write(work, idempotent=True)

    def put_form(self, owner: int, public_id: str, form: Form, *, quota_bytes: int = QUOTA_BYTES) -> Attachment:
        """Add a form (a video's frames), or replace the one of that name, and choose it. Raises as `add` does."""

        def work(connection: Connection) -> Attachment:
            _one_at_a_time(connection, owner)
            blobs.lock(connection)
            old = _read(_row(connection, owner, public_id))
            names = [each.name for each in old.forms]
            forms = tuple(form if each.name == form.name else each for each in old.forms)
            new = structs.replace(old, forms=forms if form.name in names else (*forms, form), chosen=form.name)
            columns = _columns(connection, owner, new)
            connection.execute(update(schema.attachment).where(_mine(owner, public_id)).values(**columns))
            drop_unused(connection, owner, _digests(old))
            _within(connection, owner, quota_bytes)
            return _read(_row(connection, owner, public_id))

        return self._db.write(work, idempotent=True)

    def move(self, owner: int, public_id: str, index: int) -> None:
        """Put it at place `index` of those that wait beside it (0 is first). Raises NotFound."""

        def work(connection: Connection) -> None:
            row = _row(connection, owner, public_id)
            order = [other.id for other in _at(connection, owner, row.place) if other.id != row.id]
            order.insert(max(0, index), row.id)
            for position, id in enumerate(order, 1):
                here = (_w.id == id, _w.owner_id == owner)
                connection.execute(update(schema.attachment).where(*here).values(position=position))

        self._db.write(work, idempotent=True)

    def remove(self, owner: int, public_id: str) -> None:
        """It waits no longer, and its bytes are freed unless something else holds them. Raises NotFound."""

        def work(connection: Connection) -> None:
            blobs.lock(connection)
            found = _read(_row(connection, owner, public_id))
            connection.execute(delete(schema.attachment).where(_mine(owner, public_id)))
            drop_unused(connection, owner, _digests(found))

        self._db.write(work)

    def move_place(self, owner: int, from_place: str, to_place: str) -> int:
        """Let everything that waits at one place wait at the end of another; how many. Raises NotFound."""

        def work(connection: Connection) -> int:
            _place(connection, owner, from_place)
            here, there = _place(connection, owner, to_place), _at(connection, owner, to_place)
            last = there[-1].position if there else 0
            moved = _at(connection, owner, from_place) if from_place != to_place else []
            for position, row in enumerate(moved, last + 1):
                mine = (_w.id == row.id, _w.owner_id == owner)
                connection.execute(update(schema.attachment).where(*mine).values(**here, position=position))
            return len(moved)

        return self._db.write(work)

    def filled(self, owner: int, parts: Iterable[Part]) -> tuple[Part, ...]:
        """The parts with their bytes, for sending: each content is in memory once, and once only.

        What the owner does not have stays as it is.
        """
        given = tuple(parts)
        if not any(map(digest_of, given)):
            return given
        return self._db.read(lambda connection: filled(connection, owner, [given])[0])

    def served(self, owner: int, public_id: str, n: int | Literal["thumb"]) -> Served:
        """The `n`-th part of a message, a queued message, a waiting attachment's chosen form or a batch's row.

        "thumb" is a waiting attachment's thumbnail. A document is served as its text. Raises NotFound for anything
        else, for what is in the trash, and for what is not the owner's.
        """
        part = self._db.read(lambda connection: _part(connection, owner, public_id, n))
        if isinstance(part, FilePart):
            data = part.text.encode("utf-8", "replace")
            digest = sha256(data).hexdigest()
            return Served(
                "text/plain", len(data), part.name, lambda offset, length: data[offset : offset + length], digest
            )
        stored = digest_of(part)
        if stored is None or not isinstance(part, ImagePart | VideoPart):
            raise NotFound("file")
        size = self._db.read(lambda connection: blobs.size_of(connection, owner, stored))

        def read(offset: int, length: int) -> bytes:
            return self._db.read(lambda connection: blobs.read_range(connection, owner, stored, offset, length))

        return Served(part.media_type, size, part.name, read, stored)

    def used_bytes(self, owner: int) -> int:
        """What the owner's bytes take together, each content once."""
        return self._db.read(lambda connection: blobs.used_bytes(connection, owner))


# --- inside other transactions --------------------------------------------------------------------------------------


def stop_waiting(connection: Connection, owner: int, public_ids: Iterable[str]) -> set[str]:
    """Take attachments that become parts of something out of their place; the digests that they pointed at.

    Ids that wait no longer are passed over. Hand the digests to `drop_unused` once the parts are written.
    """
    names = [storable(each) for each in public_ids]
    if not names:
        return set()
    blobs.lock(connection)
    mine = (_w.public_id.in_(names), _w.owner_id == owner)
    found = [_read(row) for row in connection.execute(select(schema.attachment).where(*mine))]
    connection.execute(delete(schema.attachment).where(*mine))
    return {digest for attachment in found for digest in _digests(attachment)}


def drop_forgotten(connection: Connection, owner: int, now: int) -> set[str]:
    """Remove what has waited for 30 days; the digests that it pointed at."""
    old = select(_w.public_id).where(_w.owner_id == owner, _w.created_ms <= now - KEPT_DAYS * _DAY_MS)
    return stop_waiting(connection, owner, list(connection.scalars(old)))


def _mine(owner: int, public_id: str) -> Any:
    return (_w.public_id == storable(public_id)) & (_w.owner_id == owner)


def _row(connection: Connection, owner: int, public_id: str) -> Row[Any]:
    row = connection.execute(select(schema.attachment).where(_mine(owner, public_id))).one_or_none()
    if row is None:
        raise NotFound("attachment")
    return row


def _at(connection: Connection, owner: int, place: str) -> list[Row[Any]]:
    query = select(schema.attachment).where(_w.owner_id == owner, _w.place == storable(place))
    return list(connection.execute(query.order_by(_w.position, _w.id)))


def _place(connection: Connection, owner: int, place: str) -> dict[str, Any]:
    """The columns that say where; a place that is not named is a conversation that is there. Raises NotFound."""
    conversation_id = None if place in PLACES else find(connection, owner, place).id
    return {"place": storable(place), "conversation_id": conversation_id}


def _one_at_a_time(connection: Connection, owner: int) -> None:
    """Two additions at once could both find room for the last bytes."""
    o = schema.owner.c
    connection.execute(select(o.id).where(o.id == owner).with_for_update())


def _within(connection: Connection, owner: int, quota_bytes: int) -> None:
    if blobs.used_bytes(connection, owner) > quota_bytes:
        raise BadInput("quota")


def _columns(connection: Connection, owner: int, given: Attachment) -> dict[str, Any]:
    """The attachment as it is kept; `parts` names all the bytes that it points at."""
    forms = tuple(
        structs.replace(form, parts=tuple(stored_part(connection, owner, part) for part in form.parts))
        for form in given.forms
    )
    thumb = stored_part(connection, owner, given.thumb) if given.thumb else None
    pointing = tuple(part for form in forms for part in form.parts if digest_of(part))
    facts = structs.replace(given, forms=(), thumb=None, chosen=None)
    return {
        "facts": to_json(facts),
        "forms": to_json(forms),
        "thumb": to_json([thumb] if thumb else []),
        "parts": to_json((*pointing, thumb) if thumb else pointing),
        "chosen": storable_or_none(given.chosen),
    }


def _read(row: Row[Any]) -> Attachment:
    facts, thumb = from_json(row.facts, Attachment), from_json(row.thumb, list[ImagePart])
    forms = from_json(row.forms, tuple[Form, ...])
    return structs.replace(
        facts, public_id=row.public_id, forms=forms, thumb=next(iter(thumb), None), chosen=row.chosen
    )


def _digests(attachment: Attachment) -> set[str]:
    parts = (*(part for form in attachment.forms for part in form.parts), attachment.thumb)
    return {digest for part in parts if (digest := digest_of(part))}


def _part(connection: Connection, owner: int, public_id: str, n: int | Literal["thumb"]) -> Part | None:
    """Raises NotFound."""
    row = connection.execute(select(schema.attachment).where(_mine(owner, public_id))).one_or_none()
    waiting = _read(row) if row is not None else None
    if n == "thumb":
        return waiting.thumb if waiting else None
    parts = waiting.parts if waiting else _parts_of(connection, owner, storable(public_id))
    if not 0 <= n < len(parts):
        raise NotFound("file")
    return parts[n]


def _parts_of(connection: Connection, owner: int, name: str) -> tuple[Part, ...]:
    """The parts of whatever can be seen under this public id; none when there is nothing."""
    alive = exists().where(_c.id == _m.conversation_id, _c.deleted_ms.is_(None))
    b = schema.batch.c
    kept = exists().where(b.id == _r.batch_id, b.deleted_ms.is_(None))
    queries = (
        select(_m.parts).where(_m.public_id == name, _m.owner_id == owner, _m.deleted_ms.is_(None), alive),
        select(_q.parts).where(_q.public_id == name, _q.owner_id == owner),
        select(_r.parts).where(_r.public_id == name, _r.owner_id == owner, kept),
    )
    found = (connection.scalar(query) for query in queries)
    return next((read_parts(column) for column in found if column is not None), ())
