"""Finding out how a gateway wants video: asked of real embedded gateways that understand one form each, or none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec import structs

from lib.bootstrap import Services
from lib.cards import Abilities, ModelCard, Prices, VideoForm
from lib.embedded import EmbeddedGateway
from lib.embedded.faults import Faults
from lib.embedded.video_header import VideoFacts, facts_of
from lib.errors import GatewayError, NotFound
from lib.events import Failed, Finished, Started, TextDelta, UsageReported
from lib.generation.video_probe import CLIP_SECONDS, FORMS, Tried, VideoProbe, clip, video_models
from lib.settings import ConfiguredGateway
from lib.settings import Settings as FromOutside
from lib.tokens import Usage
from tests.generation.scripted import House, ScriptedDoor, eventually

MODEL = "gemini-2.5-pro"
Start = Callable[..., Services]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    opened: list[Services] = []

    def starting(*configured: ConfiguredGateway, demo: str = "off") -> Services:
        settings = FromOutside(data_dir=tmp_path / "data", demo=demo, demo_speed=0, gateways=configured)  # type: ignore[arg-type]
        opened.append(Services(settings))
        return opened[-1]

    yield starting
    for services in opened:
        services.close()


@contextmanager
def connected(services: Services, *forms: VideoForm) -> Iterator[int]:
    """The id of a stored gateway that understands these forms of video."""
    with EmbeddedGateway(speed=0, video_forms=forms, faults=Faults()) as gateway:
        card = services.gateways.add("mine", gateway.base_url, gateway.key.reveal(), ("openai",))
        services.gateways.refresh(card.id).result(10)
        yield card.id


def test_the_clip_is_small_and_as_long_as_it_is_said_to_be() -> None:
    assert facts_of(clip()) == VideoFacts("video/mp4", CLIP_SECONDS, 160, 120, "avc1", False)
    assert len(clip()) < 4000


@pytest.mark.parametrize("understood", FORMS)
def test_the_one_form_that_works_is_found_and_kept(start: Start, understood: VideoForm) -> None:
    services = start()
    heard: list[Tried] = []
    with connected(services, understood) as gateway:
        found = services.video_probe.run(gateway, MODEL, heard.append)
        assert (found.verdict, found.works) == ("found", understood)
        assert services.gateways.card(gateway).form.video == understood
        assert services.store.gateways.get(services.owner, gateway).form.video == understood
    assert tuple(heard) == found.tried
    number = FORMS.index(understood) + 1  # nothing is asked after a clear success
    assert [tried.form for tried in found.tried] == [None, *FORMS[:number]]
    assert [tried.outcome for tried in found.tried] == ["seen", *["ignored"] * (number - 1), "seen"]


def test_a_gateway_that_loses_every_video_is_told_so_and_keeps_its_form(start: Start) -> None:
    services = start()
    with connected(services) as gateway:
        services.gateways.set_video(gateway, "file")
        found = services.video_probe.run(gateway, MODEL)
        assert services.gateways.card(gateway).form.video == "file"
    assert (found.verdict, found.works, len(found.tried)) == ("none", None, 5)


def test_every_request_is_in_the_ledger_and_the_cost_is_their_sum(start: Start) -> None:
    services = start()
    with connected(services, "video_url") as gateway:
        before = services.video_probe.quote(gateway, MODEL)
        found = services.video_probe.run(gateway, MODEL)
        rows = eventually(lambda: len(rows := services.store.ledger.latest(services.owner)) == 3 and rows)
    assert [row.purpose for row in rows] == ["probe"] * 3
    assert {(row.conversation, row.message) for row in rows} == {(None, None)}
    assert found.nano is not None
    assert found.nano == sum(row.cost.nano or 0 for row in rows) > 0
    assert before.nano is not None
    assert found.nano <= before.nano
    assert before.requests == 5


def test_it_is_kept_over_a_restart_where_the_gateway_is_configured_outside(start: Start) -> None:
    with EmbeddedGateway(speed=0, video_forms=["file"]) as gateway:
        outside = ConfiguredGateway("env", gateway.base_url, gateway.key, ("openai",), origin="environment")
        services = start(outside)
        (card,) = services.gateways.cards()
        assert services.video_probe.run(card.id, MODEL).works == "file"
        services.close()
        (card,) = start(outside).gateways.cards()
        assert card.form.video == "file"


def test_a_gateway_that_is_gone_is_not_asked(start: Start) -> None:
    with pytest.raises(NotFound):
        start().video_probe.run(7, MODEL)


# --- by a script ------------------------------------------------------------------------------------------------------


class Doors:
    """The scripted doors of a house, and what the probe says to them."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.opened: list[VideoForm] = []
        self.kept: list[VideoForm] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self.house.doors, name)

    def door_for_video(self, gateway_id: int, video: VideoForm) -> object:
        self.opened.append(video)
        return self.house.doors.door(gateway_id)

    def set_video(self, gateway_id: int, video: VideoForm) -> None:
        self.kept.append(video)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    built = House(tmp_path / "data", ScriptedDoor())
    yield built
    built.close()


def says(tokens: int | None) -> tuple[object, ...]:
    usage = () if tokens is None else (UsageReported(Usage(tokens, 4, None), "{}"),)
    return (Started("r", "m"), TextDelta("red"), *usage, Finished("stop"))


def fails(kind: str, status: int) -> tuple[object, ...]:
    return (Failed(GatewayError(kind, "no", status=status)),)  # type: ignore[arg-type]


def probed(house: House, *scripts: tuple[object, ...]) -> tuple[object, Doors]:
    door = house.doors.behind
    assert isinstance(door, ScriptedDoor)
    door.scripts = list(scripts)
    doors = Doors(house)
    return VideoProbe(house.store.ledger, house.engine, doors, house.owner).run(1, "m"), doors  # type: ignore[arg-type]


EXPECTED = 4 * (258 + 32)
BAD = fails("bad_request", 400)
DOWN = fails("server", 502)


@pytest.mark.parametrize(
    ("scripts", "verdict", "outcomes", "works"),
    [
        ([says(20), says(20 + EXPECTED // 4)], "found", "seen seen", "image_url"),
        ([says(20), says(19 + EXPECTED // 4), says(1180)], "found", "seen ignored seen", "video_url"),
        ([says(20), BAD, says(20), says(900)], "found", "seen refused ignored seen", "video_url_string"),
        ([says(20), BAD, BAD, BAD, BAD], "none", "seen refused refused refused refused", None),
        (
            [says(20), fails("server", 500), BAD, says(20), says(21)],
            "none",
            "seen refused refused ignored ignored",
            None,
        ),
        ([says(20), says(20), DOWN, says(20), says(20)], "unclear", "seen ignored failed ignored ignored", None),
        (
            [says(20), says(None), says(None), says(None), says(None)],
            "untold",
            "seen untold untold untold untold",
            None,
        ),
        ([says(20), says(20), fails("quota", 402)], "unclear", "seen ignored failed", None),
        ([says(None)], "untold", "untold", None),
        ([fails("auth", 401)], "failed", "failed", None),
        ([BAD], "failed", "failed", None),
    ],
)
def test_what_came_back_decides(
    house: House, scripts: list[tuple[object, ...]], verdict: str, outcomes: str, works: VideoForm | None
) -> None:
    found, doors = probed(house, *scripts)
    assert (found.verdict, found.works) == (verdict, works)  # type: ignore[attr-defined]
    assert [tried.outcome for tried in found.tried] == outcomes.split()  # type: ignore[attr-defined]
    assert doors.kept == ([works] if works else [])
    assert doors.opened == ["image_url", *FORMS][: len(scripts)]


def test_a_probe_that_is_not_answered_in_time_is_stopped(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lib.generation.video_probe.PATIENCE_S", 0.05)
    found, _ = probed(house, (Started("r", "m"), 30.0))
    assert found.verdict == "failed"  # type: ignore[attr-defined]
    door = house.doors.behind
    assert isinstance(door, ScriptedDoor)
    assert door.closed == 1


def test_without_prices_the_cost_is_unknown(house: House) -> None:
    house.doors.priced = structs.replace(house.doors.priced, prices=None, source=None)
    found, doors = probed(house, says(20), says(2000))
    assert found.nano is None  # type: ignore[attr-defined]
    probe = VideoProbe(house.store.ledger, house.engine, doors, house.owner)  # type: ignore[arg-type]
    assert probe.quote(1, "m").nano is None


def test_the_cheapest_model_that_takes_video_comes_first() -> None:
    def card(name: str, price: int | None, **able: bool) -> ModelCard:
        prices = Prices() if price is None else Prices(price, price)
        return ModelCard(name, name, "gemini", openai=Abilities(**able), prices=prices, price_source="gateway")

    cards = [
        card("dear", 9, video=True),
        card("unpriced", None, video=True),
        card("blind", 1, video=False),
        card("unknown", 1),
        card("elsewhere", 1, video=True, listed=False),
        card("cheap", 2, video=True, listed=True),
    ]
    assert [found.id for found in video_models(cards)] == ["cheap", "dear", "unpriced"]
