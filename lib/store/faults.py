"""Database errors become Parlour's, once, here.

SQLite's names are its extended result codes, PostgreSQL's its SQLSTATE classes (their manuals, "Result Codes" and
"Error Codes"). Messages never carry statement parameters: those hold what people wrote.
"""

from __future__ import annotations

import sqlite3

from sqlalchemy import exc

from lib.errors import StoreBusy, StoreDamaged, StoreError, StoreUnwritable

_SQLITE: tuple[tuple[tuple[str, ...], type[StoreError]], ...] = (
    (("SQLITE_BUSY", "SQLITE_LOCKED"), StoreBusy),
    (("SQLITE_CORRUPT", "SQLITE_NOTADB"), StoreDamaged),
    (("SQLITE_FULL", "SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_IOERR"), StoreUnwritable),
)
_POSTGRES: tuple[tuple[tuple[str, ...], type[StoreError]], ...] = (
    (("40001", "40P01", "55P03", "57014", "53300", "57P", "08"), StoreBusy),
    (("53100", "25006", "42501"), StoreUnwritable),
    (("XX001", "XX002"), StoreDamaged),
)


def translated(error: exc.SQLAlchemyError | sqlite3.Error) -> StoreError:
    """The StoreError that says what `error` means."""
    if isinstance(error, exc.TimeoutError):
        return StoreBusy("no free database connection")
    original = error.orig if isinstance(error, exc.DBAPIError) else error
    if isinstance(original, sqlite3.Error):
        return _from_sqlite(original)
    state = getattr(original, "sqlstate", None) or ""
    message = getattr(getattr(original, "diag", None), "message_primary", None) or type(original).__name__
    if was_cut(error):
        return StoreBusy(f"the database connection was lost: {message}")
    return _kind(_POSTGRES, state)(f"{state} {message}".strip())


def was_cut(error: exc.SQLAlchemyError | sqlite3.Error) -> bool:
    """Whether the connection broke, so that the fate of a commit is unknown (PostgreSQL gone or not reachable)."""
    if not isinstance(error, exc.DBAPIError) or isinstance(error.orig, sqlite3.Error):
        return False
    no_state = isinstance(error, exc.OperationalError) and not getattr(error.orig, "sqlstate", None)
    return bool(error.connection_invalidated) or no_state


def _from_sqlite(error: sqlite3.Error) -> StoreError:
    name = getattr(error, "sqlite_errorname", None) or ""
    return _kind(_SQLITE, name)(f"{name} {error}".strip())


def _kind(table: tuple[tuple[tuple[str, ...], type[StoreError]], ...], code: str) -> type[StoreError]:
    return next((kind for starts, kind in table if code.startswith(starts)), StoreError)
