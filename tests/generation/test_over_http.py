"""Services over a real embedded gateway on a real port: what the gateway sees, and what the ledger says of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lib.bootstrap import Services
from lib.cards import DialectName
from lib.embedded import EmbeddedGateway
from lib.embedded.faults import Faults
from lib.generation import Sent
from lib.messages import Params
from lib.money import nano_from_pico
from lib.settings import ConfiguredGateway
from lib.settings import Settings as FromOutside
from lib.store.rows import AnswerRow, Settings
from tests.generation.scripted import eventually


@pytest.fixture(scope="module")
def upstream() -> Iterator[EmbeddedGateway]:
    with EmbeddedGateway(speed=0, faults=Faults()) as gateway:
        yield gateway


class Chat:
    """Services whose only gateway is `upstream`, as if the environment named it."""

    def __init__(self, folder: Path, upstream: EmbeddedGateway) -> None:
        both: tuple[DialectName, ...] = ("openai", "anthropic")
        configured = ConfiguredGateway("test", upstream.base_url, upstream.key, both, "environment")
        self.services = Services(FromOutside(data_dir=folder, demo="off", gateways=(configured,)))
        self.upstream = upstream
        [self.gateway] = self.services.gateways.cards()
        self.services.gateways.refresh(self.gateway.id).result(5)
        upstream.requests.clear()

    def send(self, text: str, model: str = "gpt-5.4", dialect: DialectName = "openai", **params: object) -> Sent:
        settings = Settings(self.gateway.id, model, dialect, Params(**params))  # type: ignore[arg-type]
        return self.services.desk.send(None, text, settings)

    def end_of(self, sent: Sent) -> AnswerRow:
        answers, owner = self.services.store.answers, self.services.owner
        return eventually(lambda: (row := answers.get(owner, sent.message or "")).state != "running" and row, 10)

    def rows(self) -> list:  # type: ignore[type-arg]
        return self.services.store.ledger.latest(self.services.owner, demo=None)[::-1]

    def said(self, sent: Sent) -> str:
        live = self.services.engine.live(sent.message or "")
        return live.texts()[0] if live else ""


@pytest.fixture
def chat(tmp_path: Path, upstream: EmbeddedGateway) -> Iterator[Chat]:
    chat = Chat(tmp_path / "data", upstream)
    yield chat
    chat.services.close()


DIALECTS = pytest.mark.parametrize(("dialect", "model"), [("openai", "gpt-5.4"), ("anthropic", "claude-sonnet-4-6")])


@DIALECTS
def test_a_whole_answer_costs_its_reported_tokens_at_the_listed_price(
    chat: Chat, dialect: DialectName, model: str
) -> None:
    row = chat.end_of(chat.send("long 300", model, dialect))
    [paid] = chat.rows()
    price = chat.services.store.prices.current(chat.services.owner, chat.gateway.id, model)
    assert price and price.prices.input and price.prices.output and row.state == "done"
    pico = paid.count.in_uncached * price.prices.input + paid.count.output * price.prices.output
    assert paid.usage_source == "reported" and paid.cost.source == "gateway"
    assert abs(paid.cost.nano - nano_from_pico(pico)) <= 1
    assert chat.upstream.requests.posts == 1


@DIALECTS
@pytest.mark.parametrize("order", ["wait=30 hello", "n=5000 tps=200"])
def test_stop_closes_the_connection_at_once(chat: Chat, dialect: DialectName, model: str, order: str) -> None:
    sent = chat.send(order, model, dialect)
    waits = order.startswith("wait")
    eventually(lambda: chat.upstream.requests.running if waits else chat.said(sent))
    pressed = time.monotonic()
    chat.services.desk.stop(sent.message or "")
    row = chat.end_of(sent)
    [gone] = eventually(lambda: chat.upstream.requests.disconnects)
    assert gone - pressed < 0.3  # 0.1 on a quiet machine
    assert row.state == "stopped" and bool(row.text) is not waits
    [paid] = chat.rows()
    assert paid.outcome == "stopped" and paid.count.input and paid.cost.nano
    assert paid.cost.low_nano <= paid.cost.nano <= paid.cost.high_nano
    assert paid.usage_source == ("estimated" if dialect == "openai" or waits else "reported_partial")


def test_stop_while_the_gateway_is_silent_in_the_middle(chat: Chat) -> None:
    sent = chat.send("long 100", "fault-stall:gpt-5.4")
    eventually(lambda: chat.said(sent))
    chat.services.desk.stop(sent.message or "")
    row = chat.end_of(sent)
    assert row.state == "stopped" and row.text
    eventually(lambda: chat.upstream.requests.disconnects)


@pytest.mark.parametrize(
    ("fault", "state", "kind", "outcome"),
    [
        ("cut", "cut", "truncated", "cut"),
        ("error", "cut", "server", "cut"),
        ("server", "failed", "server", "unknown"),
        ("echo_key", "failed", "auth", "refused"),
        ("quota", "failed", "quota", "refused"),
        ("html", "failed", "not_json", "unknown"),
    ],
)
def test_faults_end_as_they_should(chat: Chat, fault: str, state: str, kind: str, outcome: str) -> None:
    row = chat.end_of(chat.send("long 100", f"fault-{fault}:gpt-5.4"))
    assert (row.state, row.error_kind) == (state, kind)
    assert bool(row.text) is (state == "cut")
    assert [paid.outcome for paid in chat.rows()] == [outcome]
    assert chat.upstream.key.reveal() not in (row.error_message or "")


def test_every_post_has_exactly_one_ledger_row(chat: Chat) -> None:
    orders = ["long 20", "fault-overloaded:gpt-5.4", "fault-cut:gpt-5.4", "fault-server:gpt-5.4", "gpt-5.4"] * 4
    sent = [chat.send("long 30", order if "gpt" in order else "gpt-5.4-hc") for order in orders]
    for one in sent:
        chat.end_of(one)
    rows = eventually(lambda: len(rows := chat.rows()) == chat.upstream.requests.posts and rows)
    assert len(rows) == len(sent) + 2 * 4  # an overloaded gateway is asked three times
    assert sum(paid.outcome == "refused" for paid in rows) == 3 * 4
    assert not chat.services.store.ledger.verify(chat.services.owner)


def test_a_learnt_wire_form_is_kept_while_the_process_lives(tmp_path: Path) -> None:
    with EmbeddedGateway(speed=0, reject_unknown=False) as upstream:
        chat = Chat(tmp_path / "data", upstream)
        first = chat.end_of(chat.send("hello", "gpt-5.4", temperature=0.5, reasoning_effort="high"))
        posts = upstream.requests.posts
        second = chat.end_of(chat.send("hello", "gpt-5.4", temperature=0.5, reasoning_effort="high"))
        again = upstream.requests.posts - posts
        chat.services.close()
    assert (first.state, second.state) == ("done", "done")
    assert (posts, again) == (2, 1)


def test_a_gateway_that_is_renamed_meanwhile_does_not_cut_the_answer(chat: Chat) -> None:
    gateways = chat.services.gateways
    stored = gateways.add("mine", chat.upstream.base_url, chat.upstream.key.reveal(), ("openai",))
    sent = chat.services.desk.send(None, "n=300 tps=600", Settings(stored.id, "gpt-5.4"))
    eventually(lambda: chat.said(sent))
    gateways.update(
        stored.id,
        name="yours",
        base_url=stored.base_url,
        key=None,
        dialects=stored.dialects,
        rules=stored.variant_rules,
        video="image_url",
    )
    assert chat.end_of(sent).state == "done"
    assert chat.end_of(chat.services.desk.send(None, "hi", Settings(stored.id, "gpt-5.4"))).state == "done"


@pytest.mark.parametrize("order", ["wait=30 hello", "n=5000 tps=100"])
def test_the_end_of_the_services_keeps_what_runs(
    tmp_path: Path, upstream: EmbeddedGateway, order: str, no_thread_is_left: None
) -> None:
    chat = Chat(tmp_path / "data", upstream)
    sent = chat.send(order)
    eventually(lambda: upstream.requests.running if order.startswith("wait") else chat.said(sent))
    began = time.monotonic()
    chat.services.close()
    assert time.monotonic() - began < 2.0
    again = Chat(tmp_path / "data", upstream)
    row = again.end_of(sent)
    assert row.state == "interrupted" and bool(row.text) is not order.startswith("wait")
    assert [paid.outcome for paid in again.rows()] == ["unknown"]
    again.services.close()
