"""What Parlour itself does with files, while the file system fails at the n-th call, for every n and every way."""

from __future__ import annotations

import errno
import random
import shutil
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from lib.attachments import Attachment
from lib.errors import NotFound, ParlourError, SettingsError, StoreUnwritable
from lib.generation.attaching import Attaching
from lib.keys import KeyBox
from lib.secret import Secret
from lib.store import Store, open_store
from lib.store.migrations import STEPS, Step
from lib.ui.notices import notice_for
from lib.ui.transfer_files import all_file
from tests.disks.ill import IllDisk
from tests.store.acts import answered

WAYS = (errno.ENOSPC, errno.EIO, errno.EMFILE, errno.EROFS)
PLACE: dict[str, Any] = {"owner": 1, "gateway": "g1", "origin": "https://gw.example:443"}
Act = Callable[[Path], object]


def first_key(folder: Path) -> None:
    sealed = KeyBox(folder).seal(Secret("sk-canary-canary"), **PLACE)
    assert len((folder / "parlour.key").read_bytes()) == 32
    assert KeyBox(folder).open(*sealed, **PLACE).reveal() == "sk-canary-canary"


def first_start(folder: Path) -> None:
    with closing(open_store("", folder)) as store:
        answered(store, "the first")


def later_start(folder: Path) -> None:
    with closing(open_store("", folder)) as store:
        assert "kept" in titles(store)


def start_with_a_migration(folder: Path) -> None:
    new = Step(STEPS[-1].number + 1, "later", lambda connection: None)
    with closing(open_store("", folder, steps=(*STEPS, new))) as store:
        assert "kept" in titles(store)
    assert list((folder / "backups").glob("before-migration-*.db"))


def backup(folder: Path) -> None:
    with closing(open_store("", folder)) as store:
        store.backup(folder / "copies" / "mine.db")
    with closing(open_store(str(folder / "copies" / "mine.db"), folder)) as copy:
        assert "kept" in titles(copy)


class _Desk:
    """As far as attaching knows a desk: there are no temporary chats."""

    def parts_of(self, public_id: str) -> Any:
        raise NotFound("message")


def attachment(folder: Path) -> None:
    with closing(open_store("", folder)) as store:
        files = Attaching(store, _Desk(), store.owner(), folder, most_bytes=1_000_000)  # type: ignore[arg-type]
        before = len(files.list("new"))
        try:
            files.attach_bytes("new", "note.txt", b"words of a file")
        except ParlourError:
            assert len(files.list("new")) == before, "refused, and taken all the same"
            raise
        finally:
            left = [path.name for path in files.incoming.iterdir()]
        taken: Attachment = files.list("new")[-1]
        assert taken.problem is not None or taken.parts
        assert taken.problem is None or taken.problem == "damaged"
        assert len(left) <= 1


def export(folder: Path) -> None:
    class Services:
        zone = "UTC"

        def __init__(self, store: Store) -> None:
            self.store, self.owner = store, store.owner()

    with closing(open_store("", folder)) as store:
        assert all_file(Services(store), "json")[:2] == b"PK"  # type: ignore[arg-type]


def titles(store: Store) -> list[str]:
    return [one.title for one in store.conversations.list(store.owner())]


EMPTY: dict[str, Act] = {"first key": first_key, "first start": first_start}
FULL: dict[str, Act] = {
    "later start": later_start,
    "start with a migration": start_with_a_migration,
    "backup": backup,
    "attachment": attachment,
    "export": export,
}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("filled")
    with closing(open_store("", folder)) as store:
        answered(store, "kept")
    (folder / "parlour.db.lock").unlink()
    return folder


@pytest.mark.parametrize("name", [*EMPTY, *FULL])
def test_whatever_file_call_fails_it_is_said_and_the_next_try_works(
    name: str,
    tmp_path: Path,
    filled: Path,
    monkeypatch: pytest.MonkeyPatch,
    count: Callable[[int, int], int],
    measured: Callable[[str], None],
) -> None:
    folder, act = tmp_path / "data", (EMPTY | FULL)[name]
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "data"))
    ill = IllDisk(monkeypatch, folder)

    def put() -> None:
        ill.strike(0, 0)
        shutil.rmtree(folder, ignore_errors=True)
        if name in FULL:
            shutil.copytree(filled, folder)

    put()
    ill.strike(0, 0)
    act(folder)
    points = [(at, way) for at in range(1, ill.calls + 1) for way in WAYS]
    tried = points if count(0, 1) else random.Random(name).sample(points, min(4, len(points)))
    refused = 0
    for at, way in tried:
        put()
        ill.strike(at, way)
        try:
            act(folder)
        except (StoreUnwritable, SettingsError) as error:
            assert ill.struck and notice_for(error).what
            refused += 1
        ill.strike(0, 0)
        act(folder)
        assert len(list(folder.glob("parlour.key.*"))) <= 1, "only what could not be taken away stays"
    measured(
        f"{name}: {len(tried)} failures of {len(points) // 4} file calls, {refused} refused with a sentence, 0 lost"
    )
