"""What an attachment is: a user's file before it becomes parts of a message.

Its bytes were looked at once, when it came in. What can be sent of it lies ready in one or more forms, and the user
chooses one of them until the message goes off.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from lib.messages import FilePart, ImagePart, Part, VideoPart

Kind = Literal["image", "video", "sound", "document"]
FormName = Literal["original", "standard", "small", "text", "pages", "video", "frames"]
"""original, standard, small: a picture in three sizes · text, pages: a document · video, frames: a clip."""

Problem = Literal[
    "empty",
    "too_large",
    "too_many_pixels",
    "unknown_type",
    "damaged",
    "protected",
    "no_text",
    "took_too_long",
    "too_much_memory",
    "archive_bomb",
    "quota",
    "too_many",
]
"""Why nothing of a file can be sent. Each has its sentence in `lib/ui/attachment_words.py`."""


class Form(Struct, frozen=True):
    """One way to send the attachment. `note` is a short code of what was done ("first_frame", "no_text", "cut")."""

    name: FormName
    parts: tuple[Part, ...]
    note: str = ""

    @property
    def bytes(self) -> int:
        """What goes over the wire of it, before base64."""
        return sum(part_bytes(part) for part in self.parts)


class Attachment(Struct, frozen=True):
    """`media_type` is what the content says, not the name; `size` the bytes of the file as it was given.

    `width`, `height` (pixels, as seen: after turning), `seconds`, `pages` (pages, sheets or slides) where they apply.
    With `problem` there is no form, and nothing of it can be sent.
    """

    name: str
    kind: Kind
    media_type: str
    size: int
    forms: tuple[Form, ...] = ()
    chosen: FormName | None = None
    problem: Problem | None = None
    public_id: str = ""
    width: int | None = None
    height: int | None = None
    seconds: float | None = None
    pages: int | None = None
    thumb: ImagePart | None = None
    """At most 256 px on the long edge; None where nothing can be shown."""

    @property
    def form(self) -> Form | None:
        """The form that is going to be sent."""
        return next((form for form in self.forms if form.name == self.chosen), self.forms[0] if self.forms else None)

    @property
    def parts(self) -> tuple[Part, ...]:
        """What is going to be sent."""
        return self.form.parts if self.form else ()


def part_bytes(part: Part) -> int:
    """Bytes of one part before base64, whether they are here or stored."""
    if isinstance(part, FilePart):
        return len(part.text.encode("utf-8", "replace"))
    if isinstance(part, ImagePart | VideoPart):
        return len(part.data) or part.size or 0
    return 0
