"""The route that shows files: to their owner, never as a page of our own, and in ranges for a video."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette

from lib.errors import NotFound, StoreBusy
from lib.web import middleware
from lib.web.files import SHOWN, file_routes
from tests.web.knocking import Answer, get

CLIP = bytes(range(256)) * 4096


@dataclass
class Kept:
    media_type: str = "video/mp4"
    name: str = "clip.mp4"
    data: bytes = CLIP
    temporary: bool = False

    @property
    def size(self) -> int:
        return len(self.data)

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    def read(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]


def ask(file: Kept, path: str = "/file/id/0", method: str = "GET", **headers: str) -> Answer:
    def find(public_id: str, part: int | Literal["thumb"]) -> Kept:
        if public_id == "busy":
            raise StoreBusy("no")
        if public_id != "id" or part not in (0, "thumb"):
            raise NotFound("file")
        return file

    app = Starlette(middleware=middleware(), routes=file_routes(find))
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return get(app, path, method=method, **named)


def test_a_whole_file_comes_with_headers_that_let_it_do_nothing() -> None:
    answer = ask(Kept())
    assert (answer.status, answer.body) == (200, CLIP)
    assert answer.header("content-type") == "video/mp4"
    assert answer.header("content-length") == str(len(CLIP))
    assert answer.header("x-content-type-options") == "nosniff"
    policy = answer.header("content-security-policy")
    assert "default-src 'none'" in policy
    assert policy.startswith("sandbox;")
    assert answer.header("cross-origin-resource-policy") == "same-origin"
    assert "private" in answer.header("cache-control")
    assert answer.header("accept-ranges") == "bytes"


def test_a_browser_keeps_nothing_of_a_temporary_chat() -> None:
    assert ask(Kept(temporary=True)).header("cache-control") == "no-store"
    assert ask(Kept(temporary=True), range="bytes=0-5").header("cache-control") == "no-store"


def test_a_head_says_the_same_without_the_bytes() -> None:
    answer = ask(Kept(), method="HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.header("content-length") == str(len(CLIP))


@pytest.mark.parametrize(
    ("wanted", "start", "end"),
    [("bytes=0-0", 0, 1), ("bytes=10-19", 10, 20), ("bytes=1048570-", 1_048_570, len(CLIP)),
     ("bytes=-6", len(CLIP) - 6, len(CLIP)), ("bytes=5-99999999", 5, len(CLIP)), ("bytes=-99999999", 0, len(CLIP))],
)  # fmt: skip
def test_one_range_is_served(wanted: str, start: int, end: int) -> None:
    answer = ask(Kept(), range=wanted)
    assert (answer.status, answer.body) == (206, CLIP[start:end])
    assert answer.header("content-range") == f"bytes {start}-{end - 1}/{len(CLIP)}"
    assert answer.header("content-length") == str(end - start)


@pytest.mark.parametrize("wanted", ["bytes=1048576-", "bytes=99999999999999999999-", "bytes=-0"])
def test_a_range_beyond_the_end_is_refused_with_the_size(wanted: str) -> None:
    answer = ask(Kept(), range=wanted)
    assert (answer.status, answer.body) == (416, b"")
    assert answer.header("content-range") == f"bytes */{len(CLIP)}"


@pytest.mark.parametrize("wanted", ["bytes=0-1,5-6", "bytes=-", "bytes=9-3", "lines=1-2", "bytes=a-b", "bytes= 1-2"])
def test_what_is_not_one_range_is_ignored(wanted: str) -> None:
    answer = ask(Kept(), range=wanted)
    assert (answer.status, answer.body) == (200, CLIP)


def test_what_the_browser_has_is_not_sent_again() -> None:
    etag = ask(Kept()).header("etag")
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        answer = ask(Kept(), if_none_match=known)
        assert (answer.status, answer.body) == (304, b"")
    assert ask(Kept(), if_none_match='"other"').status == 200


def test_a_range_of_what_has_changed_is_the_whole() -> None:
    etag = ask(Kept()).header("etag")
    assert ask(Kept(), range="bytes=0-1", if_range=etag).status == 206
    assert ask(Kept(), range="bytes=0-1", if_range='"old"').status == 200


@pytest.mark.parametrize(
    "kind", ["text/html", "image/svg+xml", "application/pdf", "text/plain", "application/xhtml+xml", "video/quicktime"]
)
def test_all_but_harmless_types_are_downloads(kind: str) -> None:
    answer = ask(Kept(kind, "a.html", b"<script>alert(1)</script>"))
    assert answer.header("content-type") == "application/octet-stream"
    assert answer.header("content-disposition").startswith("attachment;")


@pytest.mark.parametrize("kind", sorted(SHOWN))
def test_harmless_types_are_shown_in_place(kind: str) -> None:
    answer = ask(Kept(kind))
    assert answer.header("content-type") == kind
    assert answer.header("content-disposition").startswith("inline;")


@pytest.mark.parametrize(
    "path",
    ["/file/other/0", "/file/id/1", "/file/id/-1", "/file/id/1e1", "/file/id/٣", "/file/id/99999", "/file/id/x"],
)
def test_what_is_not_there_and_what_is_not_yours_are_one_answer(path: str) -> None:
    answer = ask(Kept(), path)
    assert (answer.status, answer.body) == (404, b"not found")
    assert answer.header("cache-control") == "no-store"


def test_a_busy_database_is_said() -> None:
    assert ask(Kept(), "/file/busy/0").status == 503


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80))
def test_no_name_can_break_out_of_the_header(name: str) -> None:
    told = ask(Kept("text/plain", name, b"x")).header("content-disposition")
    simple = told.split('filename="')[1].split('"')[0]
    assert told.count('"') == 2
    assert told.isprintable()
    assert told.isascii()
    assert not set(simple) & set('/\\";\r\n')
    encoded = told.split("filename*=UTF-8''")[1]
    assert not set(unquote(encoded)) & set("/\\")
