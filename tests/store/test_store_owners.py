"""Every function of the store, called by a stranger with another owner's ids: nothing is read, nothing changed.

The list of functions is made from the store itself, so a new function is tested, or fails here for want of an
argument to try.
"""

from __future__ import annotations

import base64
import inspect
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import msgspec
import pytest
from msgspec import structs
from sqlalchemy import select

from lib.attachments.attachment import Attachment, Form
from lib.bills.line import Bill, BillLine
from lib.budgets import Budget
from lib.cards import GatewayCard, ListedModel, Prices, WireForm
from lib.errors import ParlourError
from lib.ids import id_at, new_id
from lib.insight_words import Filter
from lib.ledger import Cost, ModelRef
from lib.messages import ImagePart, Params, TextPart
from lib.price_book.rules import multiplier
from lib.search import parse
from lib.store import Store, opening
from lib.store.budget_rows import Charge
from lib.store.open_requests import OpenRequest
from lib.store.rows import Only, Settings, StoredKey
from lib.store.schema import metadata
from lib.transfer.document import AttemptCopy, ConversationCopy, Found, ModelCopy
from tests.store.acts import answered, attempt, begin, end, turn

MARK = "MARKED-AS-MINE"
MARKS = (MARK.encode(), base64.b64encode(MARK.encode()[:12]))
"""As words, and as bytes in JSON."""
REF = ModelRef(7, MARK, MARK, MARK, MARK)
PARTS = ("answers", "conversations", "gateways", "ledger", "models", "preferences", "prices", "queue")
OF_THE_PRODUCING_PROCESS = {
    "answers.checkpoint",
    "answers.finish",
    "answers.heartbeat",
    "answers.new_attempt",
    "answers.sweep",
    "budgets.sweep",
}
"""They take an answer's internal id, which never leaves the process (or, the sweep, no id at all)."""


def functions() -> Iterator[tuple[str, str]]:
    """(part, function) for all public functions of all parts of a store."""
    for part, kind in _parts().items():
        for name, _ in inspect.getmembers(kind, inspect.isfunction):
            if not name.startswith("_"):
                yield part, name


def _parts() -> dict[str, type]:
    classes = (opening.Answers, opening.Conversations, opening.Gateways, opening.Ledger)
    more = (opening.Models, opening.Preferences, opening.PriceBook, opening.Queue)
    transfer = {"transfers": opening.Transfers, "shares": opening.Shares}
    tree = {"messages": opening.Messages, "trash": opening.Trash}
    composer = {"drafts": opening.Drafts, "presets": opening.Presets}
    usage = {"insight": opening.Insight}
    files = {"attachments": opening.Attachments, "batches": opening.Batches}
    order = {"folders": opening.Folders, "organising": opening.Organising, "search": opening.Search}
    money = {"budgets": opening.Budgets, "price_rules": opening.PriceRules, "repricing": opening.Repricing}
    papers = {"statements": opening.Statements, "bills": opening.Bills}
    every = dict(zip(PARTS, (*classes, *more), strict=True))
    return every | transfer | tree | composer | order | files | usage | money | papers


BY_TOKEN = {"shares.page"}
"""Whoever has the token may read: that is what a link is."""
UNGUARDED = OF_THE_PRODUCING_PROCESS | BY_TOKEN
GUARDED = [(part, name) for part, name in functions() if f"{part}.{name}" not in UNGUARDED]


def picture(name: str) -> Attachment:
    """A waiting picture in one size."""
    part = ImagePart("image/png", name.encode(), name=name)
    return Attachment(name, "image", "image/png", 9, (Form("small", (part,)),), "small", thumb=part)


class Mine:
    """An owner with a row in every table, each holding the mark; `arguments` are the ids a thief would use."""

    def __init__(self, store: Store) -> None:
        owner = self.owner = store.owner()
        store.accounts.end_login(store.accounts.add(MARK, MARK, MARK).owner, new_id(), 1 << 60)
        gateway = store.gateways.add(owner, GatewayCard(0, MARK, f"https://{MARK}"))
        store.gateways.set_key(owner, gateway.id, StoredKey(MARK.encode(), b"nonce", MARK))
        store.gateways.learn(owner, gateway.id, MARK, WireForm(dropped=(MARK,)))
        store.gateways.save_settings(owner, gateway.id, {"note": MARK})
        listed = (ListedModel(MARK, Prices(1, 2, currency=MARK)),)
        store.models.save_list(owner, gateway.id, fetched_ms=1, raw_json=MARK, models=listed)
        store.prices.note_list(owner, gateway.id, listed)
        version = store.prices.set_entered(owner, gateway.id, MARK, Prices(3, 4, currency=MARK), note=MARK)
        store.preferences.set(owner, "name", MARK)
        done = answered(store, MARK, answer=MARK, ref=REF)
        store.answers.finish(
            begin(store, MARK, ref=REF).answer_id,
            end(attempt(usage_raw=MARK, cost=Cost(nano=1, currency=MARK)), text=MARK),
        )
        running = begin(store, MARK, conversation=done.conversation, parent=done.message, ref=REF, key="mine")
        store.answers.checkpoint(running.answer_id, MARK, MARK)
        binned = answered(store, MARK, answer=MARK, ref=REF)
        store.messages.delete(owner, binned.conversation, binned.message)
        store.conversations.delete(owner, answered(store, MARK, ref=REF).conversation)
        store.drafts.set(owner, done.conversation, MARK)
        folder = store.folders.add(owner, MARK)
        store.organising.move(owner, [done.conversation], folder.public_id)
        store.organising.tag(owner, [done.conversation], MARK)
        preset = store.presets.add(owner, MARK, Settings(system=MARK))
        item = store.queue.add(owner, done.conversation, (TextPart(MARK),), REF, system=MARK)
        event = store.ledger.latest(owner)[0].id
        share, _ = store.shares.add(owner, done.conversation, MARK.encode(), lives_ms=1 << 40, with_costs=True)
        run = store.transfers.begin_import(owner, MARK, MARK)
        spent = AttemptCopy(MARK, 1_700_000_000_000, ModelCopy(MARK))
        copy = ConversationCopy(MARK, MARK, 1_700_000_000_000, 1_700_000_000_000, spend=(spent,))
        store.transfers.take(owner, run, Found("Parlour", MARK, copy))
        waiting = store.attachments.add(owner, done.conversation, picture(MARK))
        batch = store.batches.create(owner, MARK, MARK, system=MARK)
        rows = store.batches.add_rows(owner, batch.public_id, [(MARK, (TextPart(MARK),))] * 2)
        batch_run = store.batches.add_run(owner, batch.public_id, REF)
        store.batches.set_run_state(owner, batch_run.public_id, "running", epoch="this process")
        asked = (batch_run.public_id, rows[0].public_id)
        told = store.answers.begin(owner, turn(MARK, ref=REF), epoch="here", purpose="batch", batch_row=asked)
        store.answers.finish(told.answer_id, end(attempt(told.attempt_id), text=MARK))
        budget = store.budgets.add(owner, Budget("month", 1, MARK))
        charge, held = Charge(5, 5, MARK, override=True), new_id()
        store.budgets.reserve(owner, held, REF, charge, epoch="here", conversation=done.conversation)
        budget = store.budgets.change(owner, budget.public_id, Budget("month", 10**12, MARK))
        rule = store.price_rules.add(owner, multiplier(gateway.id, MARK, "0.3", label=MARK))
        march = structs.replace(attempt(id_at(1_741_000_000_000)), model_requested=MARK, cost=Cost(1, currency=MARK))
        march = structs.replace(march, model_reported=f"{MARK} 2", anomaly=MARK)
        store.ledger.record(owner, REF, (march,))
        store.ledger.open(owner, OpenRequest(new_id(), REF), epoch="here", conversation=done.conversation)
        closed = store.statements.close(owner, "2025-03", "UTC")
        line = BillLine(2, None, MARK, 1, 1, 1, MARK, (MARK,))
        bill = store.bills.add(owner, gateway.id, Bill("mapped", (line,)), MARK)
        pointers = [structs.replace(part, name="") for part in waiting.parts if isinstance(part, ImagePart)]
        self.of_part: dict[str, dict[str, Any]] = {
            "attachments": {"public_id": waiting.public_id, "form": "small", "parts": tuple(pointers)},
            "bills": {"bill": Bill("mapped", (line,)), "public_id": bill.public_id},
            "budgets": {"public_id": budget.public_id, "attempt_id": held},
            "answers.begun_by": {"key": "mine"},
            "queue.add": {"key": item.public_id},
            "price_rules": {"public_id": rule.public_id, "rule": rule.rule},
            "prices.enter_many": {"prices": {MARK: Prices(9, 9)}},
            "prices.take_back": {"models": (MARK,)},
            "statements": {"public_id": closed.public_id},
            "batches": {"run": batch_run.public_id, "prompt": "stolen", "message": told.message},
        }
        self.arguments: dict[str, Any] = {
            "attached": (waiting.public_id,),
            "attachment": picture("stolen"),
            "batch": batch.public_id,
            "batch_row": (batch_run.public_id, rows[1].public_id),
            "budget": Budget("conversation", 1, subject=done.conversation),
            "budget_nano": 5,
            "charge": Charge(1, 1),
            "month": "2025-02",
            "references": None,
            "ruled": (),
            "request": OpenRequest(new_id(), REF),
            "then": None,
            "silent": None,
            "settles": held,
            "currency": "USD",
            "fields": (),
            "from_place": done.conversation,
            "given": [waiting, ("stolen", tuple(pointers))],
            "media": ("image", "video"),
            "media_in": 0,
            "most": 60,
            "n": "thumb",
            "only_from": None,
            "parallel": 1,
            "place": done.conversation,
            "problems": (),
            "quota_bytes": 1 << 30,
            "row": rows[0].public_id,
            "rows": [row.public_id for row in rows],
            "stale_ms": 0,
            "state": "done",
            "states": ("waiting", "done"),
            "to_place": "new",
            "values": {"stolen": 1},
            "after": -1,
            "answer_id": None,
            "asked": parse(MARK),
            "chats": [done.conversation, binned.conversation],
            "cursor": None,
            "folder": folder.public_id,
            "on": True,
            "at_ms": None,
            "backwards": False,
            "days": 2,
            "filter": Filter(date(2020, 1, 1), date(2100, 1, 1)),
            "grain": None,
            "order": "cost",
            "seed": 1,
            "attempt_id": None,
            "attempts": (),
            "before": done.conversation,
            "before_id": None,
            "by": (),
            "card": GatewayCard(gateway.id, "stolen", "https://thief"),
            "chars_in": 0,
            "clears_draft": True,
            "content": "stolen",
            "conversation": done.conversation,
            "cost": Cost(nano=0),
            "default": None,
            "deleted": False,
            "demo": False,
            "end": date(2100, 1, 1),
            "epoch": "thief",
            "event_id": event,
            "fetched_ms": 2,
            "file_name": "stolen.json",
            "form": WireForm(),
            "found": Found("stolen", "stolen", ConversationCopy("stolen-1", "stolen", 1, 1)),
            "from_queue": item.public_id,
            "gateway_id": gateway.id,
            "index": 0,
            "item": item.public_id,
            "key": StoredKey(b"x", b"y", "z"),
            "kind": "manual",
            "kinds": ("d", "m", "q", "h", "s", "t"),
            "last": None,
            "leaf": done.message,
            "limit": 1000,
            "lives_ms": 1000,
            "max_out_cap": None,
            "message": running.message,
            "model": MARK,
            "models": (ListedModel("stolen", Prices(9, 9)),),
            "name": "name",
            "names": ("UTC", "Asia/Kathmandu"),
            "note": "stolen",
            "now_ms": 1 << 50,
            "older_than_days": 0,
            "only": Only(),
            "page": b"stolen",
            "params": Params(),
            "parts": (TextPart("stolen"),),
            "paused": True,
            "preset": preset.public_id,
            "prices": Prices(9, 9),
            "public_id": done.conversation,
            "purpose": "chat",
            "query": "",
            "raw_json": "[]",
            "reason": "stolen",
            "ref": REF,
            "run": run,
            "settings": Settings(system="stolen"),
            "share": share.public_id,
            "slot": "demo",
            "source": "gateway",
            "start": date(2020, 1, 1),
            "system": "",
            "text": "stolen",
            "title": "stolen",
            "turn": turn("stolen", conversation=done.conversation, parent=done.message, ref=ModelRef(1, "other")),
            "valid_from_ms": None,
            "value": "stolen",
            "version_id": version,
            "with_costs": True,
            "zone": "UTC",
        }

    def rows(self, store: Store) -> dict[str, list[Any]]:
        """Everything this owner has, table by table."""
        tables = [table for table in metadata.tables.values() if "owner_id" in table.c]
        query = {table.name: select(table).where(table.c.owner_id == self.owner) for table in tables}
        read = store._db.read(lambda connection: {name: connection.execute(query[name]).all() for name in query})
        return {name: sorted(map(tuple, rows), key=repr) for name, rows in read.items()}

    def call(self, store: Store, part: str, name: str, owner: int) -> Any:
        function: Callable[..., Any] = getattr(getattr(store, part), name)
        names = [name for name in inspect.signature(function).parameters if name != "owner"]
        given = self.arguments | self.of_part.get(part, {}) | self.of_part.get(f"{part}.{name}", {})
        found = function(owner, **{name: given[name] for name in names})
        return list(found) if isinstance(found, Iterator) else found


@pytest.mark.parametrize(("part", "name"), GUARDED, ids=[f"{part}.{name}" for part, name in GUARDED])
def test_the_owner_comes_first(part: str, name: str) -> None:
    parameters = list(inspect.signature(getattr(_parts()[part], name)).parameters)
    assert parameters[1] == "owner"


def test_a_stranger_reads_and_changes_nothing(store: Store) -> None:
    mine, stranger = Mine(store), new_id()
    before = mine.rows(store)
    assert [name for name, rows in before.items() if not rows] == []
    for part, name in GUARDED:
        try:
            answer = mine.call(store, part, name, stranger)
        except ParlourError as error:
            assert MARK not in repr(error)
        else:
            assert not any(mark in msgspec.json.encode(answer) for mark in MARKS), (part, name)
        assert mine.rows(store) == before, (part, name)


def test_the_owner_does_read_what_the_stranger_could_not(store: Store) -> None:
    mine = Mine(store)
    seen = set()
    for part, name in GUARDED:
        if name in ("get", "list", "transcript", "latest", "history", "load_list", "running", "event", "peek", "anomalies",
                    "reported_models"):  # fmt: skip
            found = msgspec.json.encode(mine.call(store, part, name, mine.owner))
            if MARK.encode() in found:
                seen.add(f"{part}.{name}")
    assert {"insight.anomalies", "insight.reported_models"} <= seen
    assert {"conversations.list", "conversations.transcript", "ledger.latest", "prices.history", "queue.list"} <= seen
