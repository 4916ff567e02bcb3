"""Changes of accounts from the command line. While a server holds the SQLite file, it is handed slips of paper.

One process writes the file, so the command line puts a slip into a folder of the data folder, and the server does what
it says and answers beside it. Whoever can write there can read the database and its key anyway. A slip holds the hash
of a password at most, and is not believed for long.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from lib.errors import BadInput, NotFound, ParlourError, StoreBusy, StoreUnwritable
from lib.ids import now_ms
from lib.passwords import checked_name, folded
from lib.store.accounts import Accounts

FOLDER = "accounts"
_BELIEVED_MS = 60_000
_LOOK_S, _PATIENCE_S = 0.1, 20.0
_MOST_BYTES = 4096
Verb = Literal["add", "password", "disable", "enable", "list"]


class Slip(Struct, frozen=True):
    """What is to be done to which account; `password` is a hash."""

    verb: Verb
    name: str = ""
    password: str = ""
    at_ms: int = 0


class Line(Struct, frozen=True):
    """One account of a list."""

    name: str
    enabled: bool
    created_ms: int


class Outcome(Struct, frozen=True):
    """What came of it: `error` is the reason or the kind of a failure, `accounts` everybody afterwards."""

    error: str = ""
    accounts: tuple[Line, ...] = ()


def perform(accounts: Accounts, slip: Slip) -> Outcome:
    """Do what a slip says."""
    try:
        _do(accounts, slip)
        everybody = accounts.directory(now_ms()).accounts
    except BadInput as error:
        return Outcome(error.reason)
    except NotFound:
        return Outcome("unknown_name")
    except ParlourError as error:
        return Outcome(type(error).__name__)
    return Outcome(accounts=tuple(Line(each.name, each.enabled, each.created_ms) for each in everybody))


def _do(accounts: Accounts, slip: Slip) -> None:
    if slip.verb == "list":
        return
    if slip.verb == "add":
        name = checked_name(slip.name)
        accounts.add(name, folded(name), slip.password)
        return
    found = accounts.secret(folded(slip.name))
    if found is None:
        raise NotFound("account")
    if slip.verb == "password":
        accounts.set_password(found[0].id, slip.password)
    else:
        accounts.set_enabled(found[0].id, slip.verb == "enable")


def hand_over(data_dir: Path, slip: Slip, patience_s: float = _PATIENCE_S) -> Outcome:
    """Give a slip to the process that holds the data folder, and wait for what comes of it.

    Raises StoreBusy when it does not answer in time (nothing is done later either), StoreUnwritable.
    """
    folder, name = data_dir / FOLDER, secrets.token_hex(8)
    mine, answer = folder / f"{name}.slip", folder / f"{name}.done"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        _put(mine, msgspec.json.encode(slip))
        return _awaited(answer, time.monotonic() + patience_s)
    except OSError as error:
        raise StoreUnwritable(f"cannot write into the data folder: {error.strerror}") from error
    finally:
        for left in (mine, answer):
            with contextlib.suppress(OSError):
                left.unlink(missing_ok=True)


def _awaited(answer: Path, until: float) -> Outcome:
    while time.monotonic() < until:
        if answer.exists():
            return msgspec.json.decode(answer.read_bytes(), type=Outcome)
        time.sleep(_LOOK_S)
    raise StoreBusy("the process that holds the data folder did not answer")


def take_slips(data_dir: Path, accounts: Accounts) -> int:
    """Do what lies there, and answer; how many. Called by the process that holds the data folder, often."""
    done = 0
    try:
        found = sorted((data_dir / FOLDER).glob("*.slip"))
    except OSError:
        return 0
    for path in found:
        with contextlib.suppress(OSError):
            slip = _taken(path)
            if slip is not None:
                outcome = perform(accounts, slip)
                done += 1  # also when it cannot be answered
                _put(path.with_suffix(".done"), msgspec.json.encode(outcome))
    return done


def _taken(path: Path) -> Slip | None:
    """What is to be done; None for what is no slip, or was put there too long ago. The file is gone then.

    Raises OSError when whoever put it there has given up and taken it away: then it must not be done.
    """
    is_odd = path.is_symlink() or path.stat().st_size > _MOST_BYTES
    data = b"" if is_odd else path.read_bytes()
    path.unlink()
    try:
        slip = msgspec.json.decode(data, type=Slip)
    except (msgspec.DecodeError, RecursionError):
        return None
    return slip if abs(now_ms() - slip.at_ms) < _BELIEVED_MS else None


def _put(path: Path, data: bytes) -> None:
    """Whole or not at all, readable by this user only."""
    draft = path.with_suffix(".part")
    draft.touch(0o600)
    draft.write_bytes(data)
    draft.replace(path)
