"""The key and the question go to one origin and nowhere else, with headers from a fixed list and never a cookie."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from lib.cards import DialectName
from lib.errors import SettingsError
from lib.generation import Sent
from tests.faults.chaos import Chaos
from tests.faults.house import BOTH, CANARY, House
from tests.faults.table import Doing, Fault, fine, no
from tests.faults.ways import TRAP, redirects
from tests.gateway.raw_server import Behaviour, Line, Request, answers, head

ALLOWED = frozenset(
    {"host", "connection", "accept", "accept-encoding", "user-agent", "content-type", "content-length", "authorization"}
)
OF_ANTHROPIC = ALLOWED | {"anthropic-version"}
OF_LIST = ALLOWED - {"content-length"}
TRACKING = "track=1; Path=/; Max-Age=99999"


def points_to(place: Callable[[str], str], status: int = 307) -> Doing:
    """A redirect whose target is made of our own authority (host and port)."""

    def doing(say: object) -> Behaviour:
        def behave(line: Line, request: Request) -> None:
            target = place((request.header("host") or "").rpartition(":")[2])
            line.send(head(status, {"location": target, "content-length": "0"}))

        return behave

    return doing


ELSEWHERE: dict[str, Doing] = {
    **{f"status-{status}": redirects(status) for status in (300, 301, 302, 303, 305, 307, 308)},
    "same-host-other-path": points_to(lambda port: f"{TRAP}/v1"),
    "other-address": points_to(lambda port: f"http://127.0.0.2:{port}{TRAP}"),
    "with-our-key": points_to(lambda port: f"http://localhost:{port}{TRAP}?key={CANARY}"),
    "with-a-login": points_to(lambda port: f"http://user:{CANARY}@localhost:{port}{TRAP}"),
    "without-scheme": points_to(lambda port: f"//localhost:{port}{TRAP}"),
    "refresh": lambda say: answers(200, say.whole, refresh=f"0; url=http://localhost{TRAP}"),
    "content-location": lambda say: answers(200, say.whole, content_location=f"http://localhost{TRAP}"),
    "alt-svc": lambda say: answers(200, say.whole, alt_svc='h2="localhost:443"; ma=9999'),
    "link": lambda say: answers(200, say.whole, link=f"<http://localhost{TRAP}>; rel=preload"),
}
POLITE = ("refresh", "content-location", "alt-svc", "link")
FAULTS: dict[str, Fault] = {
    **{name: Fault(does, fine() if name in POLITE else no("redirect")) for name, does in ELSEWHERE.items()},
    "cookies": Fault(lambda say: answers(200, say.whole, set_cookie=TRACKING, set_cookie2=TRACKING), fine()),
}


class Seen(NamedTuple):
    chaos: Chaos
    ended: list[tuple[str, str, str | None]]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    folder: Path = tmp_path_factory.mktemp("second-host")
    with Chaos(FAULTS) as chaos, House(folder, {"chaos": chaos.base_url}) as house:
        house.listed("chaos")
        asked: list[tuple[str, Sent]] = []
        for dialect in BOTH:
            asked += [(name, house.send(f"a secret question: {name}", name, dialect)) for name in FAULTS]
            asked += [("cookies", house.send("a secret question: cookies again", "cookies", dialect))]
        ended = [(name, answer.state, answer.error_kind) for name, sent in asked for answer in [house.ended(sent)]]
        house.listed("chaos")
        return Seen(chaos, ended)


def test_nothing_comes_to_a_second_host(seen: Seen, measured: Callable[[str], None]) -> None:
    for name, state, kind in seen.ended:
        assert (state, kind) == (FAULTS[name].expected.state, FAULTS[name].expected.kind), name
    assert seen.chaos.trap.requests == []
    assert len(seen.chaos.posts) == len(seen.ended)
    measured(f"{len(ELSEWHERE)} ways to point elsewhere in both dialects: 0 requests at the second place")


def test_a_key_is_not_sent_to_an_address_it_was_not_entered_for(tmp_path: Path) -> None:
    with Chaos(FAULTS) as chaos, House(tmp_path, {"chaos": chaos.base_url}) as house:
        gateways = house.services.gateways
        card = gateways.add("mine", chaos.base_url, CANARY, BOTH)
        elsewhere = chaos.trap.base_url.replace("127.0.0.1", "localhost")
        with pytest.raises(SettingsError, match="needed_for_new_address"):
            gateways.test(elsewhere, "", card.id)
        with pytest.raises(SettingsError, match="needed_for_new_address"):
            gateways.update(
                card.id, name="mine", base_url=elsewhere, key=None, dialects=BOTH, rules=(), video="image_url"
            )
        assert chaos.trap.requests == []


def names_of(request: Request) -> list[str]:
    return sorted(name.lower() for name, _ in request.headers)


def test_the_headers_are_exactly_those_of_the_list(seen: Seen, measured: Callable[[str], None]) -> None:
    wanted: dict[DialectName, frozenset[str]] = {"openai": ALLOWED, "anthropic": OF_ANTHROPIC}
    for post in seen.chaos.posts:
        assert names_of(post.request) == sorted(wanted[post.dialect]), post
        assert post.request.header("authorization") == f"Bearer {CANARY}"
        assert post.request.header("user-agent") == "Parlour"
        assert post.request.header("accept-encoding") == "identity"
        assert CANARY.encode() not in post.request.body
        assert CANARY not in post.request.path
    lists = [request for request in seen.chaos.endpoint.requests if request.method == "GET"]
    assert lists
    for request in lists:
        assert names_of(request) == sorted(OF_LIST)
    cookies = [name for request in seen.chaos.endpoint.requests for name in names_of(request) if "cookie" in name]
    assert cookies == []
    measured(
        f"{len(seen.chaos.posts)} POSTs and {len(lists)} lists: header names exactly the allow-list "
        f"({len(ALLOWED)}, Messages {len(OF_ANTHROPIC)}), {len(cookies)} cookies although some were set"
    )
