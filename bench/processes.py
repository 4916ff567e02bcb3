"""The processes of a measurement: the upstream, the app, and the CPU time that a process tree has used."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
_NOT_INHERITED = re.compile(r"(OPENAI|ANTHROPIC|PARLOUR|STREAMLIT)_|(HTTPS?|ALL)_PROXY$", re.IGNORECASE)
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


class Upstream:
    """A running `bench.upstream`."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def seen(self, name: str) -> dict[str, float]:
        """What happened to the request `id=name`, in seconds of `time.time()`."""
        with urllib.request.urlopen(f"{self.url}/seen/{name}", timeout=5) as answer:
            found: dict[str, float] = json.load(answer)
        return found

    def all_seen(self) -> dict[str, dict[str, float]]:
        """The same of every request so far, by its name."""
        with urllib.request.urlopen(f"{self.url}/seen", timeout=30) as answer:
            found: dict[str, dict[str, float]] = json.load(answer)
        return found

    def wait_for(self, name: str, moment: str, timeout_s: float = 30.0) -> float:
        """The time of `moment`, once it has come. Raises TimeoutError."""
        ends_at = time.monotonic() + timeout_s
        while moment not in (found := self.seen(name)):
            if time.monotonic() > ends_at:
                raise TimeoutError(f"{name}: no {moment} in {found}")
            time.sleep(0.02)
        return found[moment]


@contextmanager
def running_upstream() -> Iterator[Upstream]:
    """An upstream of its own, in its own process."""
    port = _free_port()
    with _running([sys.executable, "-m", "bench.upstream", str(port)], {}, None) as process:
        upstream = Upstream(port)
        _wait_until_well(f"{upstream.url}/v1/models", process)
        yield upstream


@contextmanager
def running_app(folder: Path, upstream: Upstream, *options: str) -> Iterator[tuple[str, int]]:
    """The app with an empty data folder and the upstream as its gateway: its address and its process id.

    `options` are further ones of `streamlit run`.
    """
    port = _free_port()
    env = {
        "HOME": str(folder),
        "PARLOUR_DATA_DIR": str(folder / "data"),
        "OPENAI_BASE_URL": upstream.url,
        "OPENAI_API_KEY": "sk-bench-0123456789abcdef",
    }
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"), "--server.port", str(port), *options]
    with (folder / "app.log").open("wb") as log, _running(command, env, log) as process:
        url = f"http://127.0.0.1:{port}"
        _wait_until_well(f"{url}/healthz", process)
        yield url, process.pid


@contextmanager
def _running(command: list[str], env: Mapping[str, str], output: Any) -> Iterator[subprocess.Popen[bytes]]:
    inherited = {name: value for name, value in os.environ.items() if not _NOT_INHERITED.match(name)}
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**inherited, **env},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    for how in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(process.pid, how)
            process.wait(15)


def _wait_until_well(url: str, process: subprocess.Popen[bytes], timeout_s: float = 60.0) -> None:
    ends_at = time.monotonic() + timeout_s
    while time.monotonic() < ends_at and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise TimeoutError(url)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def cpu_of_tree(pid: int) -> float:
    """Seconds of user and system time that a process and all its descendants have used (proc(5): fields 14, 15)."""
    stats = [_stat(Path(entry)) for entry in Path("/proc").glob("[0-9]*")]
    parents = {found[0]: found[1] for found in stats if found}
    return sum(found[2] for found in stats if found and _is_within(found[0], pid, parents))


def _stat(entry: Path) -> tuple[int, int, float] | None:
    """(pid, parent, seconds); None when the process is gone."""
    try:
        fields = (entry / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return int(entry.name), int(fields[1]), (int(fields[11]) + int(fields[12])) * _TICK_S


def _is_within(pid: int, root: int, parents: Mapping[int, int]) -> bool:
    while pid not in (root, 0, 1):
        pid = parents.get(pid, 0)
    return pid == root
