"""Databases of earlier releases, opened by this one."""

from __future__ import annotations

import hashlib
import random

import pytest
from sqlalchemy import Connection, text

from lib.ids import now_ms
from lib.messages import ImagePart, VideoPart
from lib.store import open_store
from lib.store.migrations import STEPS, Step
from lib.store.migrations.step_0005 import PIECE_BYTES
from tests.store.acts import answered, bytes_kept
from tests.store.conftest import Place
from tests.store.step_0001_database import ASKED, CHAT, OWNER, PUBLIC, TOLD, fill_first, make_old_database


def test_what_the_first_release_kept_is_there_and_can_be_used(place: Place) -> None:
    make_old_database(place.url, place.folder).close()
    store = place.open()
    owner, chat = store.owner(), PUBLIC[CHAT]
    found = store.conversations.get(owner, chat)
    assert (found.title, found.title_source, found.n_messages) == ("Old title", "user", 2)
    asked, told = store.conversations.transcript(owner, chat).messages
    assert (asked.text, told.text, told.edited, told.copied, told.kept_chars) == (
        "old question",
        "old answer",
        False,
        False,
        0,
    )
    assert (told.continues, told.siblings) == (None, (PUBLIC[TOLD],))
    store.messages.edit(owner, chat, PUBLIC[ASKED], "new question")
    store.messages.delete(owner, chat, PUBLIC[ASKED])
    assert [item.n_messages for item in store.trash.list(owner)] == [2]
    store.messages.restore(owner, chat, PUBLIC[TOLD])
    store.drafts.set(owner, chat, "draft")
    assert len(store.conversations.transcript(owner, store.messages.fork(owner, chat, PUBLIC[TOLD])).messages) == 2
    answered(store, conversation=chat, parent=PUBLIC[TOLD])
    assert not store.conversations.suggest_title(owner, chat, "A model's title")
    assert store.ledger.verify(owner) == []


@pytest.mark.parametrize("size", [1, PIECE_BYTES, 2 * PIECE_BYTES + 5])
def test_bytes_that_were_kept_whole_are_cut_into_pieces(place: Place, size: int) -> None:
    data, small = random.Random(size).randbytes(size), b"small"
    parts = ", ".join(
        f'{{"type":"{kind}","media_type":"{kind}/x","url":"stored:{hashlib.sha256(each).hexdigest()}"}}'
        for kind, each in (("video", data), ("image", small))
    )

    def first_with_data(connection: Connection) -> None:
        STEPS[0].run(connection)
        fill_first(connection)
        for each in (data, small):
            row = {"owner": OWNER, "sha": hashlib.sha256(each).hexdigest(), "size": len(each), "data": each}
            connection.execute(text("INSERT INTO blob VALUES (:owner, :sha, :size, 1, :data)"), row)
        change = text("UPDATE message SET parts = :parts WHERE id = :id")
        connection.execute(change, {"parts": f"[{parts}]", "id": ASKED})

    open_store(place.url, place.folder, steps=(Step(1, STEPS[0].name, first_with_data), *STEPS[1:4])).close()
    store = place.open()
    owner, chat = store.owner(), PUBLIC[CHAT]
    assert bytes_kept(store) == (size + 5, size + 5)
    found = store.conversations.transcript(owner, chat).messages[0].parts
    assert store.attachments.filled(owner, found) == (
        VideoPart("video/x", data, size=size),
        ImagePart("image/x", small, size=5),
    )
    assert store.attachments.served(owner, PUBLIC[ASKED], 0).read(size - 1, 9) == data[-1:]
    store.conversations.delete(owner, chat)
    store.trash.purge(owner, now_ms() + 1, 0)
    assert bytes_kept(store) == (0, 0)
