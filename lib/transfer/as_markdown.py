"""A conversation as Markdown: one heading per turn, below it exactly what was said."""

from __future__ import annotations

import re

from lib.messages import FilePart, ImagePart, VideoPart
from lib.transfer.document import ConversationCopy, MessageCopy
from lib.transfer.words import cost_line, speaker, state_words, time_words, total_words

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$!])")


def to_markdown(conversation: ConversationCopy, *, zone: str = "UTC", costs: bool = True) -> str:
    """The shown branch. Texts are not touched in any way; `costs` adds a line of tokens and cost to each answer."""
    branch = conversation.branch
    facts = [time_words(conversation.created_ms, zone), _count(len(branch), "message")]
    if costs and (total := total_words(conversation)):
        facts.append(f"cost: {total}")
    parts = [f"# {line(conversation.title) or 'Chat'}", f"*{' · '.join(map(line, facts))}*"]
    if conversation.system:
        parts += ["## System prompt", conversation.system]
    for message in branch:
        parts += _turn(message, zone, costs=costs)
    if others := len(conversation.messages) - len(branch):
        parts.append(f"*{_count(others, 'message')} of other versions: the JSON export has them.*")
    return "\n\n".join(parts) + "\n"


def _turn(message: MessageCopy, zone: str, *, costs: bool) -> list[str]:
    parts = [f"## {line(speaker(message))} · {time_words(message.created_ms, zone)}"]
    parts += (
        f"*[{_file_words(part)}]*" for part in message.parts if isinstance(part, ImagePart | VideoPart | FilePart)
    )
    if message.reasoning:
        parts += ["### Reasoning", message.reasoning, "### Answer"]
    if message.text:
        parts.append(message.text)
    parts += (f"*{line(text)}*" for text in (state_words(message), cost_line(message) if costs else "") if text)
    return parts


def line(text: str) -> str:
    """Words of ours or a title, in one line in which Markdown finds nothing."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _file_words(part: ImagePart | VideoPart | FilePart) -> str:
    what = "Picture" if isinstance(part, ImagePart) else "Video" if isinstance(part, VideoPart) else "File"
    named = f"{what} {line(part.name[:200])}" if part.name and part.name != "video.mp4" else what
    size = len(part.text.encode("utf-8", "replace")) if isinstance(part, FilePart) else len(part.data) or part.size
    return f"{named}, {size / 1000:,.0f} kB" if size else named


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"
