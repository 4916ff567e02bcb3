"""What lies beside the conversations, on paper: drafts, queues, attachments, presets, batches, links, money kept aside.

Each deed is done in the store and in plain lists; `check` compares both. Conversations are the clerk's (`clerk.py`).
"""

from __future__ import annotations

from itertools import count

import pytest
from msgspec import structs

from lib.budgets import Budget
from lib.cards import Prices
from lib.errors import BadInput, NotFound
from lib.ids import id_at, new_id
from lib.ledger import Cost
from lib.local_time import month_window, zone_of
from lib.messages import TextPart
from lib.store.budget_rows import Charge
from lib.store.rows import Settings
from tests.store.acts import attempt
from tests.store.clerk import Clerk, Spent
from tests.store.test_store_owners import picture

Named = list[tuple[str, str]]
"""(public id, words), in order."""
MONTHS = ("2024-11", "2024-12", "2025-03", "2025-10")
NEW = "new"
"""Where files wait for a conversation that is not there yet."""
EUR = Budget("person", 10**9, currency="EUR", period="always")


class Books:
    """Everything of one owner that is not a message."""

    def __init__(self, clerk: Clerk) -> None:
        self.clerk, self.store, self.owner = clerk, clerk.store, clerk.owner
        self.store.budgets.add(self.owner, EUR)
        self.drafts: dict[str, str] = {}
        self.queued: dict[str, Named] = {}
        self.waiting: dict[str, Named] = {NEW: []}
        self.presets: Named = []
        self.batches: dict[str, tuple[str, Named]] = {}
        self.binned: dict[str, tuple[str, Named]] = {}
        self.links: dict[str, tuple[str, str]] = {}
        self.prices: dict[str, list[Prices]] = {}
        self.closed: dict[str, str] = {}
        self.stated: dict[int, int] = {}
        self._numbers = count(1)

    def word(self) -> str:
        return f"word {next(self._numbers)}"

    # --- beside a conversation --------------------------------------------------------------------------------------

    def draft(self, chat: str) -> None:
        text = self.word() if next(self._numbers) % 3 else ""
        self.store.drafts.set(self.owner, chat, text)
        self.drafts[chat] = text

    def queue(self, chat: str, at: int) -> None:
        """Wait in line, change what waits, or take it out."""
        items, text = self.queued.setdefault(chat, []), self.word()
        if not items or at % 4 == 0:
            made = self.store.queue.add(self.owner, chat, (TextPart(text),), self.clerk.ref)
            items.append((made.public_id, text))
            return
        item = items[at % len(items)]
        match at % 4:
            case 1:
                self.store.queue.update(self.owner, item[0], text)
                items[items.index(item)] = (item[0], text)
            case 2:
                self.store.queue.move(self.owner, item[0], at % 3)
                items.remove(item)
                items.insert(at % 3, item)
            case 3:
                found = self.store.queue.pop_next(self.owner, chat)
                assert found is not None and found.public_id == items.pop(0)[0]

    def attach(self, place: str, other: str, at: int) -> None:
        """Let a file wait, put it elsewhere, or take it away."""
        here, name = self.waiting.setdefault(place, []), self.word()
        if not here or at % 3 == 0:
            here.append((self.store.attachments.add(self.owner, place, picture(name)).public_id, name))
        elif at % 3 == 1:
            moved = 0 if place == other else len(here)
            assert self.store.attachments.move_place(self.owner, place, other) == moved
            if moved:
                self.waiting.setdefault(other, []).extend(here)
                self.waiting[place] = []
        else:
            self.store.attachments.remove(self.owner, here.pop(at % len(here))[0])

    def link(self, chat: str, at: int) -> None:
        if self.links and at % 3 == 0:
            share = list(self.links)[at % len(self.links)]
            self.store.shares.revoke(self.owner, share)
            del self.links[share]
            return
        page = self.word()
        share, token = self.store.shares.add(self.owner, chat, page.encode(), lives_ms=1 << 40, with_costs=True)
        assert self.store.shares.page(token).decode() == page
        self.links[share.public_id] = (chat, token)

    def follow(self) -> None:
        """Conversations that were destroyed take all of this with them; a link ends when its own is deleted."""
        gone = (set(self.drafts) | set(self.queued) | set(self.waiting)) - set(self.clerk.chats) - {"", NEW}
        for name in gone:
            self.drafts.pop(name, None)
            self.queued.pop(name, None)
            self.waiting.pop(name, None)
        for share, (chat, token) in list(self.links.items()):
            if chat not in self.clerk.chats or self.clerk.chats[chat].deleted:
                del self.links[share]
                with pytest.raises(NotFound):
                    self.store.shares.page(token)

    # --- a library, and work in bulk --------------------------------------------------------------------------------

    def preset(self, at: int) -> None:
        words = self.word()
        if not self.presets or at % 4 == 0:
            self.presets.append((self.store.presets.add(self.owner, words, Settings(system=words)).public_id, words))
            return
        one = self.presets[at % len(self.presets)]
        match at % 4:
            case 1:
                self.store.presets.update(self.owner, one[0], words, Settings(system=words))
                self.presets[self.presets.index(one)] = (one[0], words)
            case 2:
                self.store.presets.move(self.owner, one[0], at % 3)
                self.presets.remove(one)
                self.presets.insert(at % 3, one)
            case 3:
                self.store.presets.remove(self.owner, one[0])
                self.presets.remove(one)

    def batch(self, at: int) -> None:
        words, batches = self.word(), self.store.batches
        if not self.batches or at % 5 == 0:
            self.batches[batches.create(self.owner, words, words).public_id] = (words, [])
            return
        name = list(self.batches)[at % len(self.batches)]
        rows = self.batches[name][1]
        match at % 5:
            case 1:
                batches.rename(self.owner, name, words)
                self.batches[name] = (words, rows)
            case 2 | 3 if at % 5 == 2 or not rows:
                made = batches.add_rows(self.owner, name, [(words, (TextPart(words),))])
                rows.append((made[0].public_id, words))
            case 3:
                batches.remove_row(self.owner, rows.pop(at % len(rows))[0])
            case 4:
                batches.delete(self.owner, name)
                self.binned[name] = self.batches.pop(name)

    def batch_back(self, at: int) -> None:
        if self.binned:
            name = list(self.binned)[at % len(self.binned)]
            self.store.batches.restore(self.owner, name)
            self.batches[name] = self.binned.pop(name)

    # --- money ------------------------------------------------------------------------------------------------------

    def price(self, at: int) -> None:
        model = f"model {at % 3}"
        entered = self.prices.setdefault(model, [])
        if at % 4 == 0 and entered and entered[-1].known:
            assert self.store.prices.take_back(self.owner, self.clerk.ref.gateway_id, [model]) == 1
            entered.append(Prices())
            return
        new = Prices(1_000 + at, next(self._numbers))
        self.store.prices.set_entered(self.owner, self.clerk.ref.gateway_id, model, new, note=self.word())
        entered.append(new)

    def hold(self, at: int) -> None:
        """Money is put aside for a request, or given back."""
        held = self.clerk.held
        if held and at % 2:
            self.store.budgets.release(self.owner, one := list(held)[at % len(held)])
            del held[one]
            return
        made, nano = new_id(), 1_000 + at
        self.store.budgets.reserve(self.owner, made, self.clerk.ref, Charge(nano, nano), epoch="this process")
        held[made] = nano

    def spend_before(self, at: int) -> None:
        """A request of a month that is not closed yet."""
        month, number = MONTHS[at % len(MONTHS)], next(self._numbers)
        if month in self.closed:
            return
        cost = Cost(None if number % 5 == 0 else 10_000 + number, source="gateway")
        id_ = id_at(month_window(month, zone_of("UTC"))[0] + at * 3_600_000) + number
        one = attempt(id_, cost=cost, request_id=f"past {number}")
        self.store.ledger.record(self.owner, self.clerk.ref, (one,))
        self.clerk.spent[f"past {number}"] = Spent(id_, "USD", cost.nano, None)

    def close_month(self, at: int) -> None:
        """What it says is the sum of its requests, with the corrections of the months closed before."""
        month = MONTHS[at % len(MONTHS)]
        if month in self.closed:
            with pytest.raises(BadInput):
                self.store.statements.close(self.owner, month, "UTC")
            return
        owed = sum(self._owed().values())
        self.closed[month] = self.store.statements.close(self.owner, month, "UTC").public_id
        found = self.store.statements.get(self.owner, self.closed[month])
        theirs = {one.event: one.nano or 0 for one in self.clerk.spent.values() if one.event in self._within(month)}
        assert found.n_rows == len(theirs)
        assert sum(one.nano or 0 for one in found.totals) == sum(theirs.values()) + owed
        self.stated |= theirs
        self.stated |= {event: nano for event, nano in self._now().items() if event in self.stated}

    def _within(self, month: str) -> set[int]:
        low, high = (id_at(ms) for ms in month_window(month, zone_of("UTC")))
        return {one.event for one in self.clerk.spent.values() if low <= one.event < high}

    def _now(self) -> dict[int, int]:
        return {one.event: one.nano or 0 for one in self.clerk.spent.values()}

    def _owed(self) -> dict[int, int]:
        """By how much the requests of closed months cost something else than was stated."""
        now = self._now()
        return {event: now[event] - stated for event, stated in self.stated.items()}

    # --- looking ----------------------------------------------------------------------------------------------------

    def check(self) -> None:
        self._check_places()
        assert [(one.public_id, one.name) for one in self.store.presets.list(self.owner)] == self.presets
        for deleted, ours in ((False, self.batches), (True, self.binned)):
            found = self.store.batches.list(self.owner, deleted=deleted)
            assert {one.public_id: (one.name, one.n_rows) for one in found} == {
                name: (words, len(rows)) for name, (words, rows) in ours.items()
            }
        for name, (_, rows) in self.batches.items():
            assert [(row.public_id, row.name) for row in self.store.batches.rows(self.owner, name)] == rows
        assert {one.public_id for one in self.store.shares.list(self.owner)} == set(self.links)
        self._check_money()

    def _check_places(self) -> None:
        alive = ["", *(name for name, chat in self.clerk.chats.items() if not chat.deleted)]
        for place in alive:
            assert self.store.drafts.get(self.owner, place) == self.drafts.get(place, "")
        for place in [NEW, *alive[1:]]:
            waiting = self.store.attachments.list(self.owner, place)
            assert [(one.public_id, one.name) for one in waiting] == self.waiting.get(place, [])
        for chat in alive[1:]:
            items = self.store.queue.list(self.owner, chat)
            assert [one.public_id for one in items] == [name for name, _ in self.queued.get(chat, [])]
            texts = [part.text for one in items for part in one.parts if isinstance(part, TextPart)]
            assert texts == [words for _, words in self.queued.get(chat, [])]

    def _check_money(self) -> None:
        for model, entered in self.prices.items():
            current = self.store.prices.current(self.owner, self.clerk.ref.gateway_id, model)
            assert (current and current.prices) == (entered[-1] if entered[-1].known else None)
            assert len(self.store.prices.history(self.owner, self.clerk.ref.gateway_id, model)) == len(entered)
        standings = {one.kept.budget.currency: one for one in self.store.budgets.standings(self.owner)}
        euros = [one.nano or 0 for one in self.clerk.spent.values() if one.currency == "EUR"]
        assert standings["EUR"].spent_nano == sum(euros)
        assert structs.replace(standings["EUR"].kept.budget, id=0) == EUR
        pending = self.store.statements.pending(self.owner)
        assert sum(one.nano for one in pending) == sum(self._owed().values())
        for name in self.closed.values():
            assert self.store.statements.verify(self.owner, name) == ()
