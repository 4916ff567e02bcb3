"""What a footer offers: never a deed that cannot be done, never a price that is not known."""

from __future__ import annotations

import pytest
from msgspec import structs

from lib.cards import ModelCard, Prices
from lib.ledger import ModelRef
from lib.store.rows import CostLine, StoredMessage
from lib.tokens import TokenCount
from lib.ui.message_deeds import (
    Offer,
    answer_footer,
    difference_words,
    may_continue,
    question_footer,
    version_words,
)

COST = CostLine(TokenCount(1_000, 0, 0, 0, 1_000, 0), 6_000_000, "USD", "gateway", "reported")
STANDARD = ModelCard("m", "m", "claude", label="M", prices=Prices(1_000_000, 5_000_000), price_source="gateway")
BUDGET = structs.replace(STANDARD, id="m-low", variant="low", variant_label="Budget", prices=Prices(500_000, 2_500_000))
DEAR = structs.replace(
    STANDARD, id="m-hc", variant="hc", variant_label="Premium pool", prices=Prices(3_000_000, 6_000_000)
)
UNPRICED = structs.replace(STANDARD, id="other", base="other", label="Other", prices=Prices(), price_source=None)
ANSWER = StoredMessage(
    "answer", "asked", "assistant", (), "text", "", 0, "done", ref=ModelRef(1, "m", "m", "claude", "standard"),
    siblings=("answer",), cost=COST,
)  # fmt: skip
ASKED = StoredMessage("asked", None, "user", (), "text", "", 0, siblings=("asked",))
OFFER = Offer(STANDARD, (STANDARD, BUDGET, DEAR))


def names(footer) -> list[str]:
    return [deed.name for deed in footer.deeds] + [item.name for group in footer.menu for item in group.items]


def test_other_variants_show_what_they_would_have_cost_more_or_less() -> None:
    first = answer_footer(ANSWER, "M", [], OFFER).menu[0]
    assert [(item.value, item.note) for item in first.items] == [("m-low", "−$0.0030"), ("m-hc", "+$0.0030"), ("", "")]
    assert first.note == "same tokens assumed"


@pytest.mark.parametrize(
    ("other", "words"),
    [(BUDGET, "−$0.0030"), (DEAR, "+$0.0030"), (STANDARD, "≈ same cost"), (UNPRICED, "unpriced")],
)
def test_a_difference_in_words(other: ModelCard, words: str) -> None:
    assert difference_words(COST, other) == words


def test_an_answer_without_a_known_cost_has_no_difference() -> None:
    assert difference_words(None, BUDGET) == "unpriced"
    assert difference_words(structs.replace(COST, nano=None), BUDGET) == "unpriced"
    assert difference_words(structs.replace(COST, currency="CNY"), BUDGET) == "unpriced"


def test_the_chosen_model_is_offered_too_even_unpriced() -> None:
    items = answer_footer(ANSWER, "M", [], structs.replace(OFFER, chosen=UNPRICED)).menu[0].items
    assert [item.note for item in items if item.value == "other"] == ["unpriced"]


def test_while_an_answer_runs_nothing_new_is_asked() -> None:
    busy = structs.replace(OFFER, can_answer=False)
    assert names(answer_footer(ANSWER, "M", [], busy)) == ["edit", "fork", "delete"]
    assert names(question_footer(ASKED, [], busy)) == ["edit", "fork", "delete"]


def test_in_a_temporary_chat_nothing_is_kept() -> None:
    temporary = structs.replace(OFFER, kept=False)
    assert names(answer_footer(ANSWER, "M", [], temporary)) == ["again", "again", "again", "pick"]
    assert names(question_footer(ASKED, [], temporary)) == ["edit"]


@pytest.mark.parametrize("state", ["stopped", "cut", "interrupted"])
def test_an_answer_that_ended_early_can_be_continued(state) -> None:
    early = structs.replace(ANSWER, state=state)
    assert may_continue(early)
    assert "continue" in names(answer_footer(early, "M", [], OFFER))
    assert not may_continue(structs.replace(early, text=" "))


def test_an_answer_at_its_limit_can_be_continued_and_a_whole_one_cannot() -> None:
    assert may_continue(structs.replace(ANSWER, finish_reason="length"))
    assert not may_continue(ANSWER)


def test_the_neighbour_versions_are_described() -> None:
    middle = structs.replace(ANSWER, public_id="b", siblings=("a", "b", "c"))
    footer = answer_footer(middle, "M", ["first", "second", "third"], OFFER)
    assert (footer.version, footer.of) == (2, 3)
    assert (footer.before, footer.after) == ("Previous version: first", "Next version: third")
    assert answer_footer(middle, "M", [], OFFER).before == "Previous version"


def test_a_version_says_model_and_cost_and_whether_a_person_wrote_it() -> None:
    assert version_words(ANSWER, "M · Budget") == "M · Budget, $0.0060"
    assert version_words(structs.replace(ANSWER, cost=None, edited=True), "M") == "M, edited by you"
    assert version_words(structs.replace(ASKED, text="x" * 100), "") == "x" * 60
