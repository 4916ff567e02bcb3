"""Links to snapshots at the store."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from lib.errors import BadInput, NotFound
from lib.store import Store, schema
from lib.store import shares as shares_module
from tests.store.acts import answered

DAY_MS = 86_400_000
PAGE = b"<!doctype html><p>as it was"


def shared(store: Store, *, lives_ms: int = DAY_MS) -> tuple[str, str, str]:
    """(conversation, share, token) of a new link."""
    chat = answered(store).conversation
    share, token = store.shares.add(store.owner(), chat, PAGE, lives_ms=lives_ms, with_costs=False)
    return chat, share.public_id, token


def test_a_token_opens_its_snapshot(store: Store) -> None:
    chat, share, token = shared(store)
    assert store.shares.page(token) == PAGE
    (listed,) = store.shares.list(store.owner(), chat)
    assert (listed.public_id, listed.conversation) == (share, chat)
    assert listed.expires_ms - listed.created_ms == DAY_MS
    assert len(token) >= 22  # 128 bits


def test_the_snapshot_does_not_change_with_the_chat(store: Store) -> None:
    chat, _, token = shared(store)
    answered(store, "more", conversation=chat, parent=store.conversations.get(store.owner(), chat).active_leaf)
    store.conversations.rename(store.owner(), chat, "another name")
    assert store.shares.page(token) == PAGE


def test_the_token_itself_is_not_kept(store: Store) -> None:
    _, _, token = shared(store)
    rows = store._db.read(lambda connection: connection.execute(select(schema.share)).all())
    assert token not in repr(rows)


def test_an_expired_link_leads_nowhere(store: Store) -> None:
    chat, _, token = shared(store, lives_ms=0)
    with pytest.raises(NotFound):
        store.shares.page(token)
    assert store.shares.list(store.owner(), chat) == []
    assert store.shares.sweep(store.owner()) == 1


def test_a_revoked_link_leads_nowhere(store: Store) -> None:
    _, share, token = shared(store)
    store.shares.revoke(store.owner(), share)
    with pytest.raises(NotFound):
        store.shares.page(token)
    with pytest.raises(NotFound):
        store.shares.revoke(store.owner(), share)


@pytest.mark.parametrize("together", [False, True], ids=["alone", "with others"])
def test_deleting_the_chat_revokes_its_links_for_good(store: Store, together: bool) -> None:
    chat, _, token = shared(store)
    if together:
        store.organising.delete(store.owner(), [chat])
    else:
        store.conversations.delete(store.owner(), chat)
    with pytest.raises(NotFound):
        store.shares.page(token)
    store.conversations.restore(store.owner(), chat)
    with pytest.raises(NotFound):
        store.shares.page(token)


@pytest.mark.parametrize("token", ["", "x", "' OR 1=1 --", "\x00", "\ud800", "é" * 10_000])
def test_an_unknown_token_is_just_unknown(store: Store, token: str) -> None:
    shared(store)
    with pytest.raises(NotFound):
        store.shares.page(token)


def test_a_page_without_measure_is_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shares_module, "MOST_BYTES", 3)
    with pytest.raises(BadInput, match="share_too_large"):
        shared(store)
