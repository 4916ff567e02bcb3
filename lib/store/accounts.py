"""Accounts: who may sign in, and as which owner. The directory of all of them, so no function here sees one owner only.

An account's `epoch` grows with whatever ends its sign-ins: a new password, "sign out everywhere", being disabled.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Row, func, insert, inspect, select, update

from lib.errors import BadInput, NotFound, ParlourError
from lib.ids import new_id, new_public_id, now_ms
from lib.store import schema
from lib.store.database import Database, postgres_database
from lib.store.encoding import insert_new, storable
from lib.store.files import FILE_NAME

_a, _e, _o, _z = schema.account.c, schema.ended_login.c, schema.owner.c, schema.zone.c


class Account(Struct, frozen=True):
    """One account; its password is not here."""

    id: int
    owner: int
    name: str
    epoch: int
    enabled: bool
    created_ms: int


class Directory(Struct, frozen=True):
    """All accounts, the oldest first, and the ids of the sign-ins that were ended and have not run out yet."""

    accounts: tuple[Account, ...] = ()
    ended: frozenset[int] = frozenset()


class Accounts:
    """Reads and changes the directory. `folded` is a name as it is compared (`lib.login.names`)."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def directory(self, now_ms: int) -> Directory:
        """Everybody, in one snapshot."""
        ended = select(_e.id).where(_e.until_ms > now_ms)

        def work(connection: Connection) -> Directory:
            rows = connection.execute(select(schema.account).order_by(_a.id)).all()
            return Directory(tuple(_account(row) for row in rows), frozenset(connection.scalars(ended)))

        return self._db.read(work)

    def secret(self, folded: str) -> tuple[Account, str] | None:
        """The account of this name with the hash of its password; None for an unknown name."""
        query = select(schema.account).where(_a.folded == storable(folded))
        row = self._db.read(lambda connection: connection.execute(query).one_or_none())
        return None if row is None else (_account(row), row.password)

    def add(self, name: str, folded: str, password: str) -> Account:
        """A new account. The first one takes over the owner there has always been, each later one gets a new owner.

        `password` is a hash. Raises BadInput("name_taken").
        """
        account_id, at_ms = new_id(), now_ms()

        def work(connection: Connection) -> Account:
            if connection.scalar(select(_a.id).where(_a.folded == storable(folded))) is not None:
                raise BadInput("name_taken")
            is_first = connection.scalar(select(func.count()).select_from(schema.account)) == 0
            owner = connection.scalar(select(func.min(_o.id))) if is_first else _new_owner(connection, name, at_ms)
            row = {"id": account_id, "owner_id": owner, "epoch": 1, "disabled": 0, "created_ms": at_ms}
            row |= {"changed_ms": at_ms, "name": storable(name), "folded": storable(folded), "password": password}
            connection.execute(insert(schema.account), row)
            return _account(connection.execute(select(schema.account).where(_a.id == account_id)).one())

        return self._db.write(work)

    def set_password(self, account_id: int, password: str) -> None:
        """Another hash; every sign-in ends. Raises NotFound."""
        self._change(account_id, password=password)

    def set_enabled(self, account_id: int, enabled: bool) -> None:
        """Whether it may sign in; every sign-in ends. Raises NotFound."""
        self._change(account_id, disabled=int(not enabled))

    def end_logins(self, account_id: int) -> None:
        """Every sign-in of the account ends. Raises NotFound."""
        self._change(account_id)

    def _change(self, account_id: int, **values: Any) -> None:
        values |= {"epoch": _a.epoch + 1, "changed_ms": now_ms()}
        change = update(schema.account).where(_a.id == account_id).values(**values)

        def work(connection: Connection) -> None:
            if connection.execute(change).rowcount != 1:
                raise NotFound("account")

        self._db.write(work)

    def end_login(self, owner: int, login: int, until_ms: int) -> None:
        """End one sign-in, which would have run out at `until_ms`; ended ones that have run out are forgotten."""
        over = schema.ended_login.delete().where(_e.until_ms <= now_ms())

        def work(connection: Connection) -> None:
            connection.execute(over)
            insert_new(connection, schema.ended_login, {"id": login, "owner_id": owner, "until_ms": until_ms})

        self._db.write(work, idempotent=True)


def _new_owner(connection: Connection, name: str, at_ms: int) -> int:
    """An owner with nothing but the reporting zones of the first one."""
    first = connection.scalar(select(func.min(_o.id)))
    owner = new_id()
    row = {"id": owner, "public_id": new_public_id(), "name": storable(name), "created_ms": at_ms}
    connection.execute(insert(schema.owner), row)
    zones = connection.execute(select(_z.position, _z.name).where(_z.owner_id == first)).all()
    rows = [{"id": new_id(), "owner_id": owner, "position": zone.position, "name": zone.name} for zone in zones]
    if rows:
        connection.execute(insert(schema.zone), rows)
    return owner


def _account(row: Row[Any]) -> Account:
    return Account(row.id, row.owner_id, row.name, row.epoch, not row.disabled, row.created_ms)


def any_account(url_or_path: str, data_dir: Path) -> bool:
    """Whether there is an account, asked before anything is opened; False also where that cannot be found out."""
    try:
        if "://" in url_or_path and not url_or_path.startswith("sqlite:///"):
            return _any_in_postgres(url_or_path)
        path = Path(url_or_path.removeprefix("sqlite:///")) if url_or_path else data_dir / FILE_NAME
        return path.exists() and _any_in_file(path)
    except (ParlourError, sqlite3.Error, OSError):
        return False


def _any_in_file(path: Path) -> bool:
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=2)) as connection:
        known = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'account'").fetchone()
        return known is not None and connection.execute("SELECT 1 FROM account LIMIT 1").fetchone() is not None


def _any_in_postgres(url: str) -> bool:
    database = postgres_database(url)
    try:
        return database.read(_has_one)
    finally:
        database.close()


def _has_one(connection: Connection) -> bool:
    known = inspect(connection).has_table(schema.account.name)
    return known and connection.scalar(select(_a.id).limit(1)) is not None
