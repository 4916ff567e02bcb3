"""Attachments at the composer: the button, the cards of what waits, the camera and the microphone."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import msgspec
import streamlit as st
from msgspec import Struct

from lib.attachments import Attachment, Form
from lib.attachments.limits import limits_of
from lib.cards import DialectName, ModelCard
from lib.errors import NotFound, ParlourError
from lib.generation.attaching import MOST_WAITING
from lib.markdown import label, plain
from lib.messages import VideoPart
from lib.tokens import TokenCount
from lib.ui import attachment_words as words
from lib.ui.browser_parts import browser_part
from lib.ui.model_picker import DIALECTS, model_name
from lib.ui.notices import notice_for
from lib.ui.quote import Estimate, cost_on, cost_words
from lib.ui.session import say_once, services
from lib.ui.too_long import send_if_it_fits
from lib.ui.waiting_files import Waiting, form_tokens, takers, unsent_media

if TYPE_CHECKING:
    from lib.ui.chat import Chat

_button = browser_part("attach")
_strip = browser_part("attachments")
_STRIP, _BUTTON, _DEVICE = "attachments", "attach", "attach-device"


class _Option(Struct, frozen=True):
    value: str
    words: str


class _Card(Struct, frozen=True):
    """What the strip shows of one file. `why` is set when it cannot be sent."""

    id: str
    kind: str
    name: str
    sent: str
    price: str = ""
    why: str = ""
    thumb: str = ""
    forms: tuple[_Option, ...] = ()
    chosen: str = ""


def show_attach_button(chat: Chat, *, large: bool = False) -> None:
    """The paperclip of the composer row, or a large zone; it also listens for files that are dropped and pasted."""
    waiting = chat.waiting
    data = {
        "place": waiting.place,
        "limit": services().attachments.most_bytes,
        "room": MOST_WAITING - len(waiting.items),
        "large": large,
    }
    _button(
        key=_BUTTON, data=data, width="stretch" if large else "content", height="content",
        on_arrived_change=lambda: _put_in_order(chat), on_device_change=_open_device,
    )  # fmt: skip


def show_waiting(chat: Chat) -> None:
    """The cards above the composer; nothing to see while nothing waits."""
    waiting, card = chat.waiting, chat.choice.card
    ratio = Estimate(chat).ratio(card) if card and waiting.items else Fraction(1, 4)
    data = {
        "place": waiting.place,
        "items": [msgspec.to_builtins(_card(item, chat, ratio)) for item in waiting.items],
        "sum": _sum(chat, ratio) if waiting.together else "",
        "held": _held(chat),
        "sendable": bool(waiting.parts) and waiting.together,
        "compact": waiting.compact,
        "offers": [msgspec.to_builtins(_offer(chat, *offer)) for offer in waiting.offers],
    }
    _strip(key=_STRIP, data=data, on_deed_change=lambda: _do(chat), height="content")


def show_left_out(chat: Chat) -> None:
    """When the chosen model does not take pictures or video of this chat: that they stay here, and who takes them."""
    media, card = unsent_media(chat), chat.choice.card
    if not media or card is None:
        return
    through = DIALECTS[chat.choice.dialect]
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="left-out"):
        st.caption(f":material/hide_image: {label(words.left_out_words(media, model_name(card), through))}")
        for other, dialect in takers(chat, media)[:1]:
            name = f"Use {_choice_words(chat, other, dialect)}"
            st.button(label(name), key="use-taker", type="tertiary", on_click=chat.choice.pick, args=(other, dialect))


# --- what the cards say -----------------------------------------------------------------------------------------------


def _card(item: Attachment, chat: Chat, ratio: Fraction) -> _Card:
    card = chat.choice.card
    shown = _Card(
        item.public_id, item.kind, plain(item.name), words.sent_words(item), thumb=_thumb(item), why=_why(item, chat)
    )
    if item.form is None:
        return shown
    return msgspec.structs.replace(
        shown, price=_price(form_tokens(item.form, card, ratio), card), forms=_options(item, chat, ratio),
        chosen=_value(item.form),
    )  # fmt: skip


def _thumb(item: Attachment) -> str:
    return f"/file/{item.public_id}/thumb" if item.thumb else ""


def _why(item: Attachment, chat: Chat) -> str:
    if item.problem:
        return words.problem_words(item.problem)
    misfit, card = chat.waiting.misfit_of(item.public_id), chat.choice.card
    if misfit is None or card is None:
        return ""
    return words.misfit_words(
        misfit.reason, plain(model_name(card)), DIALECTS[chat.choice.dialect], sound=item.kind == "sound"
    )


def _price(tokens: int, card: ModelCard | None) -> str:
    """'≈ 1,560 tokens, ≈ $0.0047'."""
    cost = cost_words(cost_on(TokenCount(tokens, 0, 0, 0, 0, 0), card)) if card else "unpriced"
    return f"≈ {tokens:,} tokens, {cost}"


def _options(item: Attachment, chat: Chat, ratio: Fraction) -> tuple[_Option, ...]:
    """The ways to send it; of a video also so many frames."""
    card = chat.choice.card
    found = [
        _Option(_value(form), f"{words.form_words(form)}, ≈ {form_tokens(form, card, ratio):,} tokens")
        for form in item.forms
    ]
    if item.kind == "video" and any(isinstance(part, VideoPart) for form in item.forms for part in form.parts):
        made = {option.value for option in found}
        counts = (count for count in words.FRAME_COUNTS if f"frames:{count}" not in made)
        found += [_Option(f"frames:{count}", f"{count} frames") for count in counts]
    return tuple(found)


def _value(form: Form) -> str:
    return f"frames:{len(form.parts)}" if form.name == "frames" else form.name


def _sum(chat: Chat, ratio: Fraction) -> str:
    """'3 attachments ≈ 4,100 tokens, ≈ $0.0123, 2.1 of 20 MB'."""
    waiting, card = chat.waiting, chat.choice.card
    count = len(waiting.ready)
    if not count:
        return ""
    most = limits_of(card, chat.choice.dialect).body_bytes
    price = _price(waiting.tokens(card, ratio), card)
    return f"{count} attachment{'s' if count != 1 else ''} {price}, {words.share_words(waiting.bytes, most)}"


def _held(chat: Chat) -> str:
    """Why the message cannot be sent; empty when it can."""
    misfit, card = chat.waiting.misfit, chat.choice.card
    if misfit is None or card is None:
        return ""
    name, through = plain(model_name(card)), DIALECTS[chat.choice.dialect]
    why = words.misfit_words(misfit.reason, name, through, sound=chat.waiting.misfit_is_sound)
    return f"Not sent yet: {why}"


def _offer(chat: Chat, card: ModelCard, dialect: DialectName) -> _Option:
    return _Option(f"{card.id}\n{dialect}", f"Use {plain(_choice_words(chat, card, dialect))}")


def _choice_words(chat: Chat, card: ModelCard, dialect: DialectName) -> str:
    """The model, and the wire where that is another one."""
    name = model_name(card)
    return name if dialect == chat.choice.dialect else f"{name} through {DIALECTS[dialect]}"


def _put_in_order(chat: Chat) -> None:
    """Files that came in together stand in the order in which they were picked."""
    told: Any = st.session_state[_BUTTON].arrived
    waiting = list(Waiting(chat).ids)
    picked = [item for item in told if item in waiting] if isinstance(told, list) else []
    places = sorted(waiting.index(item) for item in picked)
    try:
        for item, place in zip(picked, places, strict=True):
            if waiting[place] != item:
                services().attachments.move(item, place)
                waiting.remove(item)
                waiting.insert(place, item)
    except ParlourError as error:
        say_once(notice_for(error).text)


# --- what was chosen there --------------------------------------------------------------------------------------------


def _do(chat: Chat) -> None:
    told: Any = st.session_state[_STRIP].deed
    if not isinstance(told, dict):
        return
    item, deed, value = (str(told.get(field, "")) for field in ("item", "name", "value"))
    try:
        _do_one(chat, item, deed, value)
    except NotFound:
        say_once("That file waits here no longer.")
    except ParlourError as error:
        say_once(notice_for(error).text)


def _do_one(chat: Chat, item: str, deed: str, value: str) -> None:
    files, waiting = services().attachments, Waiting(chat)
    order = list(waiting.ids)
    match deed:
        case "send":
            send_if_it_fits(chat, "")
        case "ask":
            _ask(chat, waiting, value)
        case "remove":
            files.remove(item)
        case "left" | "right" if item in order:
            files.move(item, max(0, order.index(item) + (1 if deed == "right" else -1)))
        case "choose" if value.startswith("frames:") and value not in _made(waiting, item):
            count = value.removeprefix("frames:")
            if count in map(str, words.FRAME_COUNTS):
                files.as_frames(item, int(count))
        case "choose":
            wanted = next((form.name for form in _forms(waiting, item) if _value(form) == value), None)
            if wanted:
                files.choose(item, wanted)


def _forms(waiting: Waiting, item: str) -> tuple[Form, ...]:
    return next((one.forms for one in waiting.items if one.public_id == item), ())


def _made(waiting: Waiting, item: str) -> list[str]:
    return [_value(form) for form in _forms(waiting, item)]


def _ask(chat: Chat, waiting: Waiting, value: str) -> None:
    """Go to one of the models that were offered; everything that waits stays."""
    for card, dialect in waiting.offers:
        if value == f"{card.id}\n{dialect}":
            chat.choice.pick(card, dialect)


# --- camera and microphone --------------------------------------------------------------------------------------------


def _open_device() -> None:
    told: Any = st.session_state[_BUTTON].device
    if told in ("camera", "sound"):
        st.session_state[_DEVICE] = told


def _close_device() -> None:
    st.session_state.pop(_DEVICE, None)


def show_device(chat: Chat) -> None:
    """The camera or the microphone, only after it was asked for: the browser then asks for permission."""
    device = st.session_state.get(_DEVICE)
    if not device:
        return
    with st.container(border=True, key="device"):
        if device == "camera":
            st.camera_input("Picture to attach", key="camera", on_change=_take, args=(chat, "camera", "Picture.jpg"))
        else:
            st.audio_input("Recording to attach", key="sound", on_change=_take, args=(chat, "sound", "Recording.wav"))
        st.button("Close", key="close-device", icon=":material/close:", on_click=_close_device)


def _take(chat: Chat, key: str, name: str) -> None:
    taken = st.session_state.get(key)
    if taken is None:
        return
    _close_device()
    try:
        services().attachments.attach_bytes(chat.waiting.place, name, taken.getvalue())
    except ParlourError as error:
        say_once(notice_for(error).text)
