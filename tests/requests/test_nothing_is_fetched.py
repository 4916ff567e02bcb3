"""Whatever address stands in an answer, a list, a file, an import or a request: the app never goes there.

The only addresses it ever opens are those of the gateways that its owner entered, with a key that is bound to that
origin, and without following redirects.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import io
import json
import socket
import sqlite3
import threading
import zipfile
from collections.abc import Callable, Iterator
from itertools import count as numbers
from pathlib import Path
from urllib.parse import quote, urljoin

import pytest
from msgspec import structs

from bench.visitor import Visitor
from lib.bootstrap import Services
from lib.errors import SettingsError
from lib.messages import ImagePart, TextPart, VideoPart
from lib.settings import Settings, clean_base_url, origin_of
from lib.sheets import sheet_of
from lib.transfer.as_markdown import to_markdown
from lib.transfer.as_page import to_page
from lib.transfer.document import ConversationCopy, Found
from lib.transfer.reading import read_import
from lib.web.login_form import own_path
from tests.browser.conftest import ROOT, Parlour
from tests.gateway.asking import DIALECT_NAMES, ask_once
from tests.gateway.raw_server import Line, RawServer, Request, answers, streams
from tests.intake import made
from tests.requests.conftest import Place
from tests.requests.raw import ask, request
from tests.requests.urls import FORMS, forms, overheard

EXPORTS = sorted((ROOT / "tests/transfer/fixtures").glob("*.json"))
KEY = "sk-mine-0123456789abcdef"


class Trap:
    """A listener on all addresses of this machine, that counts who comes."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("", 0), family=socket.AF_INET6, dualstack_ipv6=True)
        self.port = int(self._socket.getsockname()[1])
        self.caught = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self._socket.accept()[0].close()
                self.caught += 1

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(scope="module")
def trap() -> Iterator[Trap]:
    trap = Trap()
    yield trap
    assert trap.caught == 0
    trap.close()


# --- the running app ----------------------------------------------------------------------------------------------------


def told(urls: list[str]) -> Callable[[Line, Request], None]:
    """A gateway that names these addresses wherever an answer or a list has room for one."""

    def behave(line: Line, asked: Request) -> None:
        if asked.method == "GET":
            listed = [{"id": url[:60], "url": url, "endpoint": url, "icon": url, "base_url": url} for url in urls]
            body = {"object": "list", "data": [{"id": "gpt-5.4"}, *listed], "next": urls[0], "redirect": urls[0]}
            answers(200, json.dumps(body), link=f"<{urls[0]}>; rel=next", refresh=f"0; url={urls[0]}")(line, asked)
            return
        streams(*(_event(delta) for delta in deltas(urls)), b"data: [DONE]\n\n")(line, asked)

    return behave


def _event(delta: dict[str, object], finish: str | None = None) -> bytes:
    return (
        b"data: " + json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}).encode() + b"\n\n"
    )


def deltas(urls: list[str]) -> Iterator[dict[str, object]]:
    """Pieces of an answer: as words, and in every field in which gateways have put an address."""
    for url in urls:
        yield {"content": f"![a]({url}) <img src='{url}'> [b]({url}) {url}\n\n![c][r]\n\n[r]: {url}\n\n"}
        yield {"images": [{"type": "image_url", "image_url": {"url": url}}], "video": {"url": url}}
        yield {"content": [{"type": "image_url", "image_url": {"url": url}}, {"type": "video_url", "video_url": url}]}
        yield {"annotations": [{"type": "url_citation", "url_citation": {"url": url}}], "audio": {"url": url}}
        yield {"tool_calls": [{"index": 0, "function": {"name": "fetch", "arguments": json.dumps({"url": url})}}]}


@pytest.fixture(scope="module")
def tapped(tmp_path_factory: pytest.TempPathFactory, trap: Trap) -> Iterator[tuple[Place, Path]]:
    """A running app that writes down where it connects to, before a gateway that wants it to go elsewhere."""
    folder = tmp_path_factory.mktemp("tapped")
    with RawServer() as server:
        gateway = server.endpoint(told(forms(trap.port)))
        env = {
            "OPENAI_BASE_URL": gateway.base_url,
            "OPENAI_API_KEY": KEY,
            "PARLOUR_DEMO": "off",
            "PYTHONPATH": str(Path(__file__).parent / "overheard"),
            "OVERHEARD": str(folder / "overheard.txt"),
        }
        app = Parlour(folder, env, ROOT / "app.py")
        app.start()
        yield Place(app, gateway), folder / "overheard.txt"
        app.stop()


def went_elsewhere(place: Place, tape: Path) -> list[str]:
    port = place.gateway.base_url.split(":")[2].split("/")[0]
    return [line for line in tape.read_text().splitlines() if not _is_gateway(line, port)]


def _is_gateway(line: str, port: str) -> bool:
    return line in {f"socket.connect ('127.0.0.1', {port})", "socket.getaddrinfo 127.0.0.1"}


def test_no_answer_and_no_model_list_leads_the_app_elsewhere(
    tapped: tuple[Place, Path], trap: Trap, measured: Callable[[str], None]
) -> None:
    place, tape = tapped

    async def talk() -> None:
        async with Visitor(place.app.url) as page:
            await page.say("Tell me")
            await page.until_runs(1)
            query = f"chat={page.chat}"
        for page_name in ("", "settings", "prices", "usage", "chats"):
            async with Visitor(place.app.url, query, page=page_name) as page:
                await page.until_runs(0)
                assert page.errors == []

    asyncio.run(talk())
    assert place.gateway.posts == 1
    assert "socket.connect" in tape.read_text(), "the tap works"
    assert went_elsewhere(place, tape) == []
    assert trap.caught == 0
    measured(f"{len(FORMS)} forms of address in an answer's words and fields, and in a model list: 0 connects")


def test_no_route_leads_the_app_elsewhere(
    tapped: tuple[Place, Path], trap: Trap, count: Callable[[int, int], int], measured: Callable[[str], None]
) -> None:
    place, tape = tapped
    headers = [("Host", place.host), ("Connection", "close")]
    urls = [quote(form, safe="") for form in forms(trap.port)][:: count(6, 1)]
    for url in urls:
        for path in READ:
            reply = ask(place.port, request("GET", path.replace("{}", url), headers))
            assert reply.status in {200, 301, 308, 400, 404}, (path, url)
            assert reply.status not in {301, 308} or _stays_here(
                place, path.replace("{}", url), reply.header("location")
            ), (path, url)
        for path in WRITTEN:
            reply = ask(place.port, request("PUT", path.replace("{}", url), headers, url.encode()))
            assert reply.status in {201, 204, 308, 400, 404, 405, 409}, (path, url)
            assert reply.status != 308 or _stays_here(place, path.replace("{}", url), reply.header("location")), (
                path,
                url,
            )
    assert went_elsewhere(place, tape) == []
    assert trap.caught == 0
    asked = len(urls) * (len(READ) + len(WRITTEN))
    measured(f"{asked:,} requests with {len(urls)} forms of address in every place a route takes: 0 connects")


READ = (
    "/file/{}/0", "/answer/{}/text", "/share/{}", "/draft/{}", "/media/{}", "/?q={}&model={}&chat={}", "/{}", "/{}/",
    "/healthz?url={}",
)  # fmt: skip
WRITTEN = ("/attachments/{}?name=a", "/attachments/new?name={}", "/draft/{}")


def _stays_here(place: Place, path: str, location: str) -> bool:
    """Streamlit takes a slash from the end of a path; as a browser reads it, that must still be on this site."""
    here = f"http://{place.host}"
    return urljoin(here + path, location.replace("\\", "/").replace("\t", "")).startswith(f"{here}/")


def documents(url: str) -> Iterator[tuple[str, bytes]]:
    """Files in which programs put addresses that other programs then fetch."""
    link = f'<Relationship Id="rId9" Type="{made.RELATIONS}/image" Target="{{}}" TargetMode="External"/>'
    related = (
        f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{link}</Relationships>'
    )
    safe = url.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace("'", "&apos;")
    word = f'<?xml version="1.0"?><!DOCTYPE w [<!ENTITY e SYSTEM "{safe}">]><w:document {made.WORD_SPACE}><w:body><w:p><w:r><w:t>Some words here.</w:t></w:r></w:p></w:body></w:document>'
    yield (
        "a.docx",
        made.zipped(
            {
                "[Content_Types].xml": made.CONTENT_TYPES,
                "word/document.xml": word.replace(f'<!DOCTYPE w [<!ENTITY e SYSTEM "{safe}">]>', ""),
                "word/_rels/document.xml.rels": related.replace("{}", safe),
            }
        ),
    )
    yield "b.docx", made.zipped({"[Content_Types].xml": made.CONTENT_TYPES, "word/document.xml": word})
    book = made.xlsx()
    yield "c.xlsx", _with_entry(book, "xl/externalLinks/_rels/externalLink1.xml.rels", related.replace("{}", safe))
    svg = f"<svg xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink'><image xlink:href='{safe}' href='{safe}'/><style>@import url('{safe}');</style></svg>"
    yield "d.svg", svg.encode()
    yield "e.html", f"<img src='{safe}'><link rel=stylesheet href='{safe}'><iframe src='{safe}'></iframe>".encode()
    action = (
        b"<</Type/Action/S/URI/URI("
        + url.encode("utf-8", "replace").replace(b"\\", b"\\\\").replace(b")", b"\\)")
        + b")>>"
    )
    yield (
        "f.pdf",
        made.pdf([made.page_of_text(*[made.LONG_LINE] * 4)], {1005: action}).replace(
            b"/Type/Catalog", b"/Type/Catalog/OpenAction 1005 0 R"
        ),
    )
    yield "g.m3u8", f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{url}\n#EXT-X-ENDLIST\n".encode()
    yield "h.mp4", f"ffconcat version 1.0\nfile '{url}'\n".encode()
    yield (
        "i.rtf",
        (r"{\rtf1\ansi{\field{\*\fldinst INCLUDEPICTURE \"" + url + r"\"}}{\*\template " + url + "} words}").encode(),
    )


def _with_entry(data: bytes, name: str, content: str) -> bytes:
    buffer = io.BytesIO(data)
    with zipfile.ZipFile(buffer, "a") as book:
        book.writestr(name, content)
    return buffer.getvalue()


def test_no_file_leads_the_app_or_its_children_elsewhere(
    tapped: tuple[Place, Path], trap: Trap, count: Callable[[int, int], int], measured: Callable[[str], None]
) -> None:
    place, tape = tapped
    headers, statuses, number = [("Host", place.host), ("Connection", "close")], set[int](), numbers()
    for url in forms(trap.port)[: count(4, len(FORMS))]:
        _empty(place)
        for name, data in documents(url):
            put = request("PUT", f"/attachments/new?name={next(number)}-{name}", headers, data)
            statuses.add(ask(place.port, put, timeout=60).status)
    assert statuses == {201}
    assert went_elsewhere(place, tape) == []
    assert trap.caught == 0
    measured(f"{next(number)} documents with addresses in nine kinds of places: 0 connects of the app or its children")


def _empty(place: Place) -> None:
    """As if the user had removed what waits: an attachment waits for a message of a new chat."""
    with sqlite3.connect(place.app.data_dir / "parlour.db", timeout=10) as database:
        database.execute("DELETE FROM attachment")
    database.close()


# --- in this process ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("export", EXPORTS, ids=lambda path: path.stem)
def test_no_import_and_no_page_made_of_it_leads_elsewhere(
    export: Path, trap: Trap, measured: Callable[[str], None]
) -> None:
    urls = forms(trap.port)
    data = json.dumps(_spiked(json.loads(export.read_bytes()), urls, numbers())).encode()
    with overheard() as heard:
        found = [item.conversation for item in read_import(io.BytesIO(data)) if isinstance(item, Found)]
        papers = [to_page(_with_parts(chat, urls)) + to_markdown(_with_parts(chat, urls)) for chat in found]
    assert found
    assert heard == []
    assert not any(f'src="{url}' in paper for paper in papers for url in urls if not url.startswith("data:image/"))
    measured(
        f"{export.stem}: {len(urls)} forms of address in every field of an import and on the page made of it, 0 connects"
    )


def _spiked(value: object, urls: list[str], number: Iterator[int]) -> object:
    """An address in every text that is no name or kind, and in fields of its own."""
    if isinstance(value, dict):
        spiked = {key: _with_address(key, part, urls, number) for key, part in value.items()}
        url = urls[next(number) % len(urls)]
        return {"url": url, "image_url": {"url": url}, "asset_pointer": url, "src": url, **spiked}
    if isinstance(value, list):
        return [_spiked(part, urls, number) for part in value]
    return value


def _with_address(key: str, part: object, urls: list[str], number: Iterator[int]) -> object:
    url = urls[next(number) % len(urls)]
    if isinstance(part, str) and key in {"text", "content", "title", "name", "file_name", "extracted_content"}:
        return f"{part} ![x]({url}) <img src='{url}'>"
    if key == "parts" and isinstance(part, list):
        return [f"{one} ![x]({url})" if isinstance(one, str) else _spiked(one, urls, number) for one in part]
    return part if key == "mapping" and not isinstance(part, dict) else _spiked(part, urls, number)


def _with_parts(chat: ConversationCopy, urls: list[str]) -> ConversationCopy:
    """Its messages refer to pictures and clips by these addresses."""
    parts = tuple(part for url in urls for part in (ImagePart("image/png", url=url), VideoPart("video/mp4", url=url)))
    messages = tuple(structs.replace(message, parts=(TextPart(message.text), *parts)) for message in chat.messages)
    return structs.replace(chat, messages=messages)


def test_no_table_leads_elsewhere(trap: Trap) -> None:
    with overheard() as heard:
        sheet = sheet_of("model,price\n" + "\n".join(f'"{url}","=WEBSERVICE(""{url}"")"' for url in forms(trap.port)))
    assert len(sheet.rows) >= len(FORMS)
    assert heard == []


@pytest.mark.parametrize("dialect", DIALECT_NAMES)
def test_no_redirect_of_a_gateway_is_followed(trap: Trap, dialect: str, measured: Callable[[str], None]) -> None:
    with RawServer() as server:
        for url in forms(trap.port):
            location = url.encode("ascii", "xmlcharrefreplace").decode()
            endpoint = server.endpoint(answers(307, location=location, refresh=f"0; url={location}"))
            with overheard() as heard:
                ask_once(endpoint.base_url, dialect)  # type: ignore[arg-type]
            assert endpoint.posts == 1
            assert all(str(server.port) in line or ("127.0.0.1" in line and "getaddrinfo" in line) for line in heard), (
                heard
            )
    assert trap.caught == 0
    measured(f"{dialect}: redirected to {len(FORMS)} forms of address, 0 followed")


def test_a_key_goes_to_no_other_address_than_the_one_it_was_entered_for(
    tmp_path: Path, trap: Trap, measured: Callable[[str], None]
) -> None:
    services = Services(Settings(data_dir=tmp_path / "data", demo="off"))
    refused = kept = 0
    try:
        card = services.gateways.add("mine", f"http://127.0.0.1:{trap.port}/api", KEY, ("openai",))
        own = origin_of(card.base_url)
        for url in forms(trap.port):
            with overheard() as heard:
                try:
                    services.gateways.update(
                        card.id, name="n", base_url=url, key=None, dialects=("openai",), rules=(), video="image_url"
                    )
                except SettingsError:
                    refused += 1
                else:
                    assert origin_of(clean_base_url(url)) == own
                    kept += 1
            assert heard == []
    finally:
        services.close()
    assert kept <= 3
    measured(f"{refused} other addresses refused for a stored key, {kept} spellings of its own kept; 0 connects")


# --- routes -------------------------------------------------------------------------------------------------------------

PARAMETERS = {
    "/healthz": set(),
    "/answer/{id:str}/text": {"id"},
    "/draft/{chat:str}": {"chat"},
    "/attachments/{place:str}": {"place", "name"},
    "/file/{id:str}/{part:str}": {"id", "part"},
    "/share/{token:str}": {"token"},
}
"""All routes of ours with all they take: names, numbers and a file's name, never an address."""
LOOKED_AT = {"q", "model", "temporary", "chat", "at", "bill", "statement", "part", "gateway", "batch", "side", "look"}


def test_no_route_takes_an_address() -> None:
    from app import app

    routes = {str(route.path): route for route in app._user_routes}  # type: ignore[attr-defined]
    assert {path: set(route.param_convertors) | _queried(path) for path, route in routes.items()} == PARAMETERS  # type: ignore[attr-defined]
    assert _constants(ROOT / "lib/web", "query_params") == {"name", "next"}


def test_where_to_go_after_signing_in_is_always_here(trap: Trap) -> None:
    """`next` is the only word of an address that a browser is sent on to."""
    tricks = (
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "/%09/evil.example",
        "/.//evil.example",
        "\r\n//a",
        "?x",
    )
    for url in (*forms(trap.port), *tricks):
        told = own_path(url)
        seen = told.replace("\\", "/").replace("\t", "").replace("\r", "").replace("\n", "")
        assert urljoin("http://here.example/", seen).startswith("http://here.example/"), url


def _queried(path: str) -> set[str]:
    return {"name"} if path.startswith("/attachments") else set()


def test_no_word_of_an_address_is_one_to_go_to() -> None:
    """What pages read of their own address is known, and only the door to the gateways can open a connection."""
    found = _constants(ROOT / "lib/ui", "query_params") | _constants(ROOT / "pages", "query_params")
    assert found <= LOOKED_AT


def _constants(folder: Path, name: str) -> set[str]:
    """The constant keys with which `….name` is asked."""
    found = set[str]()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in {"get", "pop"}:
                value, given = node.func.value, node.args[:1]
            elif isinstance(node, ast.Subscript):
                value, given = node.value, [node.slice]
            else:
                continue
            if isinstance(value, ast.Attribute) and value.attr == name:
                found |= {one.value for one in given if isinstance(one, ast.Constant) and isinstance(one.value, str)}
    return found
