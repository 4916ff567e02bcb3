"""A conversation as one HTML file that needs nothing else: no script, no address it would fetch from.

What models and users wrote is hostile. It is read by a CommonMark parser with HTML off; links are http, https and
mailto only; pictures of the text stay words; attached ones are data, and only kinds that cannot act. The policy in
the page's head (https://www.w3.org/TR/CSP3/) is the second wall.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from lib.messages import FilePart, ImagePart, VideoPart
from lib.transfer.document import ConversationCopy, MessageCopy
from lib.transfer.page_style import CSS
from lib.transfer.tidy import image_type
from lib.transfer.words import cost_line, speaker, state_words, time_words, total_words

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
PLAIN_FROM = 200_000
"""Characters from which a text is shown as it is: reading Markdown of that size could keep a processor busy."""

_LINK = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_NO_HEADING = {"h1": "h3", "h2": "h4", "h3": "h5", "h4": "h6", "h5": "h6", "h6": "h6"}


def to_page(
    conversation: ConversationCopy,
    *,
    zone: str = "UTC",
    costs: bool = True,
    reasoning: bool = True,
    pictures: bool = True,
    note: str = "",
) -> str:
    """The shown branch as a page, with what is asked for. `note` is a line of ours below the title."""
    branch = conversation.branch
    title = escape(_clean(" ".join(conversation.title.split())) or "Chat")
    facts = [time_words(conversation.created_ms, zone), f"{len(branch):,} message{'s' * (len(branch) != 1)}"]
    if costs and (total := total_words(conversation)):
        facts.append(f"Cost {total}")
    body = "\n".join(_article(message, zone, costs=costs, reasoning=reasoning, pictures=pictures) for message in branch)
    notes = "".join(f"<p>{escape(_clean(text))}</p>" for text in (" · ".join(facts), note) if text)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="robots" content="noindex, nofollow">\n<meta name="referrer" content="no-referrer">\n'
        f"<title>{title}</title>\n<style>{CSS}</style>\n</head>\n<body>\n<main>\n"
        f'<header><h1 dir="auto">{title}</h1>{notes}</header>\n{body}\n</main>\n</body>\n</html>\n'
    )


def _article(message: MessageCopy, zone: str, *, costs: bool, reasoning: bool, pictures: bool) -> str:
    """One turn."""
    parts = list(_attached(message, pictures=pictures))
    if message.reasoning and reasoning:
        parts.append(f"<details><summary>Reasoning</summary>{rendered(message.reasoning)}</details>")
    if message.text:
        parts.append(f'<div class="said" dir="auto">{rendered(message.text)}</div>')
    lines = (state_words(message), cost_line(message) if costs else "")
    parts += (f'<p class="line">{escape(_clean(text))}</p>' for text in lines if text)
    who = escape(_clean(speaker(message)))
    head = f'<h2>{who} <span class="time">{escape(time_words(message.created_ms, zone))}</span></h2>'
    return f'<article class="{message.role}">{head}{"".join(parts)}</article>'


def _attached(message: MessageCopy, *, pictures: bool) -> Iterator[str]:
    """Pictures as data, everything else by its name."""
    for part in message.parts:
        if isinstance(part, ImagePart):
            kind = image_type(part.data) if pictures else None
            yield _picture(kind, part) if kind else _words(_named("Picture", part.name) + ", not shown here")
        elif isinstance(part, VideoPart):
            yield _words(_named("Video", part.name) + ", not shown here")
        elif isinstance(part, FilePart):
            yield _words(_named("File", part.name))


def _picture(kind: str, part: ImagePart) -> str:
    data, words = base64.b64encode(part.data).decode(), escape(_clean(part.caption or part.name)) or "Attached picture"
    return f'<img src="data:{kind};base64,{data}" alt="{words}">'


def _named(what: str, name: str) -> str:
    """The name is a stranger's: one line of it."""
    line = " ".join(_clean(name).split())[:200]
    return f"{what}: {line}" if line else what


def _words(text: str) -> str:
    return f'<p class="noimage">[{escape(text)}]</p>'


def rendered(text: str) -> str:
    """Hostile Markdown as safe HTML."""
    text = _clean(text)
    if len(text) > PLAIN_FROM:
        return f'<div class="plain">{escape(text)}</div>'
    return str(_MARKDOWN.render(text))


def _clean(text: str) -> str:
    """No control characters and no halves of surrogate pairs, which UTF-8 cannot hold."""
    return _CONTROL.sub("\ufffd", text).encode("utf-8", "replace").decode()


def _reader() -> MarkdownIt:
    reader = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(["table", "strikethrough"])
    reader.validateLink = lambda url: bool(_LINK.match(url))  # type: ignore[method-assign]
    reader.add_render_rule("link_open", _link)
    reader.add_render_rule("image", _image)
    reader.add_render_rule("heading_open", _heading)
    reader.add_render_rule("heading_close", _heading)
    return reader


def _link(self: RendererHTML, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType) -> str:
    tokens[at].attrSet("rel", "noopener noreferrer nofollow")
    tokens[at].attrSet("target", "_blank")
    return self.renderToken(tokens, at, options, env)


def _image(self: RendererHTML, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType) -> str:
    """The description of a picture that is somewhere else; it is never fetched."""
    words = self.renderInlineAsText(tokens[at].children or [], options, env)
    return f'<span class="noimage">[Picture: {escape(words)}]</span>'


def _heading(self: RendererHTML, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType) -> str:
    """Headings of a message lie below those of the page."""
    tokens[at].tag = _NO_HEADING.get(tokens[at].tag, tokens[at].tag)
    return self.renderToken(tokens, at, options, env)


_MARKDOWN: Any = _reader()
