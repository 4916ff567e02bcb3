"""What past answers teach about the next one: tokens per character, how long answers get, how long a branch is."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, bindparam, case, func, literal, or_, select

from lib.messages import FilePart, ImagePart, Part, Role, VideoPart
from lib.store import schema
from lib.store.conversations import find
from lib.store.database import Database
from lib.store.encoding import from_json, storable
from lib.store.transcript import message_row

_u, _m = schema.usage_event.c, schema.message.c
_INPUT = ("in_uncached", "in_cache_read", "in_cache_write_5m", "in_cache_write_1h")
_RECENT = 200
_SCANNED = 2_000
Pairs = tuple[tuple[int, int], ...]


class Past(Struct, frozen=True):
    """Recent reported answers of one model, newest first.

    Requests with images or video are not in `asked`: they say nothing about text. `asked` and `answered`
    are (tokens, characters) of what was sent and of the visible text; `lengths` the whole answers in tokens, reasoning
    included.
    """

    asked: Pairs = ()
    answered: Pairs = ()
    lengths: tuple[int, ...] = ()


class MessageSize(Struct, frozen=True):
    """How much of one message is sent again: characters of its words and documents, and its images and video.

    `media` come without their bytes: what they take follows from pixels and seconds, by rules that differ by model.
    """

    role: Role
    chars: int
    media: tuple[ImagePart | VideoPart, ...] = ()

    @property
    def attached(self) -> bool:
        """Whether images or video come with it."""
        return bool(self.media)


class Measures:
    """Reads only. Nothing of a text leaves here, only its length."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def past(self, owner: int, gateway_id: int, model: str) -> Past:
        """The last answers of exactly this model there, at most 200 among the owner's 2,000 newest requests.

        Only whole answers whose tokens were reported count; of those that reasoned, not the visible text, because a
        gateway may count hidden words in it.
        """
        return self._db.read(lambda connection: _past(connection, owner, gateway_id, model))

    def branch(self, owner: int, conversation: str, leaf: str | None = None) -> tuple[MessageSize, ...]:
        """The messages of the branch that is shown, or that ends in `leaf`, from its root on. Raises NotFound."""

        def work(connection: Connection) -> tuple[MessageSize, ...]:
            found = find(connection, owner, conversation)
            end = found.active_id if leaf is None else message_row(connection, owner, found.id, leaf).id
            return () if end is None else _branch(connection, owner, end)

        return self._db.read(work)


def _past(connection: Connection, owner: int, gateway_id: int, model: str) -> Past:
    newest = select(schema.usage_event).where(_u.owner_id == owner).order_by(_u.id.desc()).limit(_SCANNED).subquery()
    n = newest.c
    query = (
        select(newest)
        .where(n.gateway_id == gateway_id, n.model == storable(model), n.purpose == "chat")
        .where(n.usage_source == "reported", n.outcome == "ok")
        .order_by(n.id.desc())
        .limit(_RECENT)
    )
    rows = list(connection.execute(query))
    return Past(
        _pairs((_input(row), row.chars_in) for row in rows if not row.media_in),
        _pairs((row.out_visible, row.chars_out) for row in rows if not row.out_reasoning and not row.chars_reasoning),
        tuple(int(row.out_visible) + int(row.out_reasoning or 0) for row in rows if row.out_visible is not None),
    )


def _input(row: Any) -> int:
    return sum(getattr(row, name) or 0 for name in _INPUT)


def _pairs(found: Any) -> Pairs:
    return tuple((int(tokens), int(chars)) for tokens, chars in found if tokens and chars)


def _branch(connection: Connection, owner: int, leaf: int) -> tuple[MessageSize, ...]:
    rows = connection.execute(_WALK, {"owner": owner, "leaf": leaf})
    return tuple(_size(role, int(chars or 0), parts) for role, chars, parts in rows)


def _walk() -> Any:
    """From a leaf to its root. Put together once: it is asked before every message."""
    mine = _m.owner_id == bindparam("owner")
    start = select(_m.id, _m.parent_id, literal(1).label("depth")).where(_m.id == bindparam("leaf"), mine)
    walk = start.cte("walk", recursive=True)
    above = schema.message.alias("above")
    walk = walk.union_all(
        select(above.c.id, above.c.parent_id, walk.c.depth + 1).where(
            above.c.id == walk.c.parent_id, above.c.owner_id == bindparam("owner")
        )
    )
    # Quotes inside a text are escaped in JSON, so only the part itself can match.
    attached = or_(*(_m.parts.like(f'%"type":"{kind}"%') for kind in ("image", "video", "file")))
    query = select(_m.role, func.length(_m.text), case((attached, _m.parts))).select_from(schema.message)
    return query.join(walk, walk.c.id == _m.id).order_by(walk.c.depth.desc())


_WALK = _walk()


def _size(role: Role, chars: int, column: str | None) -> MessageSize:
    parts = from_json(column, tuple[Part, ...]) if column else ()
    chars += sum(len(part.text) + 2 * len(part.name) for part in parts if isinstance(part, FilePart))
    return MessageSize(role, chars, tuple(part for part in parts if isinstance(part, ImagePart | VideoPart)))
