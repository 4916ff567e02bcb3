"""What can be done with a stored message, as its footer offers it. Pure: values in, values out."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, structs

from lib.cards import ModelCard
from lib.markdown import plain
from lib.money import money
from lib.pricing import price_difference
from lib.store.rows import CostLine, StoredMessage
from lib.ui import answer_line as line
from lib.ui.answer_footer import Deed, Footer, Group
from lib.ui.model_picker import model_name

MOST_VARIANTS = 8
SAME = 100_000
"""Nano-units: a smaller difference is less than the smallest amount shown."""


class Offer(Struct, frozen=True):
    """What the page knows when it draws a footer.

    `chosen` is the composer's model; `variants` are the models of the gateway that share the answer's base model;
    `can_answer` is False while an answer is being written, `kept` in a temporary chat.
    """

    chosen: ModelCard | None
    variants: Sequence[ModelCard] = ()
    can_answer: bool = True
    kept: bool = True


def answer_footer(message: StoredMessage, name: str, versions: Sequence[str], offer: Offer) -> Footer:
    """Below an answer. `name` is its model's, `versions` describe it and its siblings (empty: unknown)."""
    footer = Footer(
        line=answer_line_of(message, name),
        detail=line.cost_source_text(message.cost) if message.cost else "",
        copy=_address(message),
        deeds=_answer_deeds(message, offer),
        menu=_answer_menu(message, offer),
    )
    return _turned(footer, message, versions)


def question_footer(message: StoredMessage, versions: Sequence[str], offer: Offer) -> Footer:
    """Below what the user said."""
    deeds = [Deed("edit", "Edit", "edit")]
    if offer.kept:
        deeds += [Deed("fork", "Fork from here", "fork_right"), Deed("delete", "Delete", "delete")]
    footer = Footer(
        copy=_address(message),
        copy_words="Copy message",
        deeds=tuple(deeds),
        floating=True,
    )
    return _turned(footer, message, versions)


def may_continue(message: StoredMessage) -> bool:
    """Whether an answer ended before its end, and has something to go on from."""
    early = message.state in ("stopped", "cut", "interrupted") or message.finish_reason == "length"
    return early and bool(message.text.strip())


def answer_line_of(message: StoredMessage, name: str) -> str:
    """model · variant · tokens · cost · speed, with what is unknown left out."""
    parts = [plain(name)]
    if message.edited:
        parts.append("edited by you")
    if message.copied:
        parts.append("counted in the chat it came from")
    if message.cost:
        cost = message.cost
        parts += [line.tokens_text(cost.count), line.cost_text(cost)]
        parts.append(line.speed_text(cost.first_visible_ms, cost.duration_ms, cost.count.output))
    return " · ".join(part for part in parts if part)


def version_words(version: StoredMessage, name: str) -> str:
    """A version in a few words: 'Claude Sonnet 4.6 · Budget, $0.0021'."""
    if version.role == "user":
        return plain(version.text[:60])
    cost = money(version.cost.nano, version.cost.currency) if version.cost and version.cost.nano is not None else ""
    return ", ".join(part for part in (plain(name), "edited by you" if version.edited else "", cost) if part)


def difference_words(cost: CostLine | None, other: ModelCard) -> str:
    """'−$0.0110', '+$0.0190' or 'unpriced': what the same tokens would have cost more or less on `other`."""
    nano = price_difference(cost.count, cost.nano, cost.currency, other) if cost else None
    if cost is None or nano is None:
        return "unpriced"
    if abs(nano) < SAME:
        return "≈ same cost"
    return f"{'−' if nano < 0 else '+'}{money(abs(nano), cost.currency)}"


def _address(message: StoredMessage) -> str | None:
    return f"/answer/{message.public_id}/text" if message.text else None


def _turned(footer: Footer, message: StoredMessage, versions: Sequence[str]) -> Footer:
    """With the message's place among its versions."""
    at, of = message.sibling_index, message.sibling_count
    before = f"Previous version: {versions[at - 1]}" if 0 < at <= len(versions) else footer.before
    after = f"Next version: {versions[at + 1]}" if at + 1 < len(versions) else footer.after
    return structs.replace(footer, version=at + 1, of=of, before=before, after=after)


def _answer_deeds(message: StoredMessage, offer: Offer) -> tuple[Deed, ...]:
    if not offer.can_answer:
        return ()
    deeds = [Deed("again", "Answer again", "refresh", note=plain(model_name(offer.chosen)) if offer.chosen else "")]
    if offer.kept and may_continue(message):
        deeds.append(Deed("continue", "Continue", "play_arrow"))
    return tuple(deeds)


def _answer_menu(message: StoredMessage, offer: Offer) -> tuple[Group, ...]:
    groups = [_others(message, offer)] if offer.can_answer else []
    if offer.kept:
        items = (
            Deed("edit", "Edit answer", "edit"),
            Deed("fork", "Fork from here", "fork_right"),
            Deed("delete", "Delete", "delete"),
        )
        groups.append(Group(items))
    return tuple(groups)


def _others(message: StoredMessage, offer: Offer) -> Group:
    """Other variants of the same model, and the way to any other model."""
    own = message.ref.model if message.ref else ""
    priced = [card for card in offer.variants if card.id != own and card.prices.known][:MOST_VARIANTS]
    items = [
        Deed("again", plain(model_name(card)), "sell", card.id, difference_words(message.cost, card)) for card in priced
    ]
    chosen = offer.chosen
    if chosen and chosen.id != own and chosen.id not in {card.id for card in priced}:
        words = difference_words(message.cost, chosen)
        items.append(Deed("again", plain(model_name(chosen)), "neurology", chosen.id, words))
    items.append(Deed("pick", "Choose another model…", "more_horiz"))
    return Group(tuple(items), "Answer again with", "same tokens assumed" if len(items) > 1 else "")
