"""`python -m lib.accounts`: with nobody at home, and beside a running Parlour that holds the data folder."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from lib import accounts, passwords
from lib.bootstrap import Services
from lib.errors import StoreBusy
from lib.ids import now_ms
from lib.login.slips import FOLDER, Slip, hand_over, take_slips
from lib.settings import Settings
from lib.store import open_store

GOOD = "walnut kettle orchard"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PARLOUR_DATA_DIR", str(tmp_path / "data"))
    for name in ("PARLOUR_DATABASE_URL", "PARLOUR_TIMEZONE", "OPENAI_BASE_URL", "ANTHROPIC_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(passwords.hashed, "__defaults__", (passwords.Work(4, 1, 1),))
    return tmp_path / "data"


@pytest.fixture
def running(folder: Path) -> Iterator[Services]:
    made = Services(Settings(data_dir=folder, demo="off"))
    made.house.watch()
    yield made
    made.close()


def do(monkeypatch: pytest.MonkeyPatch, *arguments: str, typed: str = "") -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    return accounts.main(arguments)


def test_the_first_account_is_said_to_own_what_is_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    assert do(monkeypatch, "list") == 0
    assert capsys.readouterr().out == "There is no account, so there is no login.\n"
    assert do(monkeypatch, "add", "Anna", typed=f"{GOOD}\n") == 0
    assert "owns the chats that are here" in capsys.readouterr().out
    assert do(monkeypatch, "add", "Bernd", typed=f"{GOOD}\n") == 0
    assert capsys.readouterr().out == "Bernd may sign in, with chats of their own.\n"
    assert do(monkeypatch, "disable", "BERND") == 0
    capsys.readouterr()
    assert do(monkeypatch, "list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("\t")[0] for line in lines] == ["Anna", "Bernd"]
    assert [line.endswith("disabled") for line in lines] == [False, True]
    assert GOOD.encode() not in b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("arguments", "typed", "said"),
    [
        (("add", "Anna"), "", "No password was given."),
        (("add", "Anna"), "short\n", "10 characters or more"),
        (("add", "Anna"), "1234567890\n", "everybody tries first"),
        (("add", "An\tna"), f"{GOOD}\n", "one line of 1 to 64 visible characters"),
        (("password", "Nobody"), f"{GOOD}\n", "There is no account of this name."),
        (("disable", "Nobody"), "", "There is no account of this name."),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    arguments: tuple[str, ...],
    typed: str,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert do(monkeypatch, *arguments, typed=typed) == 1
    shown = capsys.readouterr()
    assert said in shown.err
    assert shown.out == ""


def test_a_password_is_never_an_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit):
        do(monkeypatch, "add", "Anna", GOOD)


def test_on_a_terminal_it_is_asked_for_twice_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []
    answers = iter([GOOD, GOOD + "x", GOOD, GOOD])

    def getpass(prompt: str) -> str:
        asked.append(prompt)
        return next(answers)

    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", terminal)
    monkeypatch.setattr("getpass.getpass", getpass)
    assert accounts.main(["add", "Anna"]) == 1
    assert "not the same" in capsys.readouterr().err
    assert accounts.main(["add", "Anna"]) == 0
    assert asked == ["Password: ", "Once more: "] * 2


def test_a_running_parlour_takes_part_within_seconds(
    running: Services, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    assert not running.house.login.on
    began = time.monotonic()
    assert do(monkeypatch, "add", "Anna", typed=f"{GOOD}\n") == 0
    assert running.house.login.on
    assert time.monotonic() - began < 5
    assert do(monkeypatch, "add", "anna", typed=f"{GOOD}\n") == 1
    assert "already" in capsys.readouterr().err
    assert do(monkeypatch, "disable", "Anna") == 0
    assert running.house.login.disabled_owners() == {running.owner}
    assert do(monkeypatch, "list") == 0
    assert "disabled" in capsys.readouterr().out
    assert list((folder / FOLDER).iterdir()) == []


def test_a_process_that_does_not_answer_is_not_waited_for_and_does_nothing_later(folder: Path) -> None:
    store = open_store("", folder)
    with pytest.raises(StoreBusy):
        hand_over(folder, Slip("add", "Anna", "hash", now_ms()), patience_s=0.3)
    assert take_slips(folder, store.accounts) == 0
    assert store.accounts.directory(0).accounts == ()
    store.close()


def test_what_was_given_up_in_the_last_moment_is_not_done(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, place = open_store("", folder), folder / FOLDER
    place.mkdir()
    slip = place / "a.slip"
    slip.write_bytes(msgspec.json.encode(Slip("add", "Anna", "hash", now_ms())))
    read = Path.read_bytes

    def read_and_given_up(path: Path) -> bytes:
        found = read(path)
        path.unlink()
        return found

    monkeypatch.setattr(Path, "read_bytes", read_and_given_up)
    assert take_slips(folder, store.accounts) == 0
    assert store.accounts.directory(0).accounts == ()
    store.close()


def test_what_was_done_counts_also_when_it_cannot_be_answered(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, place = open_store("", folder), folder / FOLDER
    place.mkdir()
    (place / "a.slip").write_bytes(msgspec.json.encode(Slip("add", "Anna", "hash", now_ms())))

    def full(path: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    assert take_slips(folder, store.accounts) == 1
    assert [each.name for each in store.accounts.directory(0).accounts] == ["Anna"]
    store.close()


def test_an_old_slip_or_what_is_none_does_nothing(folder: Path) -> None:
    store = open_store("", folder)
    place = folder / FOLDER
    place.mkdir()
    old = Slip("add", "Anna", "hash", now_ms() - 120_000)
    (place / "a.slip").write_bytes(msgspec.json.encode(old))
    (place / "b.slip").write_bytes(b"\x00{")
    (place / "c.slip").write_bytes(b"x" * 100_000)
    (place / "d.slip").symlink_to(folder / "parlour.key")
    (place / "e.slip").write_bytes(b'{"verb": "drop", "name": "Anna"}')
    (place / "f.slip").write_bytes(b'{"verb": "list", "more": ' + b"[" * 4000)
    assert take_slips(folder, store.accounts) == 0
    assert list(place.glob("*.slip")) == []
    assert store.accounts.directory(0).accounts == ()
    store.close()


def test_slips_can_be_read_by_this_user_only(folder: Path) -> None:
    store = open_store("", folder)
    seen: list[int] = []

    def look() -> None:
        until = time.monotonic() + 5
        while not seen and time.monotonic() < until:
            seen.extend(path.stat().st_mode & 0o777 for path in (folder / FOLDER).glob("*.slip"))

    looking = threading.Thread(target=look)
    looking.start()
    with pytest.raises(StoreBusy):
        hand_over(folder, Slip("list", at_ms=now_ms()), patience_s=0.5)
    looking.join()
    assert set(seen) == {0o600}
    assert (folder / FOLDER).stat().st_mode & 0o777 == 0o700
    store.close()
