"""A data folder in which every place that shows words of others holds hostile ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct, structs

from lib.attachments.attachment import Attachment, Form
from lib.batch import Field
from lib.cards import GatewayCard
from lib.ids import id_at, new_public_id, now_ms
from lib.keys import KeyBox
from lib.ledger import Cost, ModelRef
from lib.messages import FilePart, ImagePart, Part
from lib.price_book.rules import Multiplier
from lib.secret import Secret
from lib.settings import origin_of
from lib.store import Store, open_store
from lib.store.rows import Settings, StoredKey
from lib.transfer.as_page import to_page
from tests.store.acts import REF, attempt, end, turn

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8ffff3f0005fe02fea7355b2d"
    "0000000049454e44ae426082"
)
SHOWN = 40
"""Of things that stand on one page with a form each, at most so many are made: a quarter of the texts."""
MONTH = "2026-01"


class Filled(Struct, frozen=True):
    """Where the words are: `chats` hold all of them in questions, answers and thoughts; the papers are whole pages."""

    folder: Path
    chats: tuple[str, ...]
    failed: str
    batch: str
    shares: tuple[str, ...]
    exports: tuple[str, ...]
    statement: str


def groups(texts: Sequence[str], size: int = 48) -> list[str]:
    """The texts as messages, each one a block of its own. What would swallow all that follows comes last."""
    calm = [text for text in texts if not _swallows(text)]
    greedy = [text for text in texts if _swallows(text)]
    blocks = [calm[at : at + size] for at in range(0, len(calm), size)]
    for at, text in enumerate(greedy):
        blocks[at % len(blocks)].append(text)
    return ["\n\n---\n\n".join(block) for block in blocks]


def _swallows(text: str) -> bool:
    return text.count("```") % 2 == 1 or "<!--" in text or text.count("$$") % 2 == 1 or text.startswith("~~~")


def fill(folder: Path, texts: Sequence[str], base_url: str) -> Filled:
    """Make the database in `folder`. `texts` are the hostile ones, `base_url` is where the gateway
    of the environment is, and the others seem to be below it."""
    store = open_store("", folder)
    try:
        card = GatewayCard(0, "127.0.0.1", base_url, origin_of_key="environment")
        store.gateways.ensure(store.owner(), card, slot="environment:127.0.0.1")  # the first is asked
        _names(store, texts, base_url, KeyBox(folder))
        _spend(store, texts)
        chats = tuple(_chats(store, texts))
        failed = _failed(store, texts)
        batch = _batch(store, texts)
        copies = [store.transfers.copy(store.owner(), chat, media=("image",)) for chat in chats]
        pages = [to_page(copy, note=texts[0]) for copy in copies]
        shares = tuple(_share(store, chat, page) for chat, page in zip(chats, pages, strict=True))
        closed = store.statements.close(store.owner(), MONTH, "UTC")
        statement = store.statements.html(store.owner(), closed.public_id)
        _titles(store, texts)
        return Filled(folder, chats, failed, batch, shares, tuple(pages), statement)
    finally:
        store.close()


def _names(store: Store, texts: Sequence[str], base_url: str, keys: KeyBox) -> None:
    owner, secret = store.owner(), Secret("sk-named-by-a-stranger-0123456789")
    some = spread(texts, min(SHOWN, len(texts) // 4))
    for text in some:
        store.folders.add(owner, text or "x")
        kept = store.gateways.add(owner, GatewayCard(0, text, f"{base_url}/{new_public_id()}"))
        sealed = keys.seal(secret, owner=owner, gateway=kept.public_id, origin=origin_of(kept.base_url))
        store.gateways.set_key(owner, kept.id, StoredKey(*sealed, secret.hint))
    for text in spread(texts, 60):
        store.presets.add(owner, text, Settings(system=text))
    gateway = store.gateways.list(owner)[0].id
    for text in some:
        store.price_rules.add(owner, Multiplier(gateway, text, "0.3", "vendor", text, text))
    for place in ("new", "look", "batch"):
        for text in some[:10]:
            parts: tuple[Part, ...] = (ImagePart("image/png", PIXEL, name=text, width=1, height=1, caption=text),)
            form = Form("original", parts, text)
            store.attachments.add(owner, place, Attachment(text, "image", "image/png", len(PIXEL), (form,), "original"))


def spread(texts: Sequence[str], most: int) -> list[str]:
    """At most so many of them, from everywhere in the list."""
    return (
        list(dict.fromkeys(texts[at * len(texts) // most] for at in range(most))) if len(texts) > most else list(texts)
    )


def _spend(store: Store, texts: Sequence[str]) -> None:
    """A request of January and one of yesterday with each of 120 texts as model, base, family and variant."""
    at = int(datetime(2026, 1, 15, 12, tzinfo=UTC).timestamp() * 1000)
    gateway = store.gateways.list(store.owner())[0].id
    for n, text in enumerate(spread(texts, 120)):
        ref = ModelRef(gateway, text[:200], text[:200], text[:100], text[:100])
        for month, event in ((0, id_at(at + n) | 1), (1, id_at(now_ms() - 86_400_000 - n) | 1)):
            one = attempt(
                event, model_requested=text, model_reported=text, response_id=text, request_id=text, error_kind=None,
                finish_reason=text, anomaly=text if n % 3 == 0 else None, started_ms=at if not month else now_ms() - 86_400_000,
                ended_ms=at + 5 if not month else now_ms() - 86_390_000, usage_raw=text, cost=Cost(nano=1_000 + n, output_nano=1_000 + n, source="gateway"),
            )  # fmt: skip
            store.ledger.record(store.owner(), ref, (one,))


def _chats(store: Store, texts: Sequence[str]) -> Iterator[str]:
    """Whole conversations of question and answer."""
    for n, words in enumerate(groups(texts)):
        names = texts[n * 8 : n * 8 + 8]
        files: tuple[Part, ...] = tuple(
            ImagePart("image/png", PIXEL, name=name, caption=name, width=1, height=1) for name in names
        )
        files += tuple(FilePart(name, name) for name in names)
        asked = turn(words, ref=structs.replace(REF, model=texts[n], base=texts[n]))
        asked = structs.replace(asked, parts=(*files, *asked.parts), system=words)
        begun = store.answers.begin(store.owner(), asked, epoch="x")
        kinds = tuple(texts[n : n + 5])
        store.answers.finish(
            begun.answer_id,
            end(
                attempt(begun.attempt_id, model_reported=texts[n]),
                text=words,
                reasoning=words,
                reasoning_ms=900,
                repaired=kinds,
            ),
        )
        store.organising.tag(store.owner(), [begun.conversation], texts[n][:60] or "x")
        yield begun.conversation


def _failed(store: Store, texts: Sequence[str]) -> str:
    """One conversation in which the gateway refused with the words of each group."""
    chat, parent = new_public_id(), None
    for n, words in enumerate(groups(texts, 24)):
        begun = store.answers.begin(store.owner(), turn(f"try {n}", conversation=chat, parent=parent), epoch="x")
        error = attempt(
            begun.attempt_id, outcome="error", error_kind="bad_request", error_message=words, http_status=400
        )
        store.answers.finish(
            begun.answer_id, end(error, state="failed", text="", error_kind="bad_request", error_message=words)
        )
        parent = begun.message
    return chat


def _batch(store: Store, texts: Sequence[str]) -> str:
    owner, some = store.owner(), spread(texts, min(24, len(texts) // 4))
    fields = tuple(Field(f"{n} {text}"[:60], "text", text) for n, text in enumerate(some[:6]))
    made = store.batches.create(owner, some[0], some[1], fields=fields, system=some[2])
    for text in some:
        store.batches.create(owner, text, text)
    rows = [(text, (ImagePart("image/png", PIXEL, name=text, caption=text), FilePart(text, text))) for text in some]
    kept = store.batches.add_rows(owner, made.public_id, rows)
    run = store.batches.add_run(owner, made.public_id, structs.replace(REF, model=some[3], base=some[3])).public_id
    store.batches.set_run_state(owner, run, "running", epoch="x")
    for row, text in zip(kept, some, strict=True):
        (waiting,) = store.batches.next_waiting(owner, run)
        asked = turn(text, conversation=waiting.row.conversation, lane=run)
        begun = store.answers.begin(owner, asked, epoch="x", purpose="batch", batch_row=(run, waiting.row.public_id))
        store.answers.finish(begun.answer_id, end(attempt(begun.attempt_id, purpose="batch"), text=text))
        values = {field.name: text for field in fields}
        store.batches.record_result(owner, run, row.public_id, state="invalid", values=values, problems=(text,))
    store.batches.set_run_state(owner, run, "done")
    return made.public_id


def _share(store: Store, chat: str, page: str) -> str:
    data = page.encode("utf-8", "replace")
    return store.shares.add(store.owner(), chat, data, lives_ms=86_400_000, with_costs=True)[1]


def _titles(store: Store, texts: Sequence[str]) -> None:
    """A conversation with each text as its title; some of them deleted."""
    owner = store.owner()
    for n, text in enumerate(texts):
        made = store.conversations.create(owner, title=text)
        if n % 20 == 0:
            gone = store.conversations.create(owner, title=text)
            store.conversations.delete(owner, gone.public_id)
        if n % 25 == 0:
            store.organising.pin(owner, [made.public_id])
