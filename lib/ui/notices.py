"""One human sentence for every error, and what to do next. The only place where errors become words.

Text that came from a gateway passes `lib.markdown.plain` before it gets here or is drawn.
"""

from __future__ import annotations

from msgspec import Struct

from lib.errors import (
    AnswerRunning,
    BadInput,
    GatewayError,
    NotFound,
    OverBudget,
    ParlourError,
    SettingsError,
    SignedOut,
    StoreBusy,
    StoreDamaged,
    StoreError,
    StoreGone,
    StoreLocked,
    StoreNewer,
    StoreUnwritable,
    TooSoon,
)
from lib.markdown import label
from lib.money import money


class Notice(Struct, frozen=True):
    """`what` happened, in one sentence; `then`, what to do next."""

    what: str
    then: str = ""

    @property
    def text(self) -> str:
        return f"{self.what} {self.then}".strip()


BY_KIND: dict[str, Notice] = {
    "auth": Notice("The gateway does not accept this key.", "Check the key in Settings."),
    "permission": Notice(
        "This key may not use this model.", "Choose another model, or ask the gateway to allow it for your key."
    ),
    "not_found": Notice("The gateway does not know this model.", "Choose another model or variant."),
    "bad_request": Notice("The gateway refused the request.", "Change the message or the parameters and try again."),
    "context_length": Notice(
        "The conversation is longer than this model can read.",
        "Start a new chat, or choose a model with a larger context.",
    ),
    "too_large": Notice("The request is too large for the gateway.", "Shorten the message or send smaller files."),
    "rate_limit": Notice("The gateway asks to slow down.", "Wait a moment, then retry."),
    "quota": Notice("The balance or quota of this key is used up.", "Top it up at the gateway, then retry."),
    "no_channel": Notice("This variant has no capacity right now.", "Retry later or choose another variant."),
    "overloaded": Notice("The model is overloaded.", "Retry in a moment or choose another variant."),
    "server": Notice("The gateway had a problem of its own.", "Retry in a moment."),
    "timeout": Notice("The gateway did not answer in time.", "Retry; a smaller or faster model may help."),
    "not_json": Notice("The base URL answers with a web page, not with a model.", "Check the base URL in Settings."),
    "empty": Notice("The gateway sent an empty answer.", "Retry."),
    "redirect": Notice(
        "The gateway points to another address; your key was not sent there.", "Update the base URL in Settings."
    ),
    "truncated": Notice("The connection broke before the answer was finished.", "Retry for a whole answer."),
    "answer_too_large": Notice("The answer grew larger than Parlour keeps; it was ended.", "Ask for a shorter one."),
    # reasons of BadInput and our own
    "image_not_taken": Notice("This model takes no images here.", "Choose another model or dialect."),
    "video_not_taken": Notice("This model takes no video.", "Choose a Gemini model, or send frames."),
    "image_type_not_taken": Notice("This model takes no pictures of this kind.", "Choose another model."),
    "video_type_not_taken": Notice("This model takes no video of this kind.", "Send frames, or choose another model."),
    "image_too_large": Notice("A picture is larger than this model takes.", "Choose a smaller size of it."),
    "image_too_many_pixels": Notice("A picture has more pixels than this model takes.", "Choose a smaller size of it."),
    "video_too_large": Notice("A video is larger than one request may be.", "Send frames, or attach a shorter one."),
    "too_many_images": Notice("These are more pictures than this model takes at once.", "Remove some."),
    "body_too_large": Notice(
        "The files together are larger than one request may be.", "Choose smaller sizes, or remove some."
    ),
    "too_many": Notice("No more files can wait here.", "Send or remove some first."),
    "empty_message": Notice("There is nothing to send.", "Write a message first."),
    "no_model": Notice("No model is chosen.", "Choose one below."),
    "unpriced_budget": Notice(
        "This model has no price, so a budget cannot be kept.", "Choose a model with a price, or remove the budget."
    ),
    "budget_currency": Notice("The budget is in another currency than this model's price.", "Enter it again."),
    "run_running": Notice("This batch is running already."),
    "row_taken": Notice("The model has already been asked about this file."),
    "no_files": Notice("There are no files to ask about.", "Add some first."),
    "bad_fields": Notice("A field cannot be used.", "Correct it first."),
    "no_prompt": Notice("There is no question yet.", "Write what to ask about each file."),
    "no_name": Notice("It has no name.", "Enter one."),
    "month_open": Notice("This month is not over yet.", "Close it when it is."),
    "month_closed": Notice("This month has been closed already."),
    "no_lines": Notice("There is no line in it that could be read."),
    "too_many_presets": Notice("There are 200 presets already.", "Delete one first."),
    "preset_too_long": Notice("This system prompt is too long to be saved.", "Keep it under 200 kB."),
    "internal": Notice("Something in Parlour went wrong; your message is kept.", "Retry."),
    "StoreBusy": Notice("The database was busy when the answer should begin.", "Retry."),
    "StoreUnwritable": Notice("The data folder cannot be written.", "Check free space and permissions, then retry."),
    "StoreDamaged": Notice("The database file is damaged, so nothing was sent.", "Restore a backup, then retry."),
    "StoreGone": Notice("The database file was moved or deleted, so nothing was sent.", "Put it back, then retry."),
    "StoreError": Notice("The database had a problem, so nothing was sent.", "Retry."),
    "SettingsError": Notice("The stored key cannot be used.", "Enter it again in Settings."),
    "NotFound": Notice("The gateway of this chat was removed.", "Choose another model."),
}

_INPUT: dict[str, Notice] = {
    "wrong_password": Notice("This is not your present password.", "Enter it again."),
    "password_short": Notice("The new password is too short.", "Take 10 characters or more."),
    "password_long": Notice("The new password is too long.", "Take 500 characters or fewer."),
    "password_simple": Notice("The new password is one that everybody tries first.", "Take another one."),
    "password_name": Notice("The new password is your name.", "Take another one."),
    "not_the_same": Notice("The two new passwords are not the same.", "Enter them again."),
    # reasons of BadInput that share their name with a failure of a gateway
    "quota": Notice("Your files take all the room they may.", "Delete chats with large files, then try again."),
}

_CONNECT: dict[str, Notice] = {
    "dns": Notice("The host name of the base URL is not known.", "Check its spelling in Settings."),
    "connect": Notice("Nothing answers at this address.", "Check host and port, and that the gateway is running."),
    "tls": Notice(
        "The gateway's certificate is not valid for this address.", "Check the address; Parlour does not go on without."
    ),
    "url": Notice("The base URL cannot be used.", "Check it in Settings."),
    "closed": Notice(
        "The gateway closed the connection without answering.", "It may have worked on the request; retry if you like."
    ),
}

_SETTINGS: dict[tuple[str, str], Notice] = {
    ("base_url", "empty"): Notice("The base URL is missing.", "Paste the address of your gateway."),
    ("base_url", "no_scheme"): Notice("The base URL has no scheme.", "Start it with https:// (or http://)."),
    ("base_url", "bad_scheme"): Notice("The base URL must start with https:// or http://."),
    ("base_url", "no_host"): Notice("The base URL names no host.", "It looks like https://gateway.example."),
    ("base_url", "has_login"): Notice("The base URL must not carry a user name or password.", "Remove them."),
    ("base_url", "bad_port"): Notice("The port in the base URL is not valid."),
    ("key", "empty"): Notice("The key is missing.", "Paste it from your gateway."),
    ("key", "too_short"): Notice("The key is too short.", "Paste all of it."),
    ("key", "bad_characters"): Notice(
        "The key contains characters that a key cannot have, such as a line break.", "Copy it again, on one line."
    ),
    ("key", "needed_for_new_address"): Notice(
        "The address is another one, and a key belongs to the address it was entered for.", "Enter the key again."
    ),
    ("gateway", "configured_outside"): Notice(
        "This gateway is configured outside of Parlour.", "Change it in the environment or the secrets file."
    ),
    ("parlour.key", "damaged_key_file"): Notice(
        "The key file in the data folder is damaged.",
        "Restore parlour.key from a backup, or remove it and enter the keys again.",
    ),
    ("parlour.key", "unreadable"): Notice(
        "The key file in the data folder cannot be read.", "Check its permissions and its owner."
    ),
    ("server.address", "open_to_others"): Notice(
        "Other computers could open this page, and there is no login.",
        "Start it on 127.0.0.1, or with PARLOUR_ALLOW_PUBLIC=yes.",
    ),
    ("price", ""): Notice("This is not a price per 1M tokens.", "Enter a number such as 3 or 0.15."),
    ("key", "unreadable"): Notice("The stored key cannot be read any more.", "Enter it again."),
}

_GONE: dict[str, Notice] = {
    "budget": Notice("This budget was deleted."),
    "price_rule": Notice("This rule was removed."),
    "statement": Notice("This statement does not exist."),
    "bill": Notice("This import was deleted."),
    "gateway": Notice("This gateway was removed."),
}

_OTHER: dict[type[ParlourError], Notice] = {
    SettingsError: Notice("A setting cannot be used."),
    StoreLocked: Notice(
        "Another Parlour already uses this data folder.", "Stop it, or use PostgreSQL for several processes."
    ),
    StoreNewer: Notice("This data was written by a newer Parlour.", "Update the program; nothing was changed."),
    StoreDamaged: Notice(
        "The database file is damaged; nothing was changed.", "Restore a backup from the data folder."
    ),
    StoreUnwritable: Notice("The data folder cannot be written.", "Check free space and permissions, then try again."),
    StoreGone: Notice(
        "The database file was moved or deleted while Parlour runs; nothing more can be stored.",
        "Put it back. If you cannot, export your chats now, then restart.",
    ),
    StoreBusy: Notice("The database is busy.", "Try again in a moment."),
    StoreError: Notice("The database had a problem.", "Try again; your last message was not sent."),
    NotFound: Notice("This conversation does not exist or was deleted."),
    AnswerRunning: Notice("An answer is still being written here.", "Wait for its end, or stop it."),
    BadInput: Notice("This cannot be sent."),
    SignedOut: Notice("You are signed out.", "Reload the page to sign in."),
    TooSoon: Notice("There were too many wrong passwords.", "Wait a minute, then try again."),
    ParlourError: Notice("Something went wrong.", "Try again."),
}

_FOREIGN_LOG = Notice(
    "Beside the restored database lies the log of another one; nothing was changed.",
    "Move parlour.db-wal and parlour.db-shm away, then start again.",
)


def notice_for(error: ParlourError) -> Notice:
    """The sentence for any error of the tree."""
    match error:
        case GatewayError():
            return notice_for_kind(error.kind, code=error.code if error.where == "transport" else None)
        case NotFound() if error.facts.get("what") in _GONE:
            return _GONE[str(error.facts["what"])]
        case StoreDamaged() if error.facts.get("what") == "foreign_log":
            return _FOREIGN_LOG
        case OverBudget():
            return _notice_for_budget(error)
        case SettingsError():
            return _notice_for_setting(error)
        case BadInput():
            return _INPUT.get(error.reason) or BY_KIND.get(error.reason, _OTHER[BadInput])
    return next(_OTHER[kind] for kind in type(error).__mro__ if kind in _OTHER)


def _notice_for_budget(error: OverBudget) -> Notice:
    """With its numbers."""
    facts, currency = error.facts, str(error.facts.get("currency") or "USD")
    left = (
        f"A budget of {_money(facts.get('limit_nano'), currency)} has {_money(facts.get('left_nano'), currency)} left"
    )
    then = "Change the budget under Prices, or choose a cheaper variant."
    if facts.get("needed_nano") is None:
        return Notice(f"{left}, and this model has no price to check against it.", then)
    return Notice(f"{left}, and this may cost up to {_money(facts.get('needed_nano'), currency)}.", then)


def _money(fact: str | int | None, currency: str) -> str:
    """With its dollar sign made safe: sentences are drawn as Markdown."""
    return label(money(int(fact or 0), currency))


def _notice_for_setting(error: SettingsError) -> Notice:
    """Fields of the environment and of the secrets file (`OPENAI_BASE_URL`, `gateways.work.key`) end as ours do."""
    name = error.field.lower()
    field = (
        error.field
        if (error.field, error.message) in _SETTINGS
        else next((ours for ours in ("base_url", "key", "price") if name.endswith(ours)), error.field)
    )
    if name.endswith(("api_key", "auth_token")):
        field = "key"
    known = _SETTINGS.get((field, error.message)) or _SETTINGS.get((field, ""))
    if known is None:
        return Notice(f"The setting {error.field} cannot be used: {error.message.replace('_', ' ')}.")
    return known if field == error.field else Notice(f"{error.field}: {known.what}", known.then)


def notice_for_test(error: ParlourError) -> Notice:
    """The sentence for a failed connection test, where no model was asked yet."""
    if isinstance(error, GatewayError) and error.kind == "not_found":
        return Notice("There is no gateway at this path.", "Check the base URL: it is the part before /v1.")
    return notice_for(error)


def notice_for_kind(kind: str, *, code: str | None = None) -> Notice:
    """The sentence for an error kind as stored with an answer."""
    if code in _CONNECT:
        return _CONNECT[code]
    return BY_KIND.get(kind) or _CONNECT.get(kind, _OTHER[ParlourError])
