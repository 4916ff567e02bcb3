"""The dry run counts what would happen."""

from __future__ import annotations

from lib.transfer.document import Found, Skipped, Spend
from lib.transfer.planning import Plan, planned
from tests.transfer.documents import said


def test_new_known_and_broken_chats_are_told_apart() -> None:
    new, here, trashed = (said("hi", "ho", title=title) for title in ("new", "here", "trashed"))
    standing = {new.id: "new", here.id: "here", trashed.id: "in_trash"}
    items = [
        Found("Parlour", new.id, new, 2),
        Found("Parlour", new.id, new, 2),
        Found("Parlour", here.id, here),
        Found("Parlour", trashed.id, trashed),
        Skipped("damaged", "x"),
        Skipped("empty", "y"),
        Skipped("empty", "z"),
        Spend(new.messages[1].attempts),
    ]
    plan = planned(items, lambda found: standing[found.source_id])
    assert (plan.conversations, plan.messages, plan.attempts, plan.left_out) == (1, 2, 2, 2)
    assert (plan.duplicates, plan.in_trash, plan.n_skipped) == (2, 1, 3)
    assert plan.reasons == (("damaged", 1), ("empty", 2))
    assert plan.sources == ("Parlour",)


def test_a_file_of_known_chats_brings_nothing() -> None:
    chat = said("hi")
    assert not planned([Found("Parlour", chat.id, chat)], lambda _: "here").brings_something
    assert not Plan().brings_something
