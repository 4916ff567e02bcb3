"""Every sentence about attachments: what one is, what is sent of it, why it is not, and what to do. Pure text."""

from __future__ import annotations

from collections.abc import Sequence

from lib.attachments import Attachment, Form, FormName, Problem, part_bytes
from lib.messages import FilePart, ImagePart, Part, VideoPart
from lib.ui.notices import BY_KIND

PROBLEMS: dict[Problem, tuple[str, str]] = {
    "empty": ("This file is empty.", "Save it again, then attach it."),
    "too_large": ("This file is too large.", "Attach a smaller version of it."),
    "too_many_pixels": ("This picture has too many pixels to be opened safely.", "Scale it down first."),
    "unknown_type": ("Nothing in this file can be read or shown.", "Attach a picture, a video, a PDF or a text."),
    "damaged": ("This file is damaged or not complete.", "Open it in its own program and save it again."),
    "protected": ("This file is protected by a password.", "Save it without the password, then attach it."),
    "no_text": ("There is no text in this file.", "Attach it as pictures of its pages."),
    "took_too_long": ("Opening this file took too long.", "Attach a part of it."),
    "too_much_memory": ("Opening this file needs too much memory.", "Attach a smaller version of it."),
    "archive_bomb": ("This file would unpack to far more than it should.", "Attach only what you need of it."),
    "quota": ("Your files take all the room they may.", "Delete chats with large files, then attach it again."),
    "too_many": ("No more files can wait here.", "Send or remove some, then attach it again."),
}

FORMS: dict[FormName, str] = {
    "original": "Original",
    "standard": "Standard",
    "small": "Small",
    "text": "Text",
    "pages": "Pages as pictures",
    "video": "Video",
    "frames": "Frames",
}

_NOTES = {
    "first_frame": "only its first frame",
    "no_text": "without text of its own",
    "cut": "only its beginning",
    "sound_as_video": "as a video with nothing to see",
    "sound_cut": "its beginning, as a video with nothing to see",
}
_KINDS = {"image": "Picture", "video": "Video", "sound": "Recording", "document": "Document"}
_DOCUMENTS = {
    "application/pdf": "PDF",
    "text/csv": "Table",
    "text/plain": "Text",
    "image/svg+xml": "SVG",
}
MEDIA_IGNORED_WORDS = (
    "The gateway reported far fewer input tokens than the attachments should take: it has probably ignored them. "
    "For video, another format may work; it is chosen with the gateway."
)
FRAME_COUNTS = (4, 8, 16, 30)


def problem_words(problem: Problem) -> str:
    """Why nothing of a file can be sent, and what to do."""
    what, then = PROBLEMS[problem]
    return f"{what} {then}"


def size_words(count: int) -> str:
    """'0 bytes', '214 kB', '3.1 MB'."""
    if count < 1_000:
        return f"{count} byte{'s' if count != 1 else ''}"
    if count < 1_000_000:
        return f"{max(1, round(count / 1_000))} kB"
    return f"{count / 1_000_000:.1f} MB"


def length_words(seconds: float) -> str:
    """'0:12', '1:02:05'."""
    whole = max(0, round(seconds))
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def sent_words(attachment: Attachment) -> str:
    """What is going to be sent: 'Picture, 1568×1176, 214 kB (was 4000×3000, 3.1 MB)'."""
    form = attachment.form
    if form is None:
        return f"{_KINDS[attachment.kind]}, {size_words(attachment.size)}"
    match form.parts:
        case (ImagePart() as part,) if form.name in ("original", "standard", "small"):
            words = f"Picture, {_picture(attachment, form, part)}"
        case (VideoPart() as part,):
            facts = _video(part) if attachment.kind == "video" else _video(part)[:1]
            words = ", ".join([_KINDS[attachment.kind], *facts, size_words(form.bytes)])
        case _ if form.name == "frames":
            words = f"{_KINDS[attachment.kind]}{_of(attachment)} as {_count(len(form.parts), 'picture')}"
            words += f", {size_words(form.bytes)}"
        case _:
            words = _document(attachment, form)
    note = _NOTES.get(form.note, "")
    return f"{words}, {note}" if note else words


def part_words(part: Part) -> str:
    """What one part of a message is: '1568×1176, 214 kB', '0:12, 640×360, 1.2 MB', '12 pages, 34 kB, cut'."""
    size = [size_words(part_bytes(part))] if part_bytes(part) else []
    match part:
        case ImagePart():
            return ", ".join([*_pixels(part.width, part.height), *size])
        case VideoPart():
            return ", ".join([*_video(part), *size])
        case FilePart():
            pages = [_count(part.pages, "page")] if part.pages else []
            return ", ".join([*pages, *size, *(["only its beginning"] if part.cut else [])])
    return ""


def _picture(attachment: Attachment, form: Form, part: ImagePart) -> str:
    now = ", ".join([*_pixels(part.width, part.height), size_words(form.bytes)])
    same = (part.width, part.height) == (attachment.width, attachment.height)
    before = [] if same else _pixels(attachment.width, attachment.height)
    if same and round(attachment.size / 1000) == round(form.bytes / 1000):
        return now
    return f"{now} (was {', '.join([*before, size_words(attachment.size)])})"


def _video(part: VideoPart) -> list[str]:
    length = [length_words(part.seconds)] if part.seconds is not None else []
    return [*length, *_pixels(part.width, part.height)]


def _of(attachment: Attachment) -> str:
    return f" of {length_words(attachment.seconds)}" if attachment.seconds is not None else ""


def _document(attachment: Attachment, form: Form) -> str:
    name = _DOCUMENTS.get(attachment.media_type, _KINDS[attachment.kind])
    pictures = sum(isinstance(part, ImagePart) for part in form.parts)
    if pictures:
        return f"{name}, {_count(pictures, 'page')} as pictures, {size_words(form.bytes)}"
    pages = f", {_count(attachment.pages, 'page')}" if attachment.pages else ""
    how = "" if name == "Text" else " as text"
    return f"{name}{pages}{how}, {size_words(form.bytes)}"


def _pixels(width: int | None, height: int | None) -> list[str]:
    return [f"{width}×{height}"] if width and height else []


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' if number != 1 else ''}"


def form_words(form: Form) -> str:
    """One way to send an attachment: 'Small, 768×576, 60 kB'."""
    if form.name == "frames":
        return f"{_count(len(form.parts), 'frame')}, {size_words(form.bytes)}"
    pixels = _pixels(*_size(form.parts)) if len(form.parts) == 1 else []
    return ", ".join([FORMS[form.name], *pixels, size_words(form.bytes)])


def _size(parts: Sequence[Part]) -> tuple[int | None, int | None]:
    match parts[0]:
        case ImagePart(width=width, height=height) | VideoPart(width=width, height=height):
            return width, height
    return None, None


def share_words(used: int, most: int) -> str:
    """'2.1 of 20 MB': of what one request may be, in the binary megabytes of such limits."""
    part = f"{used / 1_048_576:.1f}" if used >= 104_858 else "under 0.1"
    return f"{part} of {most / 1_048_576:.0f} MB"


def misfit_words(reason: str, model: str, through: str, *, sound: bool = False) -> str:
    """Why a model does not take an attachment: its name, and the wire it is asked through. `sound`: a recording."""
    known = {
        "image_not_taken": f"{model} takes no pictures through {through}.",
        "video_not_taken": f"{model} takes no {'sound' if sound else 'video'} through {through}.",
        "image_too_large": f"This picture is larger than {model} takes. Choose a smaller size.",
        "image_type_not_taken": f"{model} takes no pictures of this kind.",
        "video_type_not_taken": f"{model} takes no video of this kind.",
        "image_too_many_pixels": f"This picture has more pixels than {model} takes. Choose a smaller size.",
        "video_too_large": "This video is larger than one request may be. Choose frames, or attach a shorter one.",
        "too_many_images": f"These are more pictures than {model} takes at once.",
        "body_too_large": "The files together are larger than a request may be. Choose smaller sizes, or remove some.",
    }
    if reason in known:
        return known[reason]
    notice = BY_KIND.get(reason)
    return notice.text if notice else f"{model} does not take this."


def files_words(parts: Sequence[Part]) -> str:
    """'2 pictures, 1 video, 1 document'; empty without any."""
    kinds = ((ImagePart, "picture"), (VideoPart, "video"), (FilePart, "document"))
    counted = ((sum(isinstance(part, kind) for part in parts), word) for kind, word in kinds)
    return ", ".join(_count(number, word) for number, word in counted if number)


def left_out_words(parts: Sequence[Part], model: str, through: str) -> str:
    """'3 pictures in this chat will not be sent to GPT-5.4 through Messages.'"""
    return f"{files_words(parts)} in this chat will not be sent to {model} through {through}."


def left_out_of_answer(number: int) -> str:
    """Below an answer: what it was not asked with."""
    why = "or all of it at once was too large"
    if number == 1:
        return f"1 picture or video of this chat was not sent: this model does not take it, {why}."
    return f"{number} pictures and videos of this chat were not sent: this model does not take them, {why}."
