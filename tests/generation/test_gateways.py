"""The owner's gateways: keys and their origins, ids over restarts, model lists that no page waits for."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lib.bootstrap import Services
from lib.cards import ListedModel, Prices, VideoForm
from lib.embedded import EmbeddedGateway
from lib.errors import NotFound, SettingsError
from lib.secret import Secret
from lib.settings import ConfiguredGateway
from lib.settings import Settings as FromOutside
from lib.store.rows import Settings
from tests.generation.scripted import eventually

KEY = "sk-0123456789abcdefghij"
Open = Callable[..., Services]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Open]:
    """Starts services over one data folder; a second start comes after closing the first."""
    opened: list[Services] = []

    def starting(*configured: ConfiguredGateway, demo: str = "off") -> Services:
        settings = FromOutside(data_dir=tmp_path / "data", demo=demo, demo_speed=0, gateways=configured)  # type: ignore[arg-type]
        opened.append(Services(settings))
        return opened[-1]

    yield starting
    for services in opened:
        services.close()


@pytest.fixture(scope="module")
def upstream() -> Iterator[EmbeddedGateway]:
    with EmbeddedGateway(speed=0) as gateway:
        yield gateway


@pytest.fixture
def silent() -> Iterator[str]:
    """The base URL of a gateway that accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def changed(services: Services, gateway_id: int, url: str, key: str | None = None) -> None:
    card = services.gateways.card(gateway_id)
    video: VideoForm = "image_url"
    services.gateways.update(
        gateway_id, name="n", base_url=url, key=key, dialects=card.dialects, rules=card.variant_rules, video=video
    )


def test_a_key_stays_with_the_origin_it_was_entered_for(start: Open) -> None:
    services = start()
    card = services.gateways.add("mine", "https://one.example/api", KEY, ("openai",))
    for url in ("https://two.example/api", "http://one.example/api", "https://one.example:8443/api"):
        with pytest.raises(SettingsError) as caught:
            changed(services, card.id, url)
        assert (caught.value.field, caught.value.message) == ("key", "needed_for_new_address")
        with pytest.raises(SettingsError):
            services.gateways.test(url, "", card.id)
    assert services.gateways.card(card.id).base_url == "https://one.example/api"
    changed(services, card.id, "https://one.example/other")  # the same origin
    changed(services, card.id, "https://two.example", KEY + "2")
    assert services.gateways.card(card.id).key_hint == Secret(KEY + "2").hint


def test_a_stored_key_works_after_a_restart_and_is_nowhere_readable(
    start: Open, tmp_path: Path, upstream: EmbeddedGateway
) -> None:
    services = start()
    card = services.gateways.add("mine", upstream.base_url, upstream.key.reveal(), ("openai",))
    services.close()
    again = start()
    assert again.gateways.test(upstream.base_url, "", card.id).dialects == ("openai", "anthropic")
    stored = b"".join(path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file())
    assert upstream.key.reveal().encode() not in stored


def test_a_removed_gateway_is_gone_and_its_price_still_known(start: Open, upstream: EmbeddedGateway) -> None:
    services = start()
    card = services.gateways.add("mine", upstream.base_url, upstream.key.reveal(), ("openai",))
    services.gateways.refresh(card.id).result(5)
    services.gateways.remove(card.id)
    assert services.gateways.cards() == ()
    for use in (services.gateways.card, services.gateways.door, services.gateways.models):
        with pytest.raises(NotFound):
            use(card.id)


def test_the_model_list_and_its_prices_survive_a_restart(start: Open, upstream: EmbeddedGateway) -> None:
    services = start()
    card = services.gateways.add("mine", upstream.base_url, upstream.key.reveal(), ("openai",))
    services.gateways.refresh(card.id).result(5)
    listed = [model.id for model in services.gateways.models(card.id)]
    price = services.store.prices.current(services.owner, card.id, "gpt-5.4")
    services.close()
    again = start()
    assert [model.id for model in again.gateways.models(card.id)] == listed
    assert again.store.prices.current(again.owner, card.id, "gpt-5.4") == price
    assert price is not None and price.source == "gateway"


def test_no_page_waits_for_a_gateway_that_hangs(start: Open, silent: str) -> None:
    services = start()
    card = services.gateways.add("mine", silent, KEY, ("openai",))
    began = time.monotonic()
    assert len(services.gateways.models(card.id)) > 40  # the catalogue
    assert time.monotonic() - began < 0.5


def test_a_list_that_fails_is_noted_and_the_catalogue_used(start: Open) -> None:
    services = start()
    with socket.create_server(("127.0.0.1", 0)) as server:
        free = server.getsockname()[1]
    card = services.gateways.add("mine", f"http://127.0.0.1:{free}", KEY, ("openai",))
    services.gateways.refresh(card.id).result(5)
    assert services.store.models.load_list(services.owner, card.id).error_note == "server"
    assert any(model.id == "gpt-5.4" for model in services.gateways.models(card.id))
    assert services.gateways.tariff(services.gateways.ref(Settings(card.id, "gpt-5.4"))).prices is None


def test_an_old_gateways_list_is_not_taken_for_the_new_ones(start: Open, upstream: EmbeddedGateway) -> None:
    services = start()
    card = services.gateways.add("mine", upstream.base_url, upstream.key.reveal(), ("openai",))
    door = services.gateways.door(card.id)._door
    real = door.models

    async def changed_meanwhile() -> list[ListedModel]:
        listed = await real()
        await asyncio.to_thread(changed, services, card.id, upstream.base_url + "/gw_llm_power")
        return listed

    door.models = changed_meanwhile  # type: ignore[method-assign]
    services.gateways.refresh(card.id).result(5)
    assert services.store.models.load_list(services.owner, card.id).fetched_ms == 0


def test_an_entered_price_goes_before_the_list(start: Open, upstream: EmbeddedGateway) -> None:
    services = start()
    card = services.gateways.add("mine", upstream.base_url, upstream.key.reveal(), ("openai",))
    services.gateways.refresh(card.id).result(5)
    before = time.time_ns() // 1_000_000 - 1
    services.store.prices.set_entered(services.owner, card.id, "gpt-5.4", Prices(1, 2), valid_from_ms=before + 1)
    ref = services.gateways.ref(Settings(card.id, "gpt-5.4"))
    assert services.gateways.tariff(ref).prices == Prices(1, 2)
    assert services.gateways.tariff(ref, before).source == "gateway"


def test_a_configured_gateway_keeps_its_id_over_restarts(start: Open) -> None:
    named = ConfiguredGateway("work", "http://127.0.0.1:9", Secret(KEY), ("openai",), "environment")
    other = ConfiguredGateway("work", "http://127.0.0.1:9", Secret(KEY), ("openai",), "secrets")
    services = start(named, other, demo="on")
    first = {card.origin_of_key: card.id for card in services.gateways.cards()}
    services.close()
    moved = ConfiguredGateway("work", "http://127.0.0.1:10", Secret(KEY), ("openai",), "environment")
    again = start(moved, other, demo="on")
    assert {card.origin_of_key: card.id for card in again.gateways.cards()} == first
    assert len(first) == 3
    assert again.gateways.card(first["environment"]).base_url == "http://127.0.0.1:10"


def test_a_gateway_that_is_no_longer_configured_is_not_offered(start: Open) -> None:
    named = ConfiguredGateway("work", "http://127.0.0.1:9", Secret(KEY), ("openai",), "environment")
    start(named).close()
    assert start().gateways.cards() == ()


def test_a_gateway_configured_outside_is_not_changed_here(start: Open) -> None:
    services = start(ConfiguredGateway("work", "http://127.0.0.1:9", Secret(KEY), ("openai",), "environment"))
    [card] = services.gateways.cards()
    with pytest.raises(SettingsError):
        changed(services, card.id, "http://evil.example", None)
    with pytest.raises(SettingsError):
        changed(services, card.id, "http://evil.example", KEY)


def test_a_released_gateway_is_not_offered_until_it_is_held_again(start: Open) -> None:
    services = start(demo="on")
    [card] = services.gateways.cards()
    services.gateways.release(card.id)
    assert services.gateways.cards() == ()
    assert services.start_demo().id == card.id
    assert [found.id for found in services.gateways.cards()] == [card.id]


def test_a_failed_list_is_asked_for_again_soon(start: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lib.gateways.RETRY_S", 0.0)
    services = start()
    with socket.create_server(("127.0.0.1", 0)) as server:
        free = server.getsockname()[1]
    card = services.gateways.add("mine", f"http://127.0.0.1:{free}", KEY, ("openai",))
    services.gateways.refresh(card.id).result(5)
    with EmbeddedGateway(port=free, key=Secret(KEY), speed=0):
        services.gateways.models(card.id)
        eventually(lambda: services.store.models.load_list(services.owner, card.id).fetched_ms)
