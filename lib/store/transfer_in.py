"""A document becomes a conversation: tree, answers and ledger rows in the caller's transaction."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Row, insert, literal, or_, select

from lib.ids import ms_of, new_id, new_public_id, now_ms
from lib.ledger import ModelRef
from lib.store import schema
from lib.store.conversations import new_row
from lib.store.encoding import bounded, insert_new, storable, storable_or_none, to_json
from lib.store.parts import store_parts
from lib.store.placing import folded
from lib.store.rollup import counting
from lib.store.rows import Settings
from lib.store.search_index import index_messages
from lib.store.transfer_gateways import Gates
from lib.store.transfer_ledger import take_attempts
from lib.transfer.document import ConversationCopy, Found, MessageCopy, ModelCopy, content_hash
from lib.transfer.planning import Standing
from lib.transfer.reading import OWN

_c, _f, _m, _i = schema.conversation.c, schema.folder.c, schema.message.c, schema.imported_conversation.c


class Taken(Struct, frozen=True):
    """What became of one conversation of an import; nothing was written unless it was `new`."""

    standing: Standing
    n_messages: int = 0
    n_attempts: int = 0


def standing_of(connection: Connection, owner: int, found: Found) -> Standing:
    """Whether this conversation is here already: by its own id, its id in the other program, or its words."""
    row = _by_own_id(connection, owner, found) or _imported_before(connection, owner, found)
    if row is None:
        return "new"
    return "here" if row.deleted_ms is None else "in_trash"


def _by_own_id(connection: Connection, owner: int, found: Found) -> Row[Any] | None:
    if found.source != OWN:
        return None
    query = select(_c.deleted_ms).where(_c.owner_id == owner, _c.public_id == storable(found.source_id))
    return connection.execute(query).one_or_none()


def _imported_before(connection: Connection, owner: int, found: Found) -> Row[Any] | None:
    same_id = (_i.source == storable(found.source)) & (_i.source_id == storable(found.source_id)) & (_i.source_id != "")
    # Within one program equal words under two ids are two conversations.
    apart = (_i.source != storable(found.source)) | (_i.source_id == "") | literal(found.source_id == "")
    same_words = (_i.content_hash == content_hash(found.conversation)) & apart
    query = select(_c.deleted_ms).join(schema.imported_conversation, _i.conversation_id == _c.id)
    query = query.where(_c.owner_id == owner, _i.owner_id == owner, or_(same_id, same_words))
    return connection.execute(query.order_by(_c.deleted_ms.is_not(None)).limit(1)).one_or_none()


def take_in(connection: Connection, owner: int, import_id: int, found: Found) -> Taken:
    """Write the conversation unless it is here."""
    standing = standing_of(connection, owner, found)
    if standing != "new":
        return Taken(standing)
    copy, gates = found.conversation, Gates(connection, owner)
    row = _conversation(connection, owner, copy, gates)
    connection.execute(insert(schema.conversation), row)
    _wear_tags(connection, owner, row["id"], copy.tags)
    ids = {message.id: new_id() for message in copy.messages}
    answers = _write_messages(connection, owner, row["id"], copy, ids, gates)
    n_attempts = _take_spend(connection, owner, import_id, row["id"], copy, ids, answers, gates)
    mark = {"conversation_id": row["id"], "owner_id": owner, "import_id": import_id, "n_messages": len(ids)}
    mark |= {
        "source": storable(found.source),
        "source_id": storable(found.source_id),
        "content_hash": content_hash(copy),
    }
    at_ms = ms_of(new_id())  # not before any of its messages, whatever the clock does
    connection.execute(insert(schema.imported_conversation), mark | {"at_ms": at_ms})
    return Taken("new", len(ids), n_attempts)


def _conversation(connection: Connection, owner: int, copy: ConversationCopy, gates: Gates) -> dict[str, Any]:
    gateway_id = gates.id_of(copy.gateway) if copy.gateway else None
    settings = Settings(gateway_id, copy.model, copy.dialect, copy.params, copy.system)
    taken = connection.scalar(select(_c.id).where(_c.public_id == copy.id))  # by another owner, or by chance
    row = new_row(owner, copy.id if taken is None else new_public_id(), copy.title, settings)
    times = {"created_ms": copy.created_ms, "last_ms": copy.last_ms, "answered_ms": 0, "read_ms": copy.last_ms}
    place = {"pinned_ms": copy.pinned_ms, "archived_ms": copy.archived_ms, "title_source": copy.title_source}
    return (
        row | times | place | {"folder_id": _folder(connection, owner, copy.folder), "n_messages": len(copy.messages)}
    )


def _folder(connection: Connection, owner: int, name: str) -> int | None:
    """The folder of this name, made when it is not there."""
    if not folded(name):
        return None
    row = {"id": new_id(), "owner_id": owner, "public_id": new_public_id(), "created_ms": now_ms()}
    insert_new(connection, schema.folder, row | {"name": storable(name), "folded": folded(name)})
    same = select(_f.id).where(_f.owner_id == owner, _f.folded == folded(name))
    return int(connection.scalars(same).one())


def _wear_tags(connection: Connection, owner: int, conversation_id: int, tags: tuple[str, ...]) -> None:
    for tag in tags:
        row = {"conversation_id": conversation_id, "owner_id": owner, "folded": folded(tag), "name": storable(tag)}
        if row["folded"]:
            insert_new(connection, schema.conversation_tag, row)


def _write_messages(
    connection: Connection, owner: int, conversation_id: int, copy: ConversationCopy, ids: dict[str, int], gates: Gates
) -> dict[str, int]:
    """The messages in their order, so that versions stay oldest first; the ids of their answers."""
    public = _public_ids(connection, list(ids))
    rows, answers, asked = [], [], {}
    for message in copy.messages:
        ref = _ref(message.model, gates) if message.model else None
        row = _message(connection, owner, message, ids, ref)
        row |= {"conversation_id": conversation_id, "public_id": public[message.id]}
        rows.append(row)
        if ref and message.params is not None:
            answers.append(_answer(row, message, ref))
            asked[message.id] = answers[-1]["id"]
    if rows:
        connection.execute(insert(schema.message), rows)
    if answers:
        connection.execute(insert(schema.answer), answers)
    index_messages(connection, owner, [(row["id"], row["text"]) for row in rows])
    shown = _c.id == conversation_id, _c.owner_id == owner
    connection.execute(schema.conversation.update().where(*shown).values(active_id=ids.get(copy.active or "")))
    return asked


def _public_ids(connection: Connection, wanted: list[str]) -> dict[str, str]:
    """Each message keeps its public id, unless it is taken."""
    taken: set[str] = set()
    for at in range(0, len(wanted), 500):
        query = select(_m.public_id).where(_m.public_id.in_(wanted[at : at + 500]))
        taken |= set(connection.scalars(query))
    return {name: new_public_id() if name in taken else name for name in wanted}


def _message(
    connection: Connection, owner: int, message: MessageCopy, ids: dict[str, int], ref: ModelRef | None
) -> dict[str, Any]:
    return {
        "id": ids[message.id],
        "owner_id": owner,
        "role": message.role,
        "parts": store_parts(connection, owner, message.parts),
        "text": storable(message.text),
        "reasoning": storable(message.reasoning),
        "repaired": to_json(message.repaired),
        "created_ms": message.created_ms,
        "changed_ms": message.created_ms if message.changed_ms is None else message.changed_ms,
        "parent_id": ids.get(message.parent or ""),
        "active_child_id": ids.get(message.shown_child or ""),
        "continues_id": ids.get(message.continues or ""),
        "reasoning_ms": bounded(message.reasoning_ms),
        "edited": int(message.edited),
        "copied": int(message.copied),
        "kept_chars": message.kept_chars,
        "state": message.state,
        "error_kind": storable_or_none(message.error_kind),
        "error_message": storable_or_none(message.error_message),
        "finish_reason": storable_or_none(message.finish_reason),
        "ref": to_json(ref) if ref else None,
    }


def _answer(row: dict[str, Any], message: MessageCopy, ref: ModelRef) -> dict[str, Any]:
    """What this answer was asked with. It has ended: nothing will ever send it."""
    return {
        "id": new_id(),
        "owner_id": row["owner_id"],
        "conversation_id": row["conversation_id"],
        "message_id": row["id"],
        "key": f"import:{row['public_id']}",
        "lane": "",
        "state": row["state"] or "done",
        "epoch": "import",
        "ref": to_json(ref),
        "params": to_json(message.params),
        "system": storable(message.system),
        "purpose": "chat",
        "started_ms": row["created_ms"],
        "heartbeat_ms": row["changed_ms"],
        "ended_ms": row["changed_ms"],
        "stop_requested": 0,
    }


def _ref(model: ModelCopy, gates: Gates) -> ModelRef:
    gateway, demo = gates.id_of(model.gateway), bool(model.gateway and model.gateway.demo)
    return ModelRef(gateway, model.model, model.base, model.family, model.variant, model.dialect, model.effort, demo)


def _take_spend(
    connection: Connection,
    owner: int,
    import_id: int,
    conversation_id: int,
    copy: ConversationCopy,
    ids: dict[str, int],
    answers: dict[str, int],
    gates: Gates,
) -> int:
    """The ledger rows of this conversation that are not here yet."""
    if not copy.attempts:
        return 0
    change, count = counting(connection, owner), 0
    for message in copy.messages:
        count += take_attempts(
            connection,
            owner,
            import_id,
            message.attempts,
            gates,
            change,
            conversation_id=conversation_id,
            message_id=ids[message.id],
            answer_id=answers.get(message.id),
        )
    count += take_attempts(connection, owner, import_id, copy.spend, gates, change, conversation_id=conversation_id)
    change.apply(connection, owner)
    return count
