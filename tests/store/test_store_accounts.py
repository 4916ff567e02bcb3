"""Accounts in the store: the first one takes over what is there, each later one begins with nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from lib.errors import BadInput, NotFound
from lib.ids import new_id, now_ms
from lib.keys import KeyBox
from lib.login import Login
from lib.store import Store
from lib.store.accounts import any_account
from tests.store.acts import answered
from tests.store.conftest import Place


def test_the_first_account_owns_what_is_there_and_the_second_nothing(store: Store) -> None:
    answered(store, "hello")
    zones = store._db.read(lambda c: c.exec_driver_sql("SELECT owner_id, name FROM zone ORDER BY id").all())
    anna, bernd = store.accounts.add("Anna", "anna", "hash"), store.accounts.add("Bernd", "bernd", "hash")
    assert anna.owner == store.owner()
    assert bernd.owner not in (0, anna.owner)
    assert store.owners() == [anna.owner, bernd.owner]
    assert len(store.conversations.list(anna.owner)) == 1
    assert list(store.conversations.list(bernd.owner)) == []
    after = store._db.read(lambda c: c.exec_driver_sql("SELECT owner_id, name FROM zone ORDER BY id").all())
    assert [name for owner, name in after if owner == bernd.owner] == [name for _, name in zones]


def test_a_name_is_taken_once(store: Store) -> None:
    store.accounts.add("Anna", "anna", "hash")
    with pytest.raises(BadInput) as error:
        store.accounts.add("ANNA", "anna", "hash")
    assert error.value.reason == "name_taken"
    assert len(store.accounts.directory(0).accounts) == 1
    assert len(store.owners()) == 1


def test_whatever_ends_sign_ins_raises_the_epoch(store: Store) -> None:
    account = store.accounts.add("Anna", "anna", "hash").id
    epochs = [1]
    for change in (
        lambda: store.accounts.set_password(account, "other hash"),
        lambda: store.accounts.set_enabled(account, False),
        lambda: store.accounts.set_enabled(account, True),
        lambda: store.accounts.end_logins(account),
    ):
        change()
        [found] = store.accounts.directory(0).accounts
        epochs.append(found.epoch)
    assert epochs == [1, 2, 3, 4, 5]
    assert store.accounts.secret("anna") == (found, "other hash")
    assert store.accounts.secret("nobody") is None


def test_an_unknown_account_cannot_be_changed(store: Store) -> None:
    for change in (store.accounts.end_logins, lambda account: store.accounts.set_enabled(account, False)):
        with pytest.raises(NotFound):
            change(7)


def test_an_ended_sign_in_is_remembered_until_it_would_have_run_out(store: Store) -> None:
    account, login = store.accounts.add("Anna", "anna", "hash"), new_id()
    until = now_ms() + 60_000
    store.accounts.end_login(account.owner, login, until)
    store.accounts.end_login(account.owner, login, until)
    assert store.accounts.directory(until - 1).ended == {login}
    assert store.accounts.directory(until).ended == frozenset()
    store.accounts.end_login(account.owner, 5, now_ms() - 1)
    store.accounts.end_login(account.owner, 6, until)
    assert store.accounts.directory(0).ended == {login, 6}


def test_accounts_are_there_after_a_restart_and_can_be_asked_for_before_it(place: Place) -> None:
    assert not any_account(place.url, place.folder)
    store = place.open()
    assert not any_account(place.url, place.folder)
    store.accounts.add("Anna", "anna", "hash")
    assert any_account(place.url, place.folder)
    place.close()
    assert any_account(place.url, place.folder)
    assert place.open().accounts.secret("anna") is not None


def test_where_nobody_can_be_asked_there_is_no_account(tmp_path: Path) -> None:
    (tmp_path / "parlour.db").write_bytes(b"not a database" * 100)
    assert not any_account("", tmp_path)
    assert not any_account("postgresql://nobody@127.0.0.1:1/x", tmp_path)
    assert not any_account("mysql://x", tmp_path)


def test_what_another_process_changed_is_noticed(place: Place) -> None:
    store = place.open()
    login = Login(store, KeyBox(place.folder))
    assert not login.on
    if store.engine == "sqlite":  # no other process writes
        login._read_at -= 3600
        assert not login.stale
        return
    place.open().accounts.add("Anna", "anna", "hash")
    assert not login.on
    login._read_at -= 3
    assert login.stale
    login.keep_fresh()
    assert login.on
