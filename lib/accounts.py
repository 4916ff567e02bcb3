"""Accounts from the command line: `python -m lib.accounts add|password|disable|enable|list [NAME]`.

The password is asked for without being shown, or read as one line from standard input when that is no terminal; it is
never an argument, which other users of the computer could see. A running Parlour takes part within a second.
"""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from msgspec import structs

from lib.errors import BadInput, ParlourError, StoreLocked
from lib.ids import now_ms
from lib.login.login import accepted
from lib.login.slips import Outcome, Slip, hand_over, perform
from lib.passwords import checked_name, hashed
from lib.settings import Settings, load
from lib.store import open_store

_WHY = {
    "bad_name": "A name is one line of 1 to 64 visible characters.",
    "name_taken": "There is an account of this name already.",
    "unknown_name": "There is no account of this name.",
    "password_short": "A password has 10 characters or more.",
    "password_long": "A password has 500 characters or fewer.",
    "password_simple": "This password is one that everybody tries first.",
    "password_name": "The password must not be the name.",
    "not_the_same": "The two passwords are not the same.",
    "no_password": "No password was given.",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status."""
    options = _parser().parse_args(arguments)
    try:
        slip = _slip(options.verb, options.name or "")
        outcome = _given(load(), structs.replace(slip, at_ms=now_ms()))
    except BadInput as error:
        return _refuse(error.reason)
    except ParlourError as error:
        return _refuse(error.message)
    if outcome.error:
        return _refuse(outcome.error)
    sys.stdout.write(_said(slip, outcome))
    return 0


def _slip(verb: str, name: str) -> Slip:
    """What is to be done, with the hash of a password that was asked for. Raises BadInput."""
    if verb == "list":
        return Slip("list")
    name = checked_name(name)
    kept = hashed(accepted(_password(), name)) if verb in ("add", "password") else ""
    return Slip(verb, name, kept)  # type: ignore[arg-type]  # argparse knows the verbs


def _password() -> str:
    if not sys.stdin.isatty():
        line = sys.stdin.readline().rstrip("\r\n")
        if not line:
            raise BadInput("no_password")
        return line
    password = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != password:
        raise BadInput("not_the_same")
    return password


def _given(settings: Settings, slip: Slip) -> Outcome:
    """Done here, or by the process that holds the data folder. Raises ParlourError."""
    try:
        store = open_store(settings.database_url or "", settings.data_dir, zone=settings.zone)
    except StoreLocked:
        return hand_over(settings.data_dir, slip)
    try:
        return perform(store.accounts, slip)
    finally:
        store.close()


def _said(slip: Slip, outcome: Outcome) -> str:
    if slip.verb == "list":
        return "".join(_line(line.name, line.enabled, line.created_ms) for line in outcome.accounts) or (
            "There is no account, so there is no login.\n"
        )
    if slip.verb == "add" and len(outcome.accounts) == 1:
        return f"{slip.name} owns the chats that are here. From now on Parlour asks who is there.\n"
    said = {
        "add": "may sign in, with chats of their own",
        "password": "has a new password and is signed out everywhere",
        "disable": "is signed out everywhere and may not sign in; what runs is stopped, nothing is deleted",
        "enable": "may sign in again",
    }
    return f"{slip.name} {said[slip.verb]}.\n"


def _line(name: str, enabled: bool, created_ms: int) -> str:
    since = datetime.fromtimestamp(created_ms / 1000, UTC).date().isoformat()
    return f"{name}\tsince {since}\t{'' if enabled else 'disabled'}\n"


def _refuse(why: str) -> int:
    sys.stderr.write(f"{_WHY.get(why, why)}\n")
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lib.accounts", description="Who may sign in to Parlour.")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="add|password|disable|enable|list")
    told = {
        "add": "a new account; the first one owns the chats that are here, and switches the login on",
        "password": "another password; every sign-in of the account ends",
        "disable": "not let in any more; nothing is deleted",
        "enable": "let in again",
        "list": "everybody",
    }
    for verb, help_text in told.items():
        command = verbs.add_parser(verb, help=help_text)
        if verb != "list":
            command.add_argument("name", metavar="NAME")
    parser.set_defaults(name="")
    return parser


if __name__ == "__main__":
    sys.exit(main())
