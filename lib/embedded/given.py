"""One request as the rules see it: the parsed body, the models served, and the media decoded once."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from msgspec import Struct

from lib.cards import DialectName, ModelCard
from lib.dialects.openai_chat.server import media_of


class Medium(Struct, frozen=True):
    """One image or video of the request.

    `path` is where it stands (message, part) in the body; `trouble` is "url", "remote" or "base64" when it has no
    bytes.
    """

    path: tuple[int, int]
    kind: str
    media_type: str
    data: bytes = b""
    trouble: str | None = None


class Given:
    """The facts a rule may look at. Properties of later rules assume that the earlier rules passed."""

    def __init__(
        self,
        body: dict[str, Any],
        models: Mapping[str, ModelCard],
        dialect: DialectName,
        *,
        version: str | None = None,
        reject_unknown: bool = True,
    ) -> None:
        self.body = body
        self.models = models
        self.dialect: DialectName = dialect
        self.version = version
        self.reject_unknown = reject_unknown

    @property
    def card(self) -> ModelCard:
        """The card of the model asked for (after the rule that it exists)."""
        return self.models[self.body["model"]]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The messages (after the rules of their shape)."""
        rows: list[dict[str, Any]] = self.body["messages"]
        return rows

    @cached_property
    def media(self) -> tuple[Medium, ...]:
        """Every image and video, decoded once."""
        read = _openai_media if self.dialect == "openai" else _anthropic_media
        return tuple(medium for at, row in enumerate(self.rows) for medium in read(at, row.get("content")))


def _openai_media(at: int, content: Any) -> Iterator[Medium]:
    for index, part in enumerate(content if isinstance(content, list) else ()):
        if part["type"] in ("image_url", "video_url", "file"):
            yield _from_url((at, index), part["type"], media_of(part)[0])


def _from_url(path: tuple[int, int], part_type: str, url: str) -> Medium:
    likely = "image" if part_type == "image_url" else "video"
    if url.lower().startswith(("http://", "https://")):
        return Medium(path, likely, "", trouble="remote")
    head, comma, payload = url.partition(",")
    if not comma or not head.lower().startswith("data:") or not head.lower().endswith(";base64"):
        return Medium(path, likely, "", trouble="url")
    media_type = head[5:-7].split(";")[0].strip().lower()
    kind = "video" if media_type.startswith("video/") else "image" if media_type.startswith("image/") else likely
    return _decoded(path, kind, media_type, payload)


def _decoded(path: tuple[int, int], kind: str, media_type: str, payload: str) -> Medium:
    try:
        data = base64.b64decode(payload, validate=True)
    except (binascii.Error, ValueError):
        return Medium(path, kind, media_type, trouble="base64")
    return Medium(path, kind, media_type, data, None if data else "base64")


def _anthropic_media(at: int, content: Any) -> Iterator[Medium]:
    for index, block in enumerate(content if isinstance(content, list) else ()):
        if block["type"] == "image":
            yield _from_source((at, index), block["source"])
        elif block["type"] == "tool_result" and isinstance(block.get("content"), list):
            inner = (part for part in block["content"] if part["type"] == "image")
            yield from (_from_source((at, index), part["source"]) for part in inner)


def _from_source(path: tuple[int, int], source: dict[str, Any]) -> Medium:
    if source["type"] != "base64":
        return Medium(path, "image", "", trouble="remote")
    return _decoded(path, "image", source["media_type"], source["data"])
