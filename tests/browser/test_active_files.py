"""A file that acts is only ever a download or a picture: opened by its address, nothing in it runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, Error
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lib.messages import FilePart, ImagePart, Part, VideoPart
from lib.store import open_store
from lib.web import middleware
from lib.web.headers import PASSIVE_TYPES
from tests.browser.conftest import Parlour, free_port
from tests.hostile.files import FILES, Active
from tests.hostile.watching import Reader, reading
from tests.store.acts import end, turn

pytestmark = pytest.mark.browser


def as_part(file: Active) -> Part:
    """As a defect elsewhere might have stored it: with the type it claims, and not one byte changed."""
    if file.media_type.startswith(("video/", "audio/")):
        return VideoPart(file.media_type, file.data, name=file.name)
    if file.media_type.startswith("text/"):
        return FilePart(file.name, file.data.decode("latin-1"), file.media_type)
    return ImagePart(file.media_type, file.data, name=file.name)


def opened(reader: Reader, address: str) -> None:
    try:
        reader.page.goto(address, wait_until="load")
        reader.page.mouse.click(20, 20)
    except Error as error:
        if "Download is starting" not in str(error) and "ERR_ABORTED" not in str(error):
            raise


def kinds(reader: Reader, home: str, paths: list[str]) -> dict[str, tuple[str, str, str]]:
    """(type, disposition, policy) of each address."""
    found = {}
    for path in paths:
        headers = reader.page.request.get(f"{home}{path}").headers
        found[path] = tuple(
            headers.get(name, "") for name in ("content-type", "content-disposition", "content-security-policy")
        )
    return found  # type: ignore[return-value]


def assert_passive(found: dict[str, tuple[str, str, str]]) -> None:
    for path, (kind, how, policy) in found.items():
        essence = kind.partition(";")[0].strip().lower()
        passive = essence in PASSIVE_TYPES or essence.startswith(("audio/", "video/"))
        assert passive or how.startswith("attachment"), (path, kind, how)
        assert policy.startswith("sandbox") and "allow-scripts" not in policy, (path, policy)


@pytest.mark.full
def test_a_stored_file_does_nothing(
    parlour: Callable[..., Parlour], tmp_path: Path, chromium: Browser, measured: Callable[[str], None]
) -> None:
    folder = tmp_path / "kept"
    folder.mkdir(mode=0o700)
    store = open_store("", folder)
    begun = store.answers.begin(
        store.owner(),
        turn(
            "look",
        ),
        epoch="x",
    )
    store.answers.finish(begun.answer_id, end(text="seen"))
    asked = turn("look at these")
    parts = tuple(as_part(file) for file in FILES)
    with_files = store.answers.begin(
        store.owner(), type(asked)(asked.key, asked.conversation, parts, asked.ref), epoch="x"
    )
    store.answers.finish(with_files.answer_id, end(text="seen"))
    store.close()
    app = parlour(PARLOUR_DATA_DIR=str(folder))
    paths = [f"/file/{with_files.user_message}/{n}" for n in range(len(FILES))]
    with reading(chromium, app.url) as reader:
        for path in paths:
            opened(reader, f"{app.url}{path}")
        found = kinds(reader, app.url, paths)
        reader.page.goto("about:blank")
        assert reader.seen.ran == [] and reader.seen.dialogs == []
    known = {path: facts for path, facts in found.items() if facts[2]}
    served = {path: facts for path, facts in known.items() if facts[2].startswith("sandbox")}
    assert_passive(served)
    assert len(served) >= 30
    measured(
        f"file route: {len(served)} of {len(FILES)} active files served, all passive or downloads, sandboxed, 0 scripts ran"
    )


@pytest.fixture
def media() -> Iterator[str]:
    """Streamlit's media route as it would be with the worst in it, behind our walls; and the same without."""

    def serve(request: Request) -> Response:
        file = FILES[int(request.path_params["n"])]
        return Response(file.data, headers={"content-type": " ".join(file.media_type.split())})

    behind = Starlette(middleware=middleware(), routes=[Route("/media/{n:int}", serve), Route("/bare/{n:int}", serve)])
    bare = Starlette(routes=[Route("/media/{n:int}", serve)])
    ports = []
    servers = []
    for app in (behind, bare):
        ports.append(free_port())
        server = uvicorn.Server(
            uvicorn.Config(app, host="127.0.0.1", port=ports[-1], log_level="critical", lifespan="off")
        )
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        servers.append((server, thread))
    while not all(server.started for server, _ in servers):
        time.sleep(0.01)
    yield f"http://127.0.0.1:{ports[0]} http://127.0.0.1:{ports[1]}"
    for server, thread in servers:
        server.should_exit = True
        thread.join(10)


@pytest.mark.full
def test_the_media_route_does_nothing(media: str, chromium: Browser, measured: Callable[[str], None]) -> None:
    home, bare = media.split()
    paths = [f"/media/{n}" for n in range(len(FILES))]
    with reading(chromium, home) as reader:
        for path in paths:
            opened(reader, f"{home}{path}")
        assert_passive(kinds(reader, home, paths))
        reader.page.goto("about:blank")
        assert reader.seen.ran == [] and reader.seen.dialogs == []
    with reading(chromium, bare) as careless:
        for path in paths:
            opened(careless, f"{bare}{path}")
        ran = set(careless.seen.ran)
    assert len(ran) >= 8
    measured(f"/media: {len(FILES)} active files opened, 0 scripts ran; without the walls {len(ran)} of them run")
