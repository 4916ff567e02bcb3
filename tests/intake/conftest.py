"""`taken`: bytes and a name in, an attachment out, as an upload goes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lib.attachments import Attachment
from lib.intake import Limits, take_in

Taken = Callable[..., Attachment]


@pytest.fixture
def taken(tmp_path: Path) -> Taken:
    def take(data: bytes, name: str = "file", limits: Limits | None = None) -> Attachment:
        given, folder = tmp_path / "upload.tmp", tmp_path / "work"
        given.write_bytes(data)
        attachment = take_in(given, name, folder=folder, limits=limits)
        assert list(folder.glob("*")) == [], "something was left behind"
        return attachment

    return take
