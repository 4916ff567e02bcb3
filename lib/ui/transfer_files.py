"""Files and links made of stored conversations, for the buttons that hand them out."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

from lib.bootstrap import Services
from lib.errors import NotFound, StoreUnwritable
from lib.ids import now_ms
from lib.store.rows import Share
from lib.transfer.archive import ENDINGS, MEDIA, Form, exported, write_zip
from lib.transfer.as_page import to_page
from lib.transfer.document import AttemptCopy, ConversationCopy
from lib.transfer.names import file_name
from lib.transfer.words import time_words


def chat_file(services: Services, chat: str, form: Form) -> bytes:
    """One conversation as a file. Raises NotFound."""
    copy = services.store.transfers.copy(services.owner, chat, media=MEDIA[form])
    return exported(copy, form, zone=services.zone, at_ms=now_ms())


def chat_file_name(title: str, form: Form) -> str:
    return file_name(title, ENDINGS[form])


def all_file(services: Services, form: Form) -> bytes:
    """Every conversation in a zip, written to disk one by one. Raises StoreUnwritable when that has no room."""
    try:
        with tempfile.TemporaryFile() as file:
            spend = _loose_spend(services)
            write_zip(file, _copies(services, form), spend, form=form, zone=services.zone, at_ms=now_ms())
            file.seek(0)
            return file.read()
    except OSError as error:
        raise StoreUnwritable(f"cannot write the export: {error.strerror}") from error


def all_file_name(form: Form) -> str:
    return f"parlour-{datetime.now(UTC):%Y-%m-%d}-{ENDINGS[form]}.zip"


def make_link(
    services: Services, chat: str, *, lives_ms: int, costs: bool, pictures: bool, page_url: str
) -> tuple[Share, str]:
    """A new link to the conversation's shown branch as it is now, and its address. Raises NotFound, BadInput."""
    copy = services.store.transfers.copy(services.owner, chat, media=("image",) if pictures else ())
    note = f"A snapshot of {time_words(now_ms(), services.zone)}. What was said later is not part of it."
    page = to_page(copy, zone=services.zone, costs=costs, reasoning=False, pictures=pictures, note=note)
    services.store.shares.sweep(services.owner)
    data = page.encode("utf-8", "replace")
    share, token = services.store.shares.add(services.owner, chat, data, lives_ms=lives_ms, with_costs=costs)
    return share, f"{origin(page_url)}/share/{token}"


def origin(url: str) -> str:
    """Scheme, host and port of an address; '' when it has none."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme and parts.netloc else ""


def _copies(services: Services, form: Form) -> Iterator[ConversationCopy]:
    """Every conversation, read when its turn comes; one that was deleted meanwhile is left out."""
    for chat in services.store.transfers.ids(services.owner):
        try:
            yield services.store.transfers.copy(services.owner, chat, media=MEDIA[form])
        except NotFound:
            continue


def _loose_spend(services: Services) -> Iterator[tuple[AttemptCopy, ...]]:
    after = -1
    while True:
        batch, after = services.store.transfers.loose_spend(services.owner, after)
        if not batch:
            return
        yield tuple(batch)
