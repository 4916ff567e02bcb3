"""What a test sees of a conversation: not only of the branch that is shown."""

from __future__ import annotations

from sqlalchemy import select

from lib.store import schema
from tests.generation.scripted import House

_m, _c = schema.message.c, schema.conversation.c


def all_asked(house: House, chat: str) -> list[str]:
    """The user's messages of every branch of a conversation, the oldest first; what is in the trash is not among them."""
    here = select(_c.id).where(_c.public_id == chat, _c.owner_id == house.owner).scalar_subquery()
    query = select(_m.text).where(_m.conversation_id == here, _m.role == "user", _m.deletion_id.is_(None))
    return list(house.store._db.read(lambda connection: connection.scalars(query.order_by(_m.id)).all()))
