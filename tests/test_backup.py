"""`python -m lib.backup FILE` copies a database that is in use."""

from __future__ import annotations

from pathlib import Path

import pytest

from lib import backup
from lib.store import open_store


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    monkeypatch.setenv("PARLOUR_DATA_DIR", str(folder))
    monkeypatch.delenv("PARLOUR_DATABASE_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    return folder


def test_a_running_database_is_copied_whole(data_dir: Path, tmp_path: Path) -> None:
    store = open_store("", data_dir)
    store.conversations.create(store.owner(), title="Kept")
    assert backup.main([str(tmp_path / "copy" / "parlour.db")]) == 0
    store.close()
    copy = open_store("", tmp_path / "copy")
    assert [found.title for found in copy.conversations.list(copy.owner())] == ["Kept"]
    copy.close()


def test_without_a_database_it_says_so(data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert backup.main([str(tmp_path / "copy.db")]) == 1
    assert "no database" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["--help"]])
def test_anything_but_one_file_is_answered_with_the_usage(arguments: list[str]) -> None:
    assert backup.main(arguments) == 2


def test_a_postgresql_store_is_left_to_its_own_tool(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLOUR_DATABASE_URL", "postgresql://nobody@127.0.0.1/none")
    assert backup.main(["copy.db"]) == 2
