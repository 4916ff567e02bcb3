"""Pictures and videos that get lost: many relays drop a part whose spelling they do not know, and say nothing.

What is left is answered and counted as if nothing else had come.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from lib.cards import VideoForm

Drops = Callable[[dict[str, Any]], bool]
"""Whether a part of a message is lost."""


def is_medium(part: dict[str, Any]) -> bool:
    """A picture or a video, in either dialect and any spelling."""
    return part.get("type") in ("image", "image_url", "video_url", "file")


def other_forms(understood: Collection[VideoForm]) -> Drops:
    """Drops videos that are spelt in a form other than these."""
    return lambda part: (form := form_of(part)) is not None and form not in understood


def form_of(part: dict[str, Any]) -> VideoForm | None:
    """In which of its spellings a video is sent; None for anything that is no video."""
    kind = part.get("type")
    held = part.get(kind) if isinstance(kind, str) else None
    match kind, held:
        case "video_url", dict():
            return "video_url"
        case "video_url", str():
            return "video_url_string"
        case "image_url", {"url": str(url)} if _is_video(url):
            return "image_url"
        case "image_url", str(url) if _is_video(url):
            return "image_url"
        case "file", {"file_data": str(url)} if _is_video(url):
            return "file"
        case _:
            return None


def _is_video(url: str) -> bool:
    return url[:11].lower() == "data:video/"


def without(body: dict[str, Any], drops: Drops) -> dict[str, Any]:
    """The request without the parts that `drops` names; whatever has not the shape of a request stays as it is."""
    rows = body.get("messages")
    if not isinstance(rows, list):
        return body
    return {**body, "messages": [_row(row, drops) for row in rows]}


def _row(row: Any, drops: Drops) -> Any:
    content = row.get("content") if isinstance(row, dict) else None
    if not isinstance(content, list):
        return row
    kept = [_row(part, drops) for part in content if not (isinstance(part, dict) and drops(part))]
    return {**row, "content": kept or "(nothing)"} if kept != content else row
