"""What the composer keeps: drafts, presets, and what a waiting message says."""

from __future__ import annotations

import pytest

from lib.errors import BadInput, NotFound
from lib.ids import new_public_id
from lib.messages import ImagePart, Params, TextPart
from lib.store import Store
from lib.store.presets import MOST_PRESETS
from lib.store.rows import Settings
from tests.store.acts import REF, answered, begin, kept
from tests.store.conftest import Place

PICTURE = ImagePart("image/png", b"\x89PNG")


def test_drafts_survive_a_restart_one_per_conversation_and_one_for_the_next(place: Place) -> None:
    store = place.open()
    chat = answered(store).conversation
    store.drafts.set(store.owner(), chat, "for this\x00 one")
    store.drafts.set(store.owner(), "", "for a new one")
    store.drafts.set(store.owner(), "", "for the new one")
    place.close()
    store = place.open()
    assert store.drafts.get(store.owner(), chat) == "for this␀ one"
    assert store.drafts.get(store.owner(), "") == "for the new one"
    store.drafts.clear(store.owner(), chat)
    assert store.drafts.get(store.owner(), chat) == ""


def test_a_draft_is_never_cut_silently(store: Store, owner: int) -> None:
    store.drafts.set(owner, "", "字" * 66_666)
    with pytest.raises(BadInput):
        store.drafts.set(owner, "", "字" * 66_667)
    assert len(store.drafts.get(owner, "")) == 66_666


def test_a_draft_of_a_conversation_that_is_gone_is_refused(store: Store, owner: int) -> None:
    with pytest.raises(NotFound):
        store.drafts.set(owner, new_public_id(), "x")


def test_a_draft_goes_with_the_turn_it_became_or_stays_with_the_failure(store: Store, owner: int) -> None:
    chat = answered(store).conversation
    store.drafts.set(owner, chat, "draft")
    with pytest.raises(NotFound):
        begin_clearing(store, chat, parent=new_public_id())
    assert store.drafts.get(owner, chat) == "draft"
    begin_clearing(store, chat)
    assert store.drafts.get(owner, chat) == ""


def begin_clearing(store: Store, chat: str, **fields: str) -> None:
    from tests.store.acts import turn

    store.answers.begin(store.owner(), turn("x", conversation=chat, **fields), epoch="e", clears_draft=True)


def test_a_waiting_message_is_reworded_with_its_attachments(store: Store, owner: int) -> None:
    chat = begin(store).conversation
    item = store.queue.add(owner, chat, (PICTURE, TextPart("what?")), REF)
    store.queue.update(owner, item.public_id, "who?")
    waiting = store.queue.list(owner, chat)[0].parts
    assert store.attachments.filled(owner, waiting) == kept(PICTURE, TextPart("who?"))
    store.queue.update(owner, item.public_id, (TextPart("nobody"),))
    assert store.queue.list(owner, chat)[0].parts == (TextPart("nobody"),)
    with pytest.raises(BadInput):
        store.queue.update(owner, item.public_id, " ")
    with pytest.raises(NotFound):
        store.queue.update(owner, new_public_id(), "x")


def test_presets_are_kept_in_order(store: Store, owner: int) -> None:
    plain = store.presets.add(owner, " Plain \n words ", Settings(system="Be plain.", params=Params(temperature=0.2)))
    model = store.presets.add(owner, "Fast", Settings(7, "gpt-5.4-low", "openai"))
    assert (plain.name, plain.settings.system, plain.settings.model) == ("Plain words", "Be plain.", None)
    assert plain.settings.params.temperature == 0.2 and model.settings.model == "gpt-5.4-low"
    store.presets.move(owner, model.public_id, 0)
    assert store.presets.list(owner) == [model, plain]
    store.presets.update(owner, plain.public_id, "Plainer", Settings(system="Be plainer."))
    assert [preset.name for preset in store.presets.list(owner)] == ["Fast", "Plainer"]
    store.presets.remove(owner, model.public_id)
    assert [preset.settings.system for preset in store.presets.list(owner)] == ["Be plainer."]


def test_presets_are_bounded(store: Store, owner: int) -> None:
    for name, settings in (("", Settings()), ("x", Settings(system="字" * 70_000))):
        with pytest.raises(BadInput):
            store.presets.add(owner, name, settings)
    for number in range(MOST_PRESETS):
        store.presets.add(owner, str(number), Settings())
    with pytest.raises(BadInput):
        store.presets.add(owner, "one more", Settings())
    for deed in (lambda: store.presets.remove(owner, "x"), lambda: store.presets.move(owner, "x", 0)):
        with pytest.raises(NotFound):
            deed()
