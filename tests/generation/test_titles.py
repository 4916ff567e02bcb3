"""A title written by a model: wanted, cheap, once, counted, and never in the way."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lib.cards import Abilities, ModelCard, Prices
from lib.errors import GatewayError
from lib.events import AttemptBegan, Failed, Finished, Started, TextDelta
from lib.generation.titles import cheapest
from lib.ledger import ModelRef
from tests.generation.scripted import WHOLE, Hold, House, ScriptedDoor, eventually

Open = Callable[..., House]
TITLE = (AttemptBegan(1), Started("t", "m"), TextDelta('"Fine bread."\n'), Finished("stop"))


def card(name: str, price: int | None, *, family: str = "m", **more: object) -> ModelCard:
    prices = Prices(price, price) if price is not None else Prices()
    return ModelCard(name, name, family, prices=prices, price_source="gateway", **more)  # type: ignore[arg-type]


CARDS = (card("m", 5), card("m-low", 1), card("m-free?", None), card("other", 0, family="x"))


def wanting(house: House) -> House:
    house.store.preferences.set(house.owner, "model_titles", True)
    house.doors.cards = CARDS
    house.doors.ref = lambda settings: ModelRef(7, settings.model or "m", "m", "m")  # type: ignore[method-assign]
    return house


def test_after_the_first_answer_the_cheapest_of_the_family_names_it(open_house: Open) -> None:
    door = ScriptedDoor(*WHOLE)
    house = wanting(open_house(door))
    door.scripts = [WHOLE, TITLE]
    row = house.ask("how do I bake bread?")
    eventually(lambda: house.store.conversations.get(house.owner, row.conversation).title == "Fine bread")
    asked = door.asked[1]
    assert (asked.model, asked.params.max_tokens) == ("m-low", 20)
    chat, title = eventually(lambda: len(rows := house.ledger()) == 2 and rows)
    assert (chat.purpose, title.purpose, title.model) == ("chat", "title", "m-low")
    assert (title.conversation, title.message) == (row.conversation, None)
    assert len(house.store.conversations.transcript(house.owner, row.conversation).messages) == 2
    house.end_of(house.send("more", row.conversation).message or "")
    assert len(door.asked) == 3


def test_nobody_is_asked_unless_it_is_wanted(open_house: Open) -> None:
    door = ScriptedDoor(*WHOLE)
    house = wanting(open_house(door))
    house.store.preferences.set(house.owner, "model_titles", False)
    row = house.ask("question")
    house.close()
    assert len(door.asked) == 1 and row.state == "done"


def test_nobody_is_asked_for_what_has_a_name(open_house: Open) -> None:
    door, hold = ScriptedDoor(*WHOLE), Hold()
    house = wanting(open_house(door))
    door.scripts = [(hold, *WHOLE)]
    sent = house.send("one")
    house.store.conversations.rename(house.owner, sent.conversation, "mine")
    hold.let_go.set()
    house.end_of(sent.message or "")
    house.close()
    assert len(door.asked) == 1


def test_a_title_that_was_typed_stays(open_house: Open) -> None:
    door = ScriptedDoor(*WHOLE)
    house = wanting(open_house(door))

    def rename() -> None:
        (found,) = house.store.conversations.list(house.owner)
        house.store.conversations.rename(house.owner, found.public_id, "mine")

    door.scripts = [WHOLE, (AttemptBegan(1), rename, *TITLE)]
    row = house.ask()
    eventually(lambda: len(house.ledger()) == 2)
    assert house.store.conversations.get(house.owner, row.conversation).title == "mine"


@pytest.mark.parametrize(
    "script",
    [
        (AttemptBegan(1), Failed(GatewayError("auth", "no", status=401))),
        (AttemptBegan(1), TextDelta("half a title that was cut off at"), Finished("length")),
        (AttemptBegan(1), TextDelta(' ""'), Finished("stop")),
    ],
)
def test_a_failed_title_is_silent_and_counted(open_house: Open, script: tuple[object, ...]) -> None:
    door = ScriptedDoor(*WHOLE)
    house = wanting(open_house(door))
    door.scripts = [WHOLE, script]
    row = house.ask("the first words")
    eventually(lambda: len(house.ledger()) == 2)
    found = house.store.conversations.get(house.owner, row.conversation)
    assert (found.title, found.title_source, found.queue_paused) == ("the first words", "", False)


def test_the_cheapest_is_of_the_family_priced_and_quick() -> None:
    ref = ModelRef(7, "m", "m", "m")
    found = cheapest(CARDS, ref)
    assert found and found.id == "m-low"
    thinks = card("m-thinks", 0, reasons_by_default=True)
    elsewhere = card("m-other-wire", 0, openai=Abilities(listed=False))
    found = cheapest((*CARDS, thinks, elsewhere), ref)
    assert found and found.id == "m-low"
    assert cheapest((thinks,), ref) == thinks
    assert cheapest((card("m", None),), ref) is None
