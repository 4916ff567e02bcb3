"""What exports, imports and shared links are called on the screen."""

from __future__ import annotations

from lib.errors import BadInput
from lib.transfer.archive import Form

FORM_WORDS: dict[Form, str] = {"json": "JSON", "markdown": "Markdown", "html": "Web page"}
FORM_HELP: dict[Form, str] = {
    "json": "Everything: all versions, attachments, usage and costs. It can be imported again.",
    "markdown": "The shown branch of each chat, word for word, for reading and other programs.",
    "html": "The shown branch of each chat as a page that needs nothing else and prints well.",
}
FORM_ICONS: dict[Form, str] = {
    "json": ":material/data_object:",
    "markdown": ":material/description:",
    "html": ":material/web:",
}
MIME: dict[Form, str] = {"json": "application/json", "markdown": "text/markdown", "html": "text/html"}

_HOUR_MS = 3_600_000
LIVES: dict[str, int] = {
    "1 day": 24 * _HOUR_MS,
    "7 days": 7 * 24 * _HOUR_MS,
    "30 days": 30 * 24 * _HOUR_MS,
    "90 days": 90 * 24 * _HOUR_MS,
}
LIVES_BY_DEFAULT = "7 days"

_REFUSED = {
    "import_unknown": "Nothing in this file looks like chats of Parlour, ChatGPT, Claude, Open WebUI or LibreChat.",
    "import_not_json": "This file is damaged or is not JSON.",
    "import_damaged": "This zip file is damaged.",
    "import_locked": "This zip file has a password or is packed in a way that cannot be read.",
    "import_bomb": "This zip file unpacks to far more than it should, so it was not opened.",
    "import_too_large": "This file holds more than 200 MB. Take `conversations.json` out of it and import that alone.",
    "import_too_deep": "This file is nested deeper than any chat.",
    "import_newer": "This file was written by a newer Parlour. Update this one first.",
    "share_too_large": "This chat is too large for a link. Download it as a web page instead.",
}
_SKIPPED = {
    "empty": "nobody says anything in it",
    "damaged": "damaged",
    "too_deep": "nested too deep",
    "unknown_shape": "not a chat that Parlour can read",
}


def refusal_words(error: BadInput) -> str:
    """Why a whole file (or a link) is refused."""
    return _REFUSED.get(error.reason, "This cannot be done.")


def skip_words(reason: str) -> str:
    """Why one conversation is left out."""
    return _SKIPPED.get(reason, reason)


def counted(number: int, what: str) -> str:
    """'1 chat', '1,204 chats'."""
    return f"{number:,} {what}{'s' * (number != 1)}"


def size_words(n_bytes: int) -> str:
    """'12 kB', '3.4 MB'."""
    return f"{n_bytes / 1e6:,.1f} MB" if n_bytes >= 1e6 else f"{max(1, n_bytes // 1000):,} kB"
