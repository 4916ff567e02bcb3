"""A year of chats, the same every time: what the benchmark of a full library runs on.

5,000 conversations with 100,000 messages, a fifth of them Chinese, every answer with its row in the ledger, brought in
through the store's own import; among them one chat of 400 turns and two with an answer of 1 MB, one in prose, one in a
single block of code. Made once per version of the database and kept in `bench/out`, because that takes a minute.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct, structs

from bench.processes import ROOT
from bench.upstream import MODEL, markdown
from lib.cards import GatewayCard
from lib.ids import now_ms
from lib.ledger import Purpose
from lib.store import Store, open_store
from lib.store.migrations import STEPS
from lib.tokens import TokenCount
from lib.transfer.document import AttemptCopy, ConversationCopy, CostCopy, Found, GatewayCopy, MessageCopy, ModelCopy
from lib.transfer.reading import OWN

CONVERSATIONS, MESSAGES = 5_000, 100_000
LONG_TURNS, HUGE_CHARS = 400, 1_000_000
CHINESE = 0.2
LONG, HUGE, HUGE_CODE, SHORT = (f"bench-chat-{name:-<11}" for name in ("long", "huge", "huge-code", "short"))
"""The public ids of the chats that are opened."""
COMMON, RARE, COMMON_CHINESE, RARE_CHINESE = "lantern", "quixotry", "航班", "琥珀"
COMMON_TOO = "dolivu"
"""The most common of the made-up words."""
RARE_MODEL = "gemini-3-flash-preview"

_OUT = ROOT / "bench" / "out"
_VERSION = 2
_DAY_MS, _DAYS = 86_400_000, 400
_MODELS = (  # id, base, family, variant, one of so many conversations
    (MODEL, MODEL, "", "standard", 50),
    ("claude-sonnet-4-6", "claude-sonnet-4-6", "claude", "standard", 30),
    ("claude-sonnet-4-6-hc", "claude-sonnet-4-6", "claude", "hc", 10),
    ("gpt-5.4", "gpt-5.4", "gpt", "standard", 9),
    (RARE_MODEL, RARE_MODEL, "gemini", "standard", 1),
)
_FOLDERS = ("Work", "Home", "Garden", "Reading", "Taxes")
_TAGS = ("later", "idea", "draft")


def library(into: Path) -> None:
    """Put a copy of the data folder's database at `into`, which is made; build it first when there is none."""
    kept = _OUT / f"library-{_VERSION}-{STEPS[-1].number}"
    if not kept.exists():
        aside = kept.with_suffix(".new")
        shutil.rmtree(aside, ignore_errors=True)
        _build(aside)
        aside.rename(kept)
    shutil.copytree(kept, into)


def _build(folder: Path) -> None:
    store = open_store("", folder, zone="UTC")
    try:
        _fill(store)
    finally:
        store.close()


def _fill(store: Store) -> None:
    owner = store.owner()
    card = GatewayCard(0, "127.0.0.1", "http://127.0.0.1:1", ("openai",))
    gateway = store.gateways.ensure(owner, card, "environment:127.0.0.1")  # as the app calls the bench's upstream
    run = store.transfers.begin_import(owner, OWN, "bench")
    for copy in _chats(GatewayCopy(gateway.public_id, gateway.name)):
        store.transfers.take(owner, run, Found(OWN, copy.id, copy))


# --- the chats ----------------------------------------------------------------------------------------------------


class _Model(Struct, frozen=True):
    copy: ModelCopy
    in_pico: int = 3_000_000
    out_pico: int = 15_000_000


def _chats(gateway: GatewayCopy) -> Iterator[ConversationCopy]:
    """The ordinary ones, the oldest first, then the special ones, the newest of all."""
    words, now = _Words(), now_ms()
    special = [(LONG, LONG_TURNS), (HUGE, 1), (HUGE_CODE, 1), (SHORT, 5)]
    ordinary = CONVERSATIONS - len(special)
    turns = (MESSAGES // 2 - sum(count for _, count in special)) / ordinary
    models = [_Model(ModelCopy(name, gateway, base, family, variant)) for name, base, family, variant, _ in _MODELS]
    shares = [share for *_, share in _MODELS]
    for number in range(ordinary):
        count = int((number + 1) * turns) - int(number * turns)
        at_ms = now - _DAYS * _DAY_MS + number * (_DAYS - 1) * _DAY_MS // ordinary
        model = words.chance.choices(models, shares)[0]
        yield _chat(f"bench-chat-{number:011}", at_ms, [words.turn(count, turn) for turn in range(count)], model, words)
    for place, (name, count) in enumerate(special):
        at_ms = now - _DAY_MS // 4 + place * 1_000_000 - count * 40_000
        chat = _chat(name, at_ms, [_special(name, turn, words) for turn in range(count)], models[0], words)
        yield structs.replace(chat, folder="", pinned_ms=None, archived_ms=None)


def _special(name: str, turn: int, words: _Words) -> tuple[str, str]:
    """What is said in one turn of a chat that is opened: its last answer ends with a word to wait for."""
    question = f"TURN-{turn:04} {words.sentence()}"
    if name == HUGE:
        return question, f"BEGIN-{name}\n\n{markdown(words.chance, HUGE_CHARS)}"
    if name == HUGE_CODE:
        lines = markdown(words.chance, HUGE_CHARS).replace("```", "---")
        return question, f"BEGIN-{name}\n\n```python\n{lines}\n```"
    return question, f"{markdown(words.chance, 1_500)}\n\nEND-{turn:04}-{name}"


def _chat(name: str, at_ms: int, turns: list[tuple[str, str]], model: _Model, words: _Words) -> ConversationCopy:
    messages: list[MessageCopy] = []
    for turn, (question, answer) in enumerate(turns):
        then, number = at_ms + turn * 40_000, turn * 2
        asked = MessageCopy(
            f"{name}-{number}", "user", then, _id(name, number - 1), _id(name, number + 1), text=question
        )
        attempt = _attempt(f"{name}-{turn}", then, model, len(question) + len(answer) * turn // 2, len(answer))
        told = MessageCopy(
            f"{name}-{number + 1}", "assistant", then, asked.id, text=answer, state="done", model=model.copy,
            attempts=(attempt,), shown_child=_id(name, number + 2) if turn + 1 < len(turns) else None,
        )  # fmt: skip
        messages += (asked, told)
    lucky = words.chance.random()
    return ConversationCopy(
        name, words.title(), at_ms, at_ms + len(turns) * 40_000, messages[-1].id, tuple(messages),
        model=model.copy.model, gateway=model.copy.gateway,
        folder=words.chance.choice(_FOLDERS) if lucky < 0.1 else "",
        tags=(words.chance.choice(_TAGS),) if 0.1 < lucky < 0.15 else (),
        pinned_ms=at_ms if 0.15 < lucky < 0.151 else None,
        archived_ms=at_ms if 0.2 < lucky < 0.25 else None,
    )  # fmt: skip


def _id(name: str, number: int) -> str | None:
    return f"{name}-{number}" if number >= 0 else None


def _attempt(name: str, at_ms: int, model: _Model, chars_in: int, chars_out: int) -> AttemptCopy:
    purpose: Purpose = "chat"
    count = TokenCount(in_uncached=chars_in // 4, out_visible=chars_out // 4)
    sent, told = chars_in // 4 * model.in_pico // 1_000, chars_out // 4 * model.out_pico // 1_000
    cost = CostCopy(created_ms=at_ms, source="gateway", nano=sent + told, input_nano=sent, output_nano=told)
    return AttemptCopy(
        f"bench-{name}", at_ms, model.copy, started_ms=at_ms, ended_ms=at_ms + 9_000, purpose=purpose, outcome="ok",
        usage_source="reported", finish_reason="stop", first_visible_ms=600, duration_ms=9_000, chars_in=chars_in,
        chars_out=chars_out, count=count, costs=(cost,),
    )  # fmt: skip


# --- the words ----------------------------------------------------------------------------------------------------


class _Words:
    """Sentences of 4,000 made-up words and of 1,200 Chinese pairs, as unevenly used as words are."""

    def __init__(self) -> None:
        self.chance = random.Random(11)
        words = sorted({self._word() for _ in range(4_000)}, key=lambda word: self.chance.random())
        pairs = [
            chr(self.chance.randrange(0x4E00, 0x5600)) + chr(self.chance.randrange(0x4E00, 0x5600))
            for _ in range(1_200)
        ]
        self._latin = [self._latin_sentence([COMMON, *words]) for _ in range(3_000)]
        self._chinese = [self._chinese_sentence([COMMON_CHINESE, *pairs]) for _ in range(1_500)]

    def _word(self) -> str:
        return "".join(
            self.chance.choice("bdfgklmnprstv") + self.chance.choice("aeiou") for _ in range(self.chance.randint(2, 4))
        )

    def _latin_sentence(self, words: list[str]) -> str:
        weights = [1 / (rank + 10) for rank in range(len(words))]
        return " ".join(self.chance.choices(words, weights, k=self.chance.randint(6, 18))).capitalize() + "."

    def _chinese_sentence(self, pairs: list[str]) -> str:
        weights = [1 / (rank + 10) for rank in range(len(pairs))]
        return "".join(self.chance.choices(pairs, weights, k=self.chance.randint(6, 14))) + "。"

    def sentence(self) -> str:
        return self.chance.choice(self._latin)

    def title(self) -> str:
        return self.chance.choice(self._chinese if self.chance.random() < CHINESE else self._latin).rstrip(".。")[:48]

    def turn(self, count: int, turn: int) -> tuple[str, str]:
        """A question and an answer; a few in 100,000 hold the rare words."""
        chinese = self.chance.random() < CHINESE
        pool = self._chinese if chinese else self._latin
        rare = (RARE_CHINESE if chinese else f" {RARE}") if self.chance.random() < 0.0002 else ""
        question = " ".join(self.chance.choices(pool, k=self.chance.randint(1, 2)))
        return question, "\n\n".join(self.chance.choices(pool, k=self.chance.randint(2, 9))) + rare
