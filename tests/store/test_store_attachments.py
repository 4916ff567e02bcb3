"""Files that wait, and bytes that are kept once, counted, served to their owner and freed with their last reference."""

from __future__ import annotations

import random
import threading
import tracemalloc
from typing import Any
from unittest.mock import ANY

import pytest
from msgspec import structs

from lib.attachments.attachment import Attachment, Form, FormName
from lib.errors import BadInput, NotFound
from lib.ids import new_id, now_ms
from lib.messages import FilePart, ImagePart, Part, TextPart, VideoPart
from lib.store import Store
from lib.store.blobs import PIECE_BYTES
from tests.store.acts import REF, answered, begin, bytes_kept, kept

DAY_MS = 86_400_000


def picture(seed: int, size: int = 300, name: FormName = "standard") -> ImagePart:
    data = random.Random(f"{name} {seed}").randbytes(size)
    return ImagePart("image/png", data, name=f"{seed}.png", width=seed, height=1)


def attachment(seed: int, size: int = 300, *names: FormName) -> Attachment:
    """A picture in some sizes, each with bytes of its own, and a thumbnail."""
    forms = tuple(Form(name, (picture(seed, size, name),)) for name in names or ("standard", "small"))
    thumb = ImagePart("image/webp", b"thumb %d" % seed)
    return Attachment(f"{seed}.png", "image", "image/png", 5_000, forms, "standard", width=seed, height=1, thumb=thumb)


def document(name: str, text: str) -> Attachment:
    part = FilePart(name, text, size=len(text))
    return Attachment(name, "document", "text/plain", len(text), (Form("text", (part,)),), "text")


def size_of(*attachments: Attachment) -> int:
    """What the contents of these take, each once."""
    parts: list[Part | None] = [part for each in attachments for form in each.forms for part in form.parts]
    parts += [each.thumb for each in attachments]
    return sum(map(len, {part.data for part in parts if isinstance(part, ImagePart | VideoPart)}))


# --- waiting ----------------------------------------------------------------------------------------------------------


def test_what_waits_comes_back_without_its_bytes(store: Store, owner: int) -> None:
    given = attachment(1)
    added = store.attachments.add(owner, "new", given)
    assert store.attachments.list(owner, "new") == [added] and store.attachments.get(owner, added.public_id) == added
    assert (added.name, added.width, added.chosen, added.form and added.form.name) == (
        "1.png",
        1,
        "standard",
        "standard",
    )
    parts = [part for form in added.forms for part in form.parts] + [added.thumb]
    assert all(isinstance(part, ImagePart) and part.data == b"" and part.size for part in parts)
    assert store.attachments.filled(owner, added.parts) == kept(*given.parts)


def test_a_form_is_chosen_added_and_replaced(store: Store, owner: int) -> None:
    added = store.attachments.add(owner, "new", attachment(1))
    assert store.attachments.choose(owner, added.public_id, "small").parts == added.forms[1].parts
    with pytest.raises(NotFound):
        store.attachments.choose(owner, added.public_id, "frames")
    before = store.attachments.used_bytes(owner)
    frames = Form("frames", (picture(7, 100, "frames"), picture(8, 100, "frames")), "two")
    assert store.attachments.put_form(owner, added.public_id, frames).chosen == "frames"
    assert store.attachments.used_bytes(owner) == before + 200
    found = store.attachments.put_form(owner, added.public_id, Form("frames", (picture(9, 50, "frames"),)))
    assert [form.name for form in found.forms] == ["standard", "small", "frames"]
    assert store.attachments.used_bytes(owner) == before + 50 == bytes_kept(store)[1]


def test_what_waits_has_an_order_and_a_place(store: Store, owner: int) -> None:
    chat = answered(store).conversation
    ids = [store.attachments.add(owner, "new", attachment(seed)).public_id for seed in range(3)]
    store.attachments.move(owner, ids[2], 0)
    assert [each.name for each in store.attachments.list(owner, "new")] == ["2.png", "0.png", "1.png"]
    last = store.attachments.add(owner, chat, attachment(3))
    assert store.attachments.move_place(owner, "new", chat) == 3
    assert [each.name for each in store.attachments.list(owner, chat)] == ["3.png", "2.png", "0.png", "1.png"]
    assert store.attachments.list(owner, "new") == []
    store.attachments.remove(owner, last.public_id)
    with pytest.raises(NotFound):
        store.attachments.remove(owner, last.public_id)
    with pytest.raises(NotFound):
        store.attachments.add(owner, "no such conversation", attachment(4))


def test_a_file_of_which_nothing_can_be_sent_waits_with_its_problem(store: Store, owner: int) -> None:
    store.attachments.add(owner, "look", Attachment("x.zip", "document", "application/zip", 9, problem="archive_bomb"))
    (found,) = store.attachments.list(owner, "look")
    assert (found.problem, found.parts, found.thumb) == ("archive_bomb", (), None)


def test_only_so_many_wait_at_one_place(store: Store, owner: int) -> None:
    for seed in range(3):
        store.attachments.add(owner, "new", document(f"{seed}", "x"), most=3)
    with pytest.raises(BadInput, match="too_many"):
        store.attachments.add(owner, "new", document("4", "x"), most=3)
    store.attachments.add(owner, "batch", document("4", "x"), most=3)


def test_the_quota_counts_each_content_once(store: Store, owner: int) -> None:
    one = attachment(1)
    quota = size_of(one) + 100
    for _ in range(3):
        store.attachments.add(owner, "new", one, quota_bytes=quota)
    with pytest.raises(BadInput, match="quota"):
        store.attachments.add(owner, "new", attachment(2), quota_bytes=quota)
    assert store.attachments.used_bytes(owner) == size_of(one) == bytes_kept(store)[0]
    assert len(store.attachments.list(owner, "new")) == 3


def test_many_at_once_cannot_overshoot_the_quota(store: Store, owner: int) -> None:
    quota, refused = size_of(attachment(0, 1000)) * 3 + 10, []

    def add(seed: int) -> None:
        try:
            store.attachments.add(owner, "new", attachment(seed, 1000), quota_bytes=quota)
        except BadInput as error:
            refused.append(error.reason)

    threads = [threading.Thread(target=add, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused == ["quota"] * 5
    assert store.attachments.used_bytes(owner) <= quota and len(store.attachments.list(owner, "new")) == 3


# --- sent -------------------------------------------------------------------------------------------------------------


def test_what_is_sent_waits_no_longer_and_leaves_only_its_chosen_form(store: Store, owner: int) -> None:
    one, two = attachment(1), attachment(2)
    ids = [store.attachments.add(owner, "new", each).public_id for each in (one, two)]
    waiting = store.attachments.list(owner, "new")
    parts = (*waiting[0].parts, *waiting[1].parts, TextPart("what are these?"))
    begun = begin(store, parts=parts, attached=tuple(ids))
    assert store.attachments.list(owner, "new") == []
    found = store.messages.get(owner, begun.user_message).parts
    assert found == parts
    assert store.attachments.filled(owner, found) == kept(*one.parts, *two.parts, TextPart("what are these?"))
    assert store.attachments.used_bytes(owner) == 600 == bytes_kept(store)[1]


def test_a_replay_sends_nothing_twice(store: Store, owner: int) -> None:
    added = store.attachments.add(owner, "new", attachment(1))
    fields = {
        "key": "one key",
        "conversation": "a-new-conversation",
        "parts": added.parts,
        "attached": (added.public_id,),
    }
    first = begin(store, **fields)
    again = begin(store, **fields)
    assert again.replayed and again.message == first.message
    assert store.conversations.get(owner, first.conversation).n_messages == 2


def test_what_joins_the_queue_waits_there_instead(store: Store, owner: int) -> None:
    running = begin(store)
    added = store.attachments.add(owner, running.conversation, attachment(1))
    item = store.queue.add(owner, running.conversation, added.parts, REF, attached=(added.public_id,))
    assert store.attachments.list(owner, running.conversation) == [] and item.parts == added.parts
    assert store.attachments.served(owner, item.public_id, 0).size == 300
    assert store.attachments.used_bytes(owner) == 300
    store.queue.remove(owner, item.public_id)
    assert bytes_kept(store) == (0, 0)


def test_nobody_sends_bytes_by_their_digest_alone(store: Store, owner: int) -> None:
    added = store.attachments.add(owner, "new", attachment(1))
    stranger = new_id()
    assert store.attachments.filled(stranger, added.parts) == added.parts
    with pytest.raises(NotFound):
        store.queue.add(stranger, answered(store).conversation, added.parts, REF)
    with pytest.raises(NotFound):
        store.attachments.add(stranger, "new", structs.replace(added, public_id=""))
    with pytest.raises(NotFound):
        begin(store, parts=(ImagePart("image/png", url="stored:" + "0" * 64),))
    assert store.attachments.used_bytes(stranger) == 0


def test_what_nobody_sends_is_forgotten_after_30_days(store: Store, owner: int) -> None:
    store.attachments.add(owner, "new", attachment(1))
    store.trash.purge(owner, now_ms() + 29 * DAY_MS, 0)
    assert len(store.attachments.list(owner, "new")) == 1
    store.trash.purge(owner, now_ms() + 31 * DAY_MS)
    assert store.attachments.list(owner, "new") == [] and bytes_kept(store) == (0, 0)


def test_what_waits_in_a_destroyed_conversation_goes_with_it(store: Store, owner: int) -> None:
    chat = answered(store).conversation
    store.attachments.add(owner, chat, attachment(1))
    store.conversations.delete(owner, chat)
    store.trash.purge(owner, now_ms(), 0)
    assert bytes_kept(store) == (0, 0)


# --- bytes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 2 * PIECE_BYTES + 17])
def test_any_range_of_the_bytes_is_served(store: Store, owner: int, size: int) -> None:
    video = VideoPart("video/mp4", random.Random(size).randbytes(size), name="clip.mp4")
    begun = begin(store, parts=(TextPart("look"), video))
    served = store.attachments.served(owner, begun.user_message, 1)
    assert (served.media_type, served.size, served.name) == ("video/mp4", size, "clip.mp4")
    for offset, length in ((0, size), (0, 1), (size - 1, 10), (size // 2, size), (PIECE_BYTES - 1, 2), (size, 5)):
        assert served.read(offset, length) == video.data[offset : offset + length]


def test_only_what_its_owner_can_see_is_served(store: Store, owner: int) -> None:
    added = store.attachments.add(owner, "new", attachment(1))
    assert store.attachments.served(owner, added.public_id, "thumb").read(0, 99) == b"thumb 1"
    store.attachments.choose(owner, added.public_id, "small")
    assert store.attachments.served(owner, added.public_id, 0).read(0, 300) == picture(1, 300, "small").data
    begun = begin(store, parts=(TextPart("look"), *added.parts, FilePart("a.txt", "grüße")))
    assert store.attachments.served(owner, begun.user_message, 2).read(0, 99) == "grüße".encode()
    wrong: tuple[tuple[int, str, Any], ...] = (
        (owner, begun.user_message, 0),
        (owner, begun.user_message, -1),
        (owner, begun.user_message, 3),
        (owner, begun.user_message, "thumb"),
        (owner, "nobody", 0),
        (new_id(), begun.user_message, 1),
        (new_id(), added.public_id, "thumb"),
    )
    for who, name, n in wrong:
        with pytest.raises(NotFound):
            store.attachments.served(who, name, n)
    store.messages.delete(owner, begun.conversation, begun.user_message)
    with pytest.raises(NotFound):
        store.attachments.served(owner, begun.user_message, 1)


def test_filling_holds_the_bytes_once(store: Store, owner: int) -> None:
    size = 12 * PIECE_BYTES
    begun = begin(store, parts=(VideoPart("video/mp4", bytes(size)),))
    parts = store.messages.get(owner, begun.user_message).parts
    tracemalloc.start()
    try:
        filled = store.attachments.filled(owner, (*parts, *parts))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(filled[0].data) == size and filled[0].data is filled[1].data  # type: ignore[union-attr]
    assert peak < size + 4 * PIECE_BYTES


def test_an_export_takes_the_bytes_that_its_form_wants(store: Store, owner: int) -> None:
    image, video = picture(1), VideoPart("video/mp4", b"clip")
    chat = begin(store, parts=(image, video, TextPart("look"))).conversation
    whole = store.transfers.copy(owner, chat).messages[0].parts
    assert whole == kept(image, video, TextPart("look"))
    pictures = store.transfers.copy(owner, chat, media=("image",)).messages[0].parts
    assert pictures[0] == whole[0] and pictures[1] == structs.replace(video, data=b"", url=ANY, size=4)
    bare = store.transfers.copy(owner, chat, media=()).messages[0].parts
    assert [part.data for part in bare if isinstance(part, ImagePart | VideoPart)] == [b"", b""]


# --- a random life ----------------------------------------------------------------------------------------------------


class Shelf:
    """What waits, is queued and was said, with the contents that each of them holds."""

    def __init__(self, store: Store, dice: random.Random) -> None:
        self.store, self.dice, self.owner = store, dice, store.owner()
        self.waiting: dict[str, Attachment] = {}
        self.queued: dict[str, set[bytes]] = {}
        self.said: dict[tuple[str, str], set[bytes]] = {}
        self.binned: set[tuple[str, str]] = set()
        running = begin(store)
        self.busy = running.conversation

    def add(self) -> None:
        given = attachment(self.dice.randrange(6), 200)
        self.waiting[self.store.attachments.add(self.owner, "new", given).public_id] = given

    def choose(self) -> None:
        for name in self._some(self.waiting):
            self.store.attachments.choose(self.owner, name, "small")
            self.waiting[name] = structs.replace(self.waiting[name], chosen="small")

    def put(self) -> None:
        for name in self._some(self.waiting):
            form = Form("frames", tuple(picture(self.dice.randrange(9), 70, "frames") for _ in range(2)))
            self.store.attachments.put_form(self.owner, name, form)
            others = tuple(each for each in self.waiting[name].forms if each.name != "frames")
            self.waiting[name] = structs.replace(self.waiting[name], forms=(*others, form), chosen="frames")

    def remove(self) -> None:
        for name in self._some(self.waiting):
            self.store.attachments.remove(self.owner, name)
            del self.waiting[name]

    def send(self) -> None:
        taken = self._some(self.waiting, 2)
        parts = tuple(part for name in taken for part in self.store.attachments.get(self.owner, name).parts)
        begun = answered(self.store, parts=(*parts, TextPart("look")), attached=tuple(taken))
        self.said[begun.conversation, begun.user_message] = self._let_go(taken)

    def enqueue(self) -> None:
        taken = self._some(self.waiting, 2)
        parts = tuple(part for name in taken for part in self.store.attachments.get(self.owner, name).parts)
        item = self.store.queue.add(self.owner, self.busy, (*parts, TextPart("x")), REF, attached=tuple(taken))
        self.queued[item.public_id] = self._let_go(taken)

    def unqueue(self) -> None:
        for name in self._some(self.queued):
            self.store.queue.remove(self.owner, name)
            del self.queued[name]

    def fork(self) -> None:
        for chat, message in self._some({each: 0 for each in self.said if each not in self.binned}):
            name = self.store.messages.fork(self.owner, chat, message)
            copy = self.store.conversations.transcript(self.owner, name).messages[0]
            self.said[name, copy.public_id] = self.said[chat, message]

    def bin(self) -> None:
        for chat, message in self._some({each: 0 for each in self.said if each not in self.binned}):
            self.store.messages.delete(self.owner, chat, message)
            self.binned.add((chat, message))

    def purge(self) -> None:
        self.store.trash.purge(self.owner, now_ms() + 1000, 0)
        for each in self.binned:
            del self.said[each]
        self.binned.clear()

    def check(self) -> None:
        held = set().union(*self.queued.values(), *self.said.values())
        held |= {part.data for each in self.waiting.values() for form in each.forms for part in form.parts}  # type: ignore[union-attr]
        held |= {each.thumb.data for each in self.waiting.values() if each.thumb}
        expected = sum(map(len, held))
        assert self.store.attachments.used_bytes(self.owner) == expected
        assert bytes_kept(self.store) == (expected, expected)

    def _some(self, of: dict[Any, Any], most: int = 1) -> list[Any]:
        return self.dice.sample(sorted(of), min(most, len(of)))

    def _let_go(self, taken: list[str]) -> set[bytes]:
        parts = [part for name in taken for part in self.waiting.pop(name).parts]
        return {part.data for part in parts if isinstance(part, ImagePart)}


def test_a_random_life_keeps_exactly_the_bytes_that_something_holds(store: Store) -> None:
    dice = random.Random(4)
    shelf = Shelf(store, dice)
    deeds = (shelf.add, shelf.add, shelf.add, shelf.choose, shelf.put, shelf.remove, shelf.send, shelf.send)
    deeds = (*deeds, shelf.enqueue, shelf.unqueue, shelf.fork, shelf.bin, shelf.purge)
    for _ in range(70):
        dice.choice(deeds)()
        shelf.check()
    while shelf.waiting:
        shelf.remove()
    while shelf.queued:
        shelf.unqueue()
    for each in [each for each in shelf.said if each not in shelf.binned]:
        store.messages.delete(shelf.owner, *each)
        shelf.binned.add(each)
    shelf.purge()
    shelf.check()
    assert bytes_kept(store) == (0, 0) and shelf.said == {}
