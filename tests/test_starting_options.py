"""The fourteen settings that protect the user, in force in real processes under each way of starting Parlour.

Each is what it should be, or the start says so, or it ends. Secrets that are none end it.
"""

from __future__ import annotations

import json
import re
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.browser.steps import eventually
from tests.test_starting import CANARY, EVERYWHERE, ROOT, STREAMLIT, UVICORN, Started, make_run, started

WITNESS = ROOT / "tests/canary/witness"
QUIET_UVICORN = [*UVICORN, "--no-access-log"]
IN_FORCE: dict[str, Callable[[Any], bool]] = {
    "client.showErrorDetails": lambda value: value == "none",
    "client.showErrorLinks": lambda value: value is False,
    "browser.gatherUsageStats": lambda value: value is False,
    "server.enableCORS": lambda value: value is True,
    "server.enableXsrfProtection": lambda value: value is True,
    "client.allowedOrigins": lambda value: not value,
    "server.enableStaticServing": lambda value: value is False,
    "server.enableAgentApi": lambda value: value is False,
    "server.maxUploadSize": lambda value: value <= 100,
    "client.toolbarMode": lambda value: value in ("minimal", "viewer"),
    "server.cookieSecret": lambda length: length >= 32,
    "server.fileWatcherType and server.runOnSave": lambda values: values == ["none", False],
    "the address": lambda status: status == 200,
    "the host names": lambda status: status == 400,
}
ASKED = [option for name in IN_FORCE if "." in name for option in name.split(" and ")]
ELSEWHERE = "streamlit run, from another folder"
RUNNERS = {
    "streamlit run": STREAMLIT,
    "uvicorn": QUIET_UVICORN,
    "make run": [],
    ELSEWHERE: [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"), "--server.port", "PORT"],
}


def witnessed(folder: Path, command: list[str], cwd: Path, **env: str) -> tuple[dict[str, Any], str]:
    """What was in force while it ran, and its log."""
    file = folder / "witness.json"
    watching = {"PYTHONPATH": str(WITNESS), "WITNESS_FILE": str(file), "WITNESS_OPTIONS": ",".join(ASKED)}
    with started(folder, command, cwd=cwd, **watching, **env) as parlour:
        parlour.wait_until_well()
        by_name = {"the address": parlour.ask()[0], "the host names": status_for_host(parlour, "evil.example")}
        parlour.process.send_signal(signal.SIGUSR1)
        eventually(file.exists, True)
        told = json.loads(file.read_text())
        pair = [told.pop("server.fileWatcherType"), told.pop("server.runOnSave")]
        return {**told, **by_name, "server.fileWatcherType and server.runOnSave": pair}, parlour.log


def status_for_host(parlour: Started, host: str) -> int:
    request = urllib.request.Request(f"http://127.0.0.1:{parlour.port}/", headers={"host": host})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_the_fourteen_settings_are_in_force_or_the_start_says_so(
    tmp_path: Path, count: Callable[[int, int], int], measured: Callable[[str], None]
) -> None:
    """`make run` is what `streamlit run` is; a daily run leaves it to the test that compares their commands."""
    told = []
    for runner in list(RUNNERS)[: count(2, 4)]:
        folder = tmp_path / runner
        folder.mkdir()
        found, log = witnessed(folder, RUNNERS[runner] or make_run(), folder if runner == ELSEWHERE else ROOT)
        assert set(found) == set(IN_FORCE)
        good = [name for name, fits in IN_FORCE.items() if fits(found[name])]
        off = sorted(set(IN_FORCE) - set(good))
        assert [name for name in off if not all(option in log for option in name.split(" and "))] == [], runner
        assert runner == ELSEWHERE or off == [], runner
        told.append(f"{runner}: {len(good)} of 14 in force" + (f", {len(off)} named at the start" if off else ""))
    measured("; ".join(told))


ONLY_NOTED = {"server.maxUploadSize", "server.fileWatcherType and server.runOnSave"}
"""Said on the settings page, in the part about safety."""
TURNED_OFF = {
    "STREAMLIT_CLIENT_SHOW_ERROR_DETAILS": "full",
    "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "true",
    "STREAMLIT_SERVER_ENABLE_CORS": "false",
    "STREAMLIT_SERVER_ENABLE_XSRF_PROTECTION": "false",
    "STREAMLIT_SERVER_ENABLE_STATIC_SERVING": "true",
    "STREAMLIT_SERVER_MAX_UPLOAD_SIZE": "4000",
    "STREAMLIT_SERVER_FILE_WATCHER_TYPE": "poll",
    "STREAMLIT_CLIENT_TOOLBAR_MODE": "developer",
}


def test_a_wall_that_the_environment_takes_down_is_named_or_stays_up(
    tmp_path: Path, count: Callable[[int, int], int]
) -> None:
    for runner in list(RUNNERS)[: count(1, 2)]:
        folder = tmp_path / runner
        folder.mkdir()
        found, log = witnessed(folder, RUNNERS[runner], ROOT, **TURNED_OFF)
        for name, fits in IN_FORCE.items():
            assert fits(found[name]) or name.partition(" and ")[0] in log or name in ONLY_NOTED, (runner, name)


SECRETS = {
    "a sample that signs cookies": ({"STREAMLIT_SERVER_COOKIE_SECRET": "your-secret-here"}, [], "signs cookies"),
    "a short one that signs cookies": ({"STREAMLIT_SERVER_COOKIE_SECRET": "q9Zx7Lw2"}, [], "signs cookies"),
    "a sample for the database": (
        {"PARLOUR_DATABASE_URL": "postgresql://parlour:changeme@db.example/parlour"},
        [],
        "The password of the database",
    ),
    "a sample for a gateway, open to others": (
        {"OPENAI_BASE_URL": "https://gw.example", "OPENAI_API_KEY": "sk-your-key-here", "PARLOUR_ALLOW_PUBLIC": "yes",
         "PARLOUR_ALLOWED_HOSTS": "chat.example"},
        ["--server.address", EVERYWHERE],
        "The key of the gateway gw.example",
    ),
    "a key on two lines": (
        {"OPENAI_BASE_URL": "https://gw.example", "OPENAI_API_KEY": f"{CANARY}\n{CANARY}"}, [], "OPENAI_API_KEY",
    ),
    "a key that is not ASCII": (
        {"OPENAI_BASE_URL": "https://gw.example", "OPENAI_API_KEY": f"{CANARY}-ключ"}, [], "OPENAI_API_KEY",
    ),
}  # fmt: skip


def test_a_secret_that_is_none_ends_the_start_without_being_repeated(
    tmp_path: Path, count: Callable[[int, int], int], measured: Callable[[str], None]
) -> None:
    starts = 0
    for secret, (env, more, words) in list(SECRETS.items())[:: count(2, 1)]:
        for command in [STREAMLIT, QUIET_UVICORN][: 1 if more else count(1, 2)]:
            folder = tmp_path / str(starts := starts + 1)
            folder.mkdir()
            with started(folder, [*command, *more], **env) as parlour:
                assert parlour.status() == 2, secret
                [line] = [line for line in parlour.log.splitlines() if "Not started: " in line]
                assert words in line, secret
                assert not re.search("CANARY|changeme|your-secret-here|q9Zx7Lw2|sk-your-key|Traceback", parlour.log), (
                    secret
                )
            assert not (folder / "data").exists(), secret
    measured(
        f"{starts} starts with secrets that are examples, short or unusable: all refused, none repeated in the log"
    )
