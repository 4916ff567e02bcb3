"""A careful clerk: everything done to a store is done here as well, in plain dictionaries, so that both can be compared.

It knows every message that was written and not destroyed, where it is, and what every attempt cost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count

from msgspec import structs

from lib.budgets import Budget
from lib.cards import GatewayCard
from lib.ledger import Attempt, Cost
from lib.store import Store
from lib.store.conversations import one_line
from lib.transfer.document import AttemptCopy, ConversationCopy
from tests.store.acts import REF, attempt, begin, end

FILLER = "words enough to fill any title from one end to the other end, then: "
"""Titles are made of first words; what is looked for comes after them."""
COMMON = "kranich"


@dataclass
class Said:
    """One version of one message; `deletion` is the number of the deletion it lies in the trash with."""

    role: str
    parent: str | None
    text: str
    deletion: int | None = None


@dataclass
class Chat:
    """A conversation; `run` is the import that brought it, if nothing was added or destroyed in it since."""

    title: str
    messages: dict[str, Said] = field(default_factory=dict)
    deleted: bool = False
    folder: str = ""
    tags: set[str] = field(default_factory=set)
    pinned: bool = False
    archived: bool = False
    run: str | None = None

    @property
    def live(self) -> dict[str, Said]:
        return {name: said for name, said in self.messages.items() if said.deletion is None}

    def below(self, message: str) -> list[str]:
        """A message and what followed it, as far as it can be seen. Parents were written before their children."""
        found = [message]
        for name, said in self.live.items():
            found += [name] if said.parent in found else []
        return found

    def above(self, message: str | None) -> list[str]:
        """The branch that ends in this message."""
        path: list[str] = []
        while message is not None:
            path.insert(0, message)
            message = self.messages[message].parent
        return path


@dataclass
class Spent:
    """One attempt in the ledger, and the conversation and message it belongs to while these exist."""

    event: int
    currency: str
    nano: int | None
    chat: str | None
    message: str | None = None


class Clerk:
    """The deeds, each done twice: in the store and on paper."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.owner = store.owner()
        self.chats: dict[str, Chat] = {}
        self.spent: dict[str, Spent] = {}
        self.held: dict[int, int] = {}
        card = store.gateways.add(self.owner, GatewayCard(0, "Mine", "https://gateway.example"))
        self.ref = structs.replace(REF, gateway_id=card.id)
        store.budgets.add(self.owner, Budget("person", 10**12, period="always"))
        self.said = 0
        self._numbers = count(1)

    # --- asked and answered -----------------------------------------------------------------------------------------

    def ask(self, chat: str | None, parent: str | None) -> str:
        """A question at the end of a branch (a new conversation for None), answered; the answer's name."""
        text = self._words()
        begun = begin(self.store, text, conversation=chat, parent=parent, ref=self.ref)
        there = self.chats.setdefault(begun.conversation, Chat(title=one_line(text, 60)))
        there.messages[begun.user_message] = Said("user", parent, text)
        return self._end(begun.conversation, begun.message, begun.user_message, begun.answer_id, begun.attempt_id, "")

    def answer(self, chat: str, asked: str, *, continues: str | None = None) -> str:
        """Another answer to the same question; with `continues` it goes on where that one ended."""
        kept = self.chats[chat].messages[continues].text if continues else ""
        begun = begin(self.store, "", conversation=chat, parent=asked, ref=self.ref, continues=continues, kept=kept)
        return self._end(chat, begun.message, asked, begun.answer_id, begun.attempt_id, kept)

    def _end(self, chat: str, message: str, asked: str, answer_id: int, attempt_id: int, kept: str) -> str:
        text, attempts = kept + self._words(), self._attempts(attempt_id)
        self.store.answers.finish(answer_id, end(*attempts, text=text))
        self.chats[chat].messages[message] = Said("assistant", asked, text)
        self.chats[chat].run = None
        self._note(attempts, chat, message)
        return message

    def _words(self) -> str:
        """A text with a word of its own, and one that all have."""
        self.said += 1
        return f"{FILLER}w{self.said}w {COMMON}. "

    def _attempts(self, attempt_id: int) -> tuple[Attempt, ...]:
        """One attempt, sometimes after one that failed; some have no price, some another currency."""
        number = next(self._numbers)
        currency = "EUR" if number % 7 == 0 else "USD"
        cost = Cost(None if number % 4 == 0 else 1_000 + number, source="gateway", currency=currency)
        found = attempt(attempt_id, cost=cost, request_id=f"r{number}")
        if number % 5:
            return (found,)
        failed = attempt(attempt_id, cost=Cost(), request_id=f"r{number}f", outcome="failed", usage_source="none")
        return (failed, structs.replace(attempt(cost=cost, request_id=f"r{number}"), number=2))

    def _note(self, attempts: Iterable[Attempt], chat: str | None, message: str | None) -> None:
        for one in attempts:
            assert one.request_id
            self.spent[one.request_id] = Spent(one.id, one.cost.currency, one.cost.nano, chat, message)

    def name_by_model(self, chat: str) -> None:
        """A title's price: an attempt that belongs to no message."""
        (one, *_) = self._attempts(attempt().id)
        self.store.ledger.record(self.owner, self.ref, (structs.replace(one, purpose="title"),), conversation=chat)
        self._note((one,), chat, None)

    def correct(self, at: int) -> None:
        """A bill came: another cost for some attempt."""
        spent = list(self.spent.values())[at % len(self.spent)]
        spent.nano = 50_000 + next(self._numbers)
        cost = Cost(nano=spent.nano, currency=spent.currency, source="entered")
        self.store.ledger.add_cost(self.owner, spent.event, "manual", cost, "a bill came")

    # --- versions ---------------------------------------------------------------------------------------------------

    def edit(self, chat: str, message: str, *, send: bool) -> None:
        """Other words beside the old ones; a question may be asked with them at once."""
        old, text = self.chats[chat].messages[message], self._words()
        name = self.store.messages.edit(self.owner, chat, message, text)
        self.chats[chat].messages[name] = Said(old.role, old.parent, text)
        self.chats[chat].run = None
        if send and old.role == "user":
            self.answer(chat, name)

    def fork(self, chat: str, message: str) -> None:
        """The branch up to a message, once more."""
        old = self.chats[chat]
        name = self.store.messages.fork(self.owner, chat, message)
        copies = self.store.conversations.transcript(self.owner, name).messages
        branch = [old.messages[one] for one in old.above(message)]
        new = Chat(title=one_line(f"{old.title} (fork)", 200), folder=old.folder)
        for copied, said in zip(copies, branch, strict=True):
            parent = next(reversed(new.messages), None)
            new.messages[copied.public_id] = Said(said.role, parent, said.text)
        self.chats[name] = new

    # --- the trash --------------------------------------------------------------------------------------------------

    def delete(self, chat: str, message: str) -> None:
        gone, number = self.chats[chat].below(message), next(self._numbers)
        assert self.store.messages.delete(self.owner, chat, message) == len(gone)
        for name in gone:
            self.chats[chat].messages[name].deletion = number

    def delete_chat(self, chat: str) -> None:
        self.store.conversations.delete(self.owner, chat)
        self.chats[chat].deleted = True

    def trashed(self) -> list[tuple[str, str | None, int]]:
        """What can be restored: (conversation, topmost message or None, how many messages come back)."""
        found: list[tuple[str, str | None, int]] = []
        for name, chat in self.chats.items():
            if chat.deleted:
                found.append((name, None, len(chat.live)))
                continue
            sizes = Counter(said.deletion for said in chat.messages.values())
            for top, said in chat.messages.items():
                above = chat.messages[said.parent].deletion if said.parent else None
                if said.deletion is not None and above != said.deletion:
                    found.append((name, top, sizes[said.deletion]))
        return found

    def undo(self, at: int) -> None:
        """Bring something back from the trash, with what hides it."""
        if not (trashed := self.trashed()):
            return
        name, message, _ = trashed[at % len(trashed)]
        if message is None:
            self.store.conversations.restore(self.owner, name)
            self.chats[name].deleted = False
            return
        self.store.messages.restore(self.owner, name, message)
        messages = self.chats[name].messages
        back = {messages[above].deletion for above in self.chats[name].above(message)}
        for said in messages.values():
            said.deletion = None if said.deletion in back else said.deletion

    def purge(self) -> None:
        """Empty the trash: from here on those messages need not be anywhere, but what they cost must."""
        self.store.trash.purge(self.owner, 4_000_000_000_000, 0)
        for name, chat in list(self.chats.items()):
            gone = {one for one, said in chat.messages.items() if said.deletion is not None or chat.deleted}
            for one in gone:
                del chat.messages[one]
                chat.run = None
            if chat.deleted:
                del self.chats[name]
            for spent in self.spent.values():
                spent.message = None if spent.message in gone else spent.message
                spent.chat = None if chat.deleted and spent.chat == name else spent.chat

    # --- order ------------------------------------------------------------------------------------------------------

    def organise(self, chat: str, at: int) -> None:
        """Pin, archive, move or tag it, or take that back."""
        there, deeds, on = self.chats[chat], self.store.organising, at % 2 == 0
        match at // 2 % 4:
            case 0:
                deeds.pin(self.owner, [chat], on=on)
                there.pinned = on
            case 1:
                deeds.archive(self.owner, [chat], on=on)
                there.archived, there.pinned = on, there.pinned and not on
            case 2:
                there.folder = "Work" if on else ""
                deeds.move(self.owner, [chat], self.store.folders.add(self.owner, "Work").public_id if on else None)
            case 3:
                deeds.tag(self.owner, [chat], "Blue", on=on)
                there.tags = {"Blue"} if on else set()

    # --- imports ----------------------------------------------------------------------------------------------------

    def came_back(self, run: str, copies: Iterable[ConversationCopy]) -> None:
        """An own export was imported: what was destroyed since is here again, with what it had cost."""
        for copy in copies:
            if copy.id in self.chats:
                continue
            said = {one.id: Said(one.role, one.parent, one.text) for one in copy.messages}
            place = (copy.folder, set(copy.tags), copy.pinned_ms is not None, copy.archived_ms is not None)
            self.chats[copy.id] = Chat(copy.title, said, False, *place, run=run)
            for message in copy.messages:
                self._belong(message.attempts, copy.id, message.id)
            self._belong(copy.spend, copy.id, None)

    def _belong(self, attempts: Iterable[AttemptCopy], chat: str, message: str | None) -> None:
        for one in attempts:
            spent = self.spent[one.request_id or ""]
            spent.chat, spent.message = chat, message

    def undone(self, run: str) -> None:
        """An import was undone: what it brought is gone, unless it was gone on with. The spend was made here."""
        for name, chat in list(self.chats.items()):
            if chat.run == run:
                del self.chats[name]
                for spent in self.spent.values():
                    if spent.chat == name:
                        spent.chat = spent.message = None
