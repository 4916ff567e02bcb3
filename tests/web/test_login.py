"""The gate: who is not signed in gets the form, the health check and snapshots by link, and nothing else."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from lib.errors import SignedOut, StoreBusy
from lib.ids import id_at, now_ms
from lib.keys import KeyBox
from lib.login import Login
from lib.login.attempts import Attempts
from lib.login.tickets import LIVES_MS, Ticket, Tickets
from lib.passwords import Work, hashed
from lib.store import Store, open_store
from lib.web import middleware, visitor
from lib.web.login import LAST_WORDS_S, Gate
from lib.web.login_form import LoginForm, own_path
from tests.web.knocking import LOCAL, Answer, get, knock, open_socket

QUICK = Work(4, 1, 1)
GOOD = "walnut kettle orchard"
ORIGIN = f"http://{LOCAL}"


class Home:
    """A store with two accounts, the login over it, and an app behind the gate that says whom it sees."""

    def __init__(self, folder: Path) -> None:
        self.store: Store = open_store("", folder)
        self.keys = KeyBox(folder)
        self.clock = 1000.0
        self.login = Login(self.store, self.keys, attempts=Attempts(lambda: self.clock), work=QUICK)
        known = (lambda: self.login, lambda: None)
        self.app = Starlette(
            middleware=middleware(known=known),
            routes=[
                WebSocketRoute("/_stcore/stream", self.stream),
                Route("/{path:path}", self.seen, methods=["GET", "PUT", "POST"]),
            ],
        )

    def add(self, name: str, password: str = GOOD) -> None:
        self.store.accounts.add(name, name.lower(), hashed(password, QUICK))
        self.login.refresh()

    def cookie(self, name: str = "Anna", **more: str) -> dict[str, str]:
        """The header of a browser that has signed in."""
        value = self.login.sign_in(name, GOOD, "10.0.0.1")
        return {"cookie": f"{self.login.cookie_name}={value}"}

    def seen(self, request: Request) -> PlainTextResponse:
        who, told = visitor(), request.headers.getlist("x-parlour-visitor")
        return PlainTextResponse(f"{who.name if who else 'nobody'} {len(told)} {told and self._named(told[0])}")

    def _named(self, told: str) -> str:
        try:
            return self.login.on_page(told).name
        except SignedOut:
            return "forged"

    async def stream(self, socket: WebSocket) -> None:
        await socket.accept()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def two(home: Home) -> Home:
    home.add("Anna")
    home.add("Bernd")
    return home


def page(home: Home, path: str = "/", **more: str) -> Answer:
    return get(home.app, path, accept="text/html,*/*;q=0.8", **more)


def post(home: Home, path: str = "/login", *, origin: str | None = ORIGIN, **fields: str) -> Answer:
    """As the browser sends the form; fields with a dash are headers."""
    headers = {name: fields.pop(name) for name in list(fields) if "-" in name or name == "cookie"}
    body = urlencode(fields).encode()
    given = {"content-type": "application/x-www-form-urlencoded", **headers}
    return knock_with_body(home, path, body, given | ({"origin": origin} if origin else {}))


def knock_with_body(home: Home, path: str, body: bytes, headers: dict[str, str], method: str = "POST") -> Answer:
    return knock(home.app, "http", path, [("host", LOCAL), *headers.items()], method, body=body)


def cookies_of(answer: Answer) -> list[str]:
    return answer.headers_named("set-cookie")


# --- without an account, and with one -------------------------------------------------------------------------------


def test_without_an_account_there_is_no_gate(home: Home) -> None:
    for path in ("/", "/login", "/logout", "/usage"):
        answer = page(home, path, **{"x-parlour-visitor": "1.1.1.1.x"})
        assert (answer.status, answer.body) == (200, b"nobody 0 []")
    assert open_socket(home.app).status == 101


def test_the_gate_shuts_with_the_first_account(home: Home) -> None:
    assert page(home).status == 200
    home.add("Anna")
    assert page(home).status == 303
    assert open_socket(home.app).status == 1008


@pytest.mark.parametrize("path", ["/", "/usage", "/chat", "/settings?x=1"])
def test_a_page_leads_to_the_form_and_back(two: Home, path: str) -> None:
    where, _, query = path.partition("?")
    answer = knock(two.app, "http", where, [("host", LOCAL), ("accept", "text/html")], "GET", query=query.encode())
    assert answer.status == 303
    assert answer.header("location") == ("/login" if path == "/" else f"/login?next={quote(path, safe='/')}")
    assert answer.header("cache-control") == "no-store"


SHUT = (
    "/static/js/index.js",
    "/_stcore/health",
    "/_stcore/host-config",
    "/_stcore/upload_file/a/b",
    "/media/abc.png",
    "/answer/x/text",
    "/draft/new",
    "/file/x/0",
    "/attachments/new",
    "/favicon.png",
    "/healthz/",
    "/healthz/x",
    "/share",
    "/share/",
    "/share/a/b",
    "/share/../usage",
    "/share/%2e%2e",
    "/login/",
    "/Login",
    "//login",
)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "POST", "OPTIONS", "DELETE"])
def test_whatever_is_no_page_is_refused(two: Home, method: str) -> None:
    for path in SHUT:
        answer = get(two.app, path, method=method, origin=ORIGIN)
        assert (answer.status, answer.body) == (401, b"Sign in first."), path
    assert get(two.app, "/usage", method="PUT", accept="text/html", origin=ORIGIN).status == 401


def test_a_script_that_says_it_wants_html_is_no_page(two: Home) -> None:
    assert page(two, "/usage", **{"sec-fetch-mode": "cors"}).status == 401
    assert get(two.app, "/usage", **{"sec-fetch-mode": "navigate"}).status == 303


@pytest.mark.parametrize("path", ["/healthz", "/share/Zk9_-aB3"])
def test_the_health_check_and_snapshots_are_open(two: Home, path: str) -> None:
    assert get(two.app, path).body == b"nobody 0 []"


def test_the_websocket_is_gated(two: Home) -> None:
    assert open_socket(two.app, origin=ORIGIN).status == 1008
    assert open_socket(two.app, origin=ORIGIN, cookie=f"{two.login.cookie_name}=x").status == 1008
    assert open_socket(two.app, origin=ORIGIN, **two.cookie()).status == 101


def test_who_is_signed_in_is_named_to_what_lies_behind(two: Home) -> None:
    assert page(two, **two.cookie()).body == b"Anna 1 Anna"
    assert page(two, **two.cookie("Bernd")).body == b"Bernd 1 Bernd"


@pytest.mark.parametrize("name", ["x-parlour-visitor", "X-Parlour-Visitor", "x_parlour_visitor", "X-PARLOUR_VISITOR"])
def test_nobody_names_themselves(two: Home, name: str) -> None:
    [bernd] = [account for account in two.login.accounts() if account.name == "Bernd"]
    who = two.login.by_cookie(two.cookie("Bernd")["cookie"].partition("=")[2])
    assert who is not None and who.account == bernd.id
    told = two.login.for_pages(who)
    assert page(two, **two.cookie(), **{name: told}).body == b"Anna 1 Anna"
    assert get(two.app, "/healthz", **{name: told}).body == b"nobody 0 []"


# --- signing in -----------------------------------------------------------------------------------------------------


def test_the_right_password_gives_a_cookie_and_leads_on(two: Home) -> None:
    answer = post(two, name=" ANNA ", password=GOOD, next="/usage?x=1")
    assert (answer.status, answer.header("location")) == (303, "/usage?x=1")
    [cookie] = cookies_of(answer)
    value, *marks = cookie.split("; ")
    assert marks == ["Path=/", f"Max-Age={30 * 86_400}", "HttpOnly", "SameSite=Lax"]
    assert re.fullmatch(rf"{two.login.cookie_name}=1\.\d+\.1\.\d+\.[\w-]{{43}}", value)
    assert page(two, cookie=value).body == b"Anna 1 Anna"


def test_a_wrong_password_and_an_unknown_name_are_one_answer(two: Home) -> None:
    said = set()
    for name, password in (("Anna", "not it, really"), ("Nobody", GOOD), ("", ""), ("Anna", ""), ("Anna", GOOD + " ")):
        answer = post(two, name=name, password=password)
        assert (answer.status, cookies_of(answer)) == (401, [])
        assert password == "" or password.encode() not in answer.body
        said.add(answer.body.replace(b'value="Anna"', b'value=""').replace(b'value="Nobody"', b'value=""').replace(
            b" autofocus", b""))  # fmt: skip
    assert len(said) == 1


def test_a_disabled_account_gets_the_same_answer(two: Home) -> None:
    two.store.accounts.set_enabled(two.login.accounts()[0].id, False)
    right, wrong = post(two, name="Anna", password=GOOD), post(two, name="Anna", password="not it, really")
    assert (right.status, right.body) == (wrong.status, wrong.body)


def test_guessing_at_a_disabled_account_waits_even_when_the_guess_is_right(two: Home) -> None:
    two.store.accounts.set_enabled(two.login.accounts()[0].id, False)
    assert [post(two, name="Anna", password=GOOD).status for _ in range(6)] == [401] * 5 + [429]


def test_too_many_wrong_ones_wait_and_the_right_one_goes_through_afterwards(
    two: Home, measured: Callable[[str], None]
) -> None:
    assert [post(two, name="Anna", password="wrong password").status for _ in range(6)] == [401] * 5 + [429]
    early = post(two, name="Anna", password=GOOD)
    assert (early.status, early.header("retry-after"), cookies_of(early)) == (429, "1", [])
    assert b"Try again in 1 second." in early.body
    assert post(two, name="Bernd", password=GOOD).status == 303
    two.clock += 1
    assert post(two, name="Anna", password=GOOD).status == 303
    measured("5 wrong passwords, then 429 with Retry-After; the right one a second later, others at once")


def test_many_who_sign_in_at_once_leave_threads_to_the_others(two: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    monkeypatch.setattr(two.login, "sign_in", lambda *_: go_on.wait(20) and "cookie")
    form, scope = LoginForm(), {
        "type": "http", "method": "POST", "path": "/login", "query_string": b"", "client": ("10.0.0.1", 1),
        "headers": [(b"content-type", b"application/x-www-form-urlencoded")],
    }  # fmt: skip
    statuses: list[int] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"name=Anna&password=x"}

    async def send(message: Any) -> None:
        statuses.extend([message["status"]] if "status" in message else [])

    async def crowd() -> None:
        comers = [asyncio.create_task(form.answer({**scope}, receive, send, two.login, None)) for _ in range(60)]
        try:
            await asyncio.sleep(0.1)
            assert await asyncio.wait_for(run_in_threadpool(lambda: "served"), 2) == "served"
        finally:
            go_on.set()
        await asyncio.gather(*comers)

    asyncio.run(crowd())
    assert statuses == [303] * 60


def test_each_sign_in_has_a_cookie_of_its_own_and_ends_the_one_before(two: Home) -> None:
    first = two.cookie()
    answer = post(two, name="Bernd", password=GOOD, **first)
    [second] = cookies_of(answer)
    assert page(two, **first).status == 303
    assert page(two, cookie=second.partition(";")[0]).body == b"Bernd 1 Bernd"


def test_over_https_the_cookie_is_secure_and_of_this_host_only(two: Home) -> None:
    for origin in ("https://" + LOCAL,):
        [cookie] = cookies_of(post(two, name="Anna", password=GOOD, origin=origin))
        assert cookie.startswith("__Host-parlour-")
        assert cookie.endswith("; Secure")
        assert "Domain" not in cookie
        assert page(two, cookie=cookie.partition(";")[0]).body == b"Anna 1 Anna"


def test_of_two_cookies_the_one_that_only_this_host_can_have_set_counts(two: Home) -> None:
    value = {name: two.cookie(name)["cookie"].partition("=")[2] for name in ("Anna", "Bernd")}
    name = two.login.cookie_name
    both = f"{name}={value['Bernd']}; __Host-{name}={value['Anna']}"
    assert page(two, cookie=both).body == b"Anna 1 Anna"


def test_who_is_signed_in_is_led_on_from_the_form(two: Home) -> None:
    answer = knock(two.app, "http", "/login", [("host", LOCAL), *two.cookie().items()], "GET", query=b"next=/usage")
    assert (answer.status, answer.header("location")) == (303, "/usage")


@pytest.mark.parametrize(
    "text",
    ["https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil", "evil", "", "/\t/evil", "/x\r\nset-cookie: a=b",
     "javascript:alert(1)", "/" + "x" * 2001, "/login?next=/login", "/logout", " /", "/ /evil.example"],
)  # fmt: skip
def test_only_an_own_path_is_gone_on_to(two: Home, text: str) -> None:
    assert own_path(text) == "/"
    answer = post(two, name="Anna", password=GOOD, next=text)
    assert (answer.status, answer.header("location")) == (303, "/")
    assert len(cookies_of(answer)) == 1


# --- other sites ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/login", "/logout"])
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9"},
        {"origin": ORIGIN, "sec-fetch-site": "cross-site"},
        {"origin": ORIGIN, "sec-fetch-site": "same-site"},
    ],
)
def test_another_site_can_neither_sign_in_nor_out(two: Home, path: str, headers: dict[str, str]) -> None:
    held = two.cookie()
    answer = post(two, path, **({"name": "Bernd", "password": GOOD} | headers | held))  # type: ignore[arg-type]
    assert (answer.status, cookies_of(answer)) == (403, [])
    assert page(two, **held).body == b"Anna 1 Anna"


def test_signing_out_takes_a_post(two: Home) -> None:
    held = two.cookie()
    assert page(two, "/logout", **held).status == 405
    assert page(two, **held).status == 200
    answer = post(two, "/logout", **held)
    assert (answer.status, answer.header("location")) == (303, "/login")
    assert all("Max-Age=0" in cookie for cookie in cookies_of(answer))
    assert page(two, **held).status == 303


def test_the_form_runs_nothing_fetches_nothing_and_is_of_no_use_in_a_frame(two: Home) -> None:
    answer = page(two, "/login")
    assert answer.status == 200
    policies = answer.headers_named("content-security-policy")
    assert any(policy.startswith("default-src 'none'; style-src 'sha256-") for policy in policies)
    assert all("frame-ancestors 'none'" in policy for policy in policies)
    assert answer.header("cache-control") == "no-store"
    text = answer.body.decode()
    assert "<script" not in text and "http://" not in text.replace("http://www.w3.org/2000/svg", "")
    assert 'name="referrer" content="same-origin"' in text


@pytest.mark.parametrize("hostile", ['"><script>alert(1)</script>', "</style><img src=x>", "' onfocus=alert(1) x='"])
def test_what_was_typed_comes_back_as_text(two: Home, hostile: str) -> None:
    text = post(two, name=hostile, password="x", next="/" + hostile).body.decode()
    assert hostile not in text
    assert "<script" not in text and "<img" not in text


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"name=Anna", "application/json", 400),
        (b"name=Anna", "multipart/form-data; boundary=x", 400),
        (b"name=" + b"a" * 9000, "application/x-www-form-urlencoded", 400),
        (b"&".join(b"a%d=1" % at for at in range(50)), "application/x-www-form-urlencoded", 400),
        (b"\xff\xfe", "application/x-www-form-urlencoded", 400),
        (b"name=Anna&name=Bernd&password=" + GOOD.replace(" ", "+").encode(), "application/x-www-form-urlencoded", 401),
        (b"", "application/x-www-form-urlencoded", 401),
        (b"name=%00%ff&password=%00", "application/x-www-form-urlencoded", 401),
    ],
)
def test_a_malformed_form_signs_nobody_in(two: Home, body: bytes, kind: str, status: int) -> None:
    answer = knock_with_body(two, "/login", body, {"content-type": kind, "origin": ORIGIN})
    assert (answer.status, cookies_of(answer)) == (status, [])


# --- cookies that do not count --------------------------------------------------------------------------------------


def bent(ticket: str) -> Iterator[str]:
    yield ""
    yield "1.1.1.1." + "A" * 43
    for at in range(0, len(ticket), 3):
        yield ticket[:at] + ("0" if ticket[at] != "0" else "1") + ticket[at + 1 :]
    yield ticket + "A"
    yield ticket + "\n"
    yield ticket.replace(".", "..", 1)


def test_a_cookie_that_was_changed_is_worth_nothing(two: Home) -> None:
    good = two.login.sign_in("Anna", GOOD, "")
    assert two.login.by_cookie(good) is not None
    assert [each for each in bent(good) if two.login.by_cookie(each) is not None] == []


def test_one_purpose_and_one_key_do_not_serve_another(two: Home, tmp_path: Path) -> None:
    good = two.login.sign_in("Anna", GOOD, "")
    who = two.login.by_cookie(good)
    assert who is not None
    assert two.login.by_cookie(two.login.for_pages(who)) is None
    with pytest.raises(SignedOut):
        two.login.on_page(good)
    foreign = Tickets(KeyBox(tmp_path / "another").derived("cookie"))
    assert two.login.by_cookie(foreign.written(who.ticket)) is None


def test_a_sign_in_ends_after_thirty_days_and_none_begins_tomorrow(two: Home) -> None:
    tickets, [anna, _] = Tickets(two.keys.derived("cookie")), two.login.accounts()

    def counts(began_ms: int) -> bool:
        ticket = Ticket(anna.id, anna.epoch, id_at(began_ms))
        return two.login.by_cookie(tickets.written(ticket)) is not None

    assert counts(now_ms())
    assert counts(now_ms() - LIVES_MS + 60_000)
    assert not counts(now_ms() - LIVES_MS - 1)
    assert not counts(now_ms() + 86_400_000)


def test_whatever_ends_sign_ins_ends_them_for_cookies_and_open_pages(
    two: Home, measured: Callable[[str], None]
) -> None:
    ends: list[Callable[[Any], object]] = [
        two.login.sign_out,
        two.login.sign_out_everywhere,
        lambda who: two.login.change_password(who, GOOD, GOOD + "!"),
        lambda who: (two.store.accounts.set_enabled(who.account, False), two.login.refresh()),
    ]
    for name, end in zip(("Carla", "Dora", "Emil", "Fritz"), ends, strict=True):
        two.add(name)
        cookie = two.login.sign_in(name, GOOD, "")
        who = two.login.by_cookie(cookie)
        assert who is not None
        told = two.login.for_pages(who)
        assert two.login.on_page(told).name == name
        end(who)
        assert two.login.by_cookie(cookie) is None
        assert not two.login.knows(told)
        with pytest.raises(SignedOut):
            two.login.on_page(told)
    assert page(two, **two.cookie()).body == b"Anna 1 Anna"
    measured("4 ways to end a sign-in: its cookie and its open pages are refused at their next request or rerun")


def test_signing_out_in_one_browser_leaves_the_others_signed_in(two: Home) -> None:
    here, there = two.login.sign_in("Anna", GOOD, ""), two.login.sign_in("Anna", GOOD, "")
    who = two.login.by_cookie(here)
    assert who is not None
    two.login.sign_out(who)
    assert two.login.by_cookie(here) is None
    assert two.login.by_cookie(there) is not None


def test_two_parlours_on_one_host_keep_their_cookies_apart(two: Home, tmp_path: Path) -> None:
    other = Home(tmp_path / "other")
    assert other.login.cookie_name != two.login.cookie_name
    other.store.close()


# --- when the database does not answer ------------------------------------------------------------------------------


def test_nobody_is_let_in_when_nobody_can_be_asked_for_long(two: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    held = two.cookie()
    two.login._others_write = True  # as with PostgreSQL

    def fails(now_ms: int) -> Any:
        raise StoreBusy("gone")

    monkeypatch.setattr(two.store.accounts, "directory", fails)
    two.login._read_at -= 30
    assert page(two, **held).status == 200
    two.login._read_at -= 60
    answer = page(two, **held)
    assert (answer.status, open_socket(two.app, **held).status) == (503, 1008)
    assert answer.body.decode().startswith("The database does not answer")


def test_what_was_changed_and_could_not_be_read_again_lets_nobody_in_until_it_is(
    two: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, read = two.cookie(), two.store.accounts.directory

    def fails(now_ms: int) -> Any:
        raise StoreBusy("gone")

    who = two.login.by_cookie(held["cookie"].partition("=")[2])
    assert who is not None
    monkeypatch.setattr(two.store.accounts, "directory", fails)
    with pytest.raises(StoreBusy):
        two.login.sign_out_everywhere(who)
    assert (page(two, **held).status, open_socket(two.app, **held).status) == (503, 1008)
    monkeypatch.setattr(two.store.accounts, "directory", read)
    assert page(two, **held).status == 303
    assert page(two, **two.cookie()).status == 200


# --- open pages -----------------------------------------------------------------------------------------------------


def test_an_open_page_is_told_that_it_is_over_and_then_hears_nothing_more(
    two: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, now, heard = two.cookie(), [100.0], []
    monkeypatch.setattr("time.monotonic", lambda: now[0])

    async def behind(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "bytes": b"one"})
        two.store.accounts.end_logins(two.login.accounts()[0].id)
        two.login.refresh()
        await send({"type": "websocket.send", "bytes": b"you are signed out"})
        now[0] += LAST_WORDS_S + 0.1
        with pytest.raises(OSError, match="ended"):
            await send({"type": "websocket.send", "bytes": b"secret"})

    async def send(message: Any) -> None:
        heard.append(message.get("bytes") or message["type"])

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    app = Gate(behind, login=lambda: two.login, start=lambda: None)
    scope = {"type": "websocket", "path": "/_stcore/stream", "headers": [(b"cookie", held["cookie"].encode())]}
    asyncio.run(app(scope, receive, send))
    assert heard == ["websocket.accept", b"one", b"you are signed out", "websocket.close"]


# --- what a browser keeps -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("private, max-age=31536000, immutable", "private, no-cache"),
        ("public, immutable, max-age=31536000", "public, immutable, max-age=31536000"),
        ("no-store", "no-store"),
        (None, "no-store"),
    ],
)
def test_the_next_user_of_a_browser_is_not_shown_what_the_last_one_saw(two: Home, given: str | None, kept: str) -> None:
    async def behind(scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse("x", headers={"cache-control": given} if given else {})(scope, receive, send)

    app = Starlette(middleware=middleware(known=(lambda: two.login, lambda: None)))
    app.router.default = behind
    assert get(app, "/file/x/0", **two.cookie()).headers_named("cache-control") == [kept]


def test_a_page_that_was_opened_without_a_login_hears_nothing_more_once_there_is_one(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, heard = [100.0], []
    monkeypatch.setattr("time.monotonic", lambda: now[0])

    async def behind(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})
        now[0] += 60
        await send({"type": "websocket.send", "bytes": b"one"})
        home.add("Anna")
        await send({"type": "websocket.send", "bytes": b"you are signed out"})
        now[0] += LAST_WORDS_S + 0.1
        with pytest.raises(OSError, match="ended"):
            await send({"type": "websocket.send", "bytes": b"secret"})

    async def send(message: Any) -> None:
        heard.append(message.get("bytes") or message["type"])

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    app = Gate(behind, login=lambda: home.login, start=lambda: None)
    asyncio.run(app({"type": "websocket", "path": "/_stcore/stream", "headers": []}, receive, send))
    assert heard == ["websocket.accept", b"one", b"you are signed out", "websocket.close"]
