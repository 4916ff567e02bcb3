"""What we ask, before any dialect: parts, messages, parameters, the ask."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct


class TextPart(Struct, frozen=True, tag="text"):
    text: str


class ImagePart(Struct, frozen=True, tag="image", omit_defaults=True):
    """`data` holds the bytes to send, or `url` a reference that the gateway resolves; never both.

    `width` and `height` are pixels, None when nobody has looked. `caption` is sent as text right before the picture:
    the time of a video's frame, the number of a page. `name` is the user's file name, for the screen only.
    """

    media_type: str
    data: bytes = b""
    url: str | None = None
    detail: Literal["auto", "low", "high"] | None = None
    name: str = ""
    width: int | None = None
    height: int | None = None
    caption: str = ""
    size: int | None = None


class VideoPart(Struct, frozen=True, tag="video", omit_defaults=True):
    """As `ImagePart`; `seconds` is the length that the container states, None when it does not. `size` is bytes."""

    media_type: str
    data: bytes = b""
    url: str | None = None
    name: str = "video.mp4"
    width: int | None = None
    height: int | None = None
    seconds: float | None = None
    size: int | None = None


class FilePart(Struct, frozen=True, tag="file", omit_defaults=True):
    """A document that goes as text: drawn as a card with its name, sent between two lines that name it.

    `pages` is its number of pages or sheets where it has any; `cut` says that `text` is only its beginning.
    """

    name: str
    text: str
    media_type: str = "text/plain"
    pages: int | None = None
    cut: bool = False
    size: int | None = None


class ReasoningPart(Struct, frozen=True, tag="reasoning"):
    """Visible reasoning. `signature` and `redacted` go back unchanged in a tool loop (Anthropic thinking blocks)."""

    text: str
    signature: str | None = None
    redacted: tuple[str, ...] = ()


class ToolCallPart(Struct, frozen=True, tag="tool_call"):
    """`arguments` is the JSON text as the model wrote it; `thought_signature` returns to Gemini unchanged."""

    id: str
    name: str
    arguments: str = "{}"
    thought_signature: str | None = None


class ToolResultPart(Struct, frozen=True, tag="tool_result"):
    call_id: str
    text: str
    is_error: bool = False


Part = TextPart | ImagePart | VideoPart | FilePart | ReasoningPart | ToolCallPart | ToolResultPart
Role = Literal["user", "assistant", "tool"]


class Message(Struct, frozen=True):
    """One turn. System text is not a message here: it is `Ask.system`."""

    role: Role
    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """The text parts, joined as they stand."""
        return "".join(part.text for part in self.parts if isinstance(part, TextPart))


class Params(Struct, frozen=True, omit_defaults=True):
    """Only what the user set; None (or empty) is never sent."""

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    reasoning_effort: str | None = None


class Tool(Struct, frozen=True):
    name: str
    description: str = ""
    parameters: dict[str, Any] = {}


class Ask(Struct, frozen=True):
    """One request as we mean it. `tool_choice` is 'auto', 'none', 'required' or a tool's name."""

    model: str
    messages: tuple[Message, ...]
    system: str = ""
    params: Params = Params()
    tools: tuple[Tool, ...] = ()
    tool_choice: str | None = None
    stream: bool = True


def user(text: str) -> Message:
    """A plain user message."""
    return Message("user", (TextPart(text),))


def assistant(text: str) -> Message:
    """A plain assistant message."""
    return Message("assistant", (TextPart(text),))


def headline(parts: tuple[Part, ...]) -> str:
    """What a message is called by: its words, else the names of its files, each once."""
    words = Message("user", parts).text
    if words.strip():
        return words
    names = (part.name for part in parts if isinstance(part, ImagePart | VideoPart | FilePart) and part.name)
    return ", ".join(dict.fromkeys(names))
