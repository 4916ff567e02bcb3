"""Model text, which is hostile until shown otherwise, as Markdown that Streamlit draws faithfully and without a fetch.

Ordinary Markdown stays Markdown. What only Streamlit (or raw HTML, or an image, or an odd link) would make of the text
is spelled so that it is *seen* as it was written. The answer does not depend on how the text was cut into pieces.

Limits, on purpose:

* Reference definitions (`[r]: …`) and footnote definitions are shown as text: a definition that arrives late must not
  turn text already shown into a link or an image. Every image is shown as its own source; its address is a plain link.
* A code span must close on its line. Code indented by four spaces becomes a fence; inside lists it becomes text.
* Streamlit replaces `:material/` by `:material_` even inside code, before any parser runs. Code is never altered here,
  so that one string is drawn wrongly in code (copying the answer gives the original).
* A fence named `mermaid` is drawn as a diagram by Streamlit, in a sandboxed image; the guard leaves it alone.
* More than eight combining marks in a row are cut to eight; control characters become U+FFFD; containers nested deeper
  than forty are shown as text; a paragraph goes on as a new one after about 4,000 characters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lib.markdown.inline import Line
from lib.markdown.intake import Intake, Margin

NESTING_LIMIT = 40
DISPLAY_LIMIT = 4_000  # characters within which $$ … $$ or \[ … \] must close
BLOCK, FENCE, CODE = "\x1e", "\x1d", "\x1c"
"""Marks for the splitter, at the start of a line: a block may begin here; a fence opens; a line of its code.

They cannot come from the text: control characters have been replaced by then."""
_OWN_FENCE = "~~~~~~~~~~~~"

_LEAD = re.compile(r"(?:[ \t]+|>(?!=)|(?:[-*+]|\d{1,9}[.)])(?=[ \t]|$))*")
_UNDECIDED = re.compile(r"\d{0,9}[.)]?|[-*+]|`+|~+|\$+|\\")
_MARKER = re.compile(r"([-*+]|\d{1,9}[.)])(?=[ \t]|$)")
_FENCE = re.compile(r"(`{3,})[^`]*$|(~{3,})")
_NEW_BLOCK = re.compile(
    r">|#{1,6}(?:[ \t]|$)|`{3,}|~{3,}|(?:[-*+]|\d{1,9}[.)])(?:[ \t]|$)|([-*_])(?:[ \t]*\1){2,}[ \t]*$"
)
_INTERRUPTS = re.compile(r"(?:[-*+]|1[.)])[ \t]+\S")
_RULE_OR_HEADING = re.compile(r"#{1,6}(?:[ \t]|$)|([-*_])(?:[ \t]*\1){2,}[ \t]*$")
_UNDERLINE = re.compile(r"(?:=+|-+)[ \t]*$")
_PERHAPS_A_RULE = re.compile(r"[-*_=#|: \t]+")
_DELIMITERS = re.compile(r"(?=[^|:]*[|:])\|?(?:[ \t]*:?-+:?[ \t]*\|)*[ \t]*(?::?-+:?[ \t]*)?")  # a table's second line
_QUOTE = -1


@dataclass(frozen=True)
class _Fence:
    mark: str
    length: int
    stack: tuple[int, ...]


class Guard:
    """Rewrites a growing text: `feed` returns what is certain by now, `close` the rest. Joined, they are `guard(text)`.

    At most one unfinished construct is held back: a code span, formula or link until it closes or its line ends, a
    fence line until its end, display maths within 4,000 characters.
    """

    def __init__(self, *, marked: bool = False) -> None:
        self._marked = marked
        self._after_blank = True
        self._intake = Intake()
        self._margin = Margin()
        self._text = ""
        self._at = 0
        self._line: Line | None = None  # inside a line of prose
        self._raw = False  # inside a line of code
        self._fence: _Fence | None = None
        self._indented = False
        self._stack: tuple[int, ...] = ()
        self._paragraph = False
        self._breakable = False
        self._empty_item = False
        self._size = 0  # of the paragraph, in characters
        self._out: list[str] = []

    def _mark(self, mark: str) -> None:
        if self._marked:
            self._out.append(mark)

    def _begin(self, *, at_margin: bool) -> None:
        """A line of a block is about to be written."""
        if self._after_blank and at_margin:
            self._mark(BLOCK)
        self._after_blank = False

    def feed(self, text: str) -> str:
        """The next piece of Markdown; may be empty."""
        return self._run(text, final=False)

    def close(self) -> str:
        """What was held back."""
        return self._run("", final=True)

    def _run(self, text: str, *, final: bool) -> str:
        self._text = self._text[self._at :] + self._margin.take(self._intake.take(text, final), final)
        self._at = 0
        while self._at < len(self._text) and self._step(final):
            pass
        if final and self._indented:
            self._end_indented()
        result = "".join(self._out)
        self._out.clear()
        return result

    def _step(self, final: bool) -> bool:
        newline = self._text.find("\n", self._at)
        end = newline if newline >= 0 else len(self._text)
        whole = final or newline >= 0
        if self._raw:
            return self._raw_rest(end, newline >= 0)
        if self._line is not None:
            return self._prose_rest(self._line, end, whole, newline >= 0)
        if self._fence is not None:
            return self._fence_line(self._fence, end, whole)
        return self._new_line(end, whole, final)

    # ---- inside a line

    def _raw_rest(self, end: int, ended: bool) -> bool:
        self._take(end + ended)
        self._raw = not ended
        return True

    def _take(self, end: int) -> None:
        self._out.append(self._text[self._at : end])
        self._at = end

    def _prose_rest(self, line: Line, end: int, whole: bool, ended: bool) -> bool:
        before = self._at
        text, self._at, broken = line.scan(self._text, self._at, end, whole, breakable=self._breakable)
        self._out.append(text)
        if broken:
            self._break()
        elif whole and self._at == end:
            self._size += line.length
            self._line = None
            if ended:
                self._out.append("\n")
                self._at += 1
        return self._at > before or (whole and self._line is None)

    def _break(self) -> None:
        self._out.append("\n\n")
        self._line, self._paragraph, self._stack, self._size = None, False, (), 0
        self._after_blank = True

    # ---- at the start of a line

    def _fence_line(self, fence: _Fence, end: int, whole: bool) -> bool:
        line = self._text[self._at : end]
        bare = line.lstrip(" \t>")
        if not whole and (not bare or bare[0] == fence.mark):
            return False
        matched, rest = _inside(fence.stack, line)
        if matched < len(fence.stack):
            self._fence, self._paragraph = None, False  # its list item or quotation ended, and the code with it
            return True
        self._raw = True
        body = rest.strip(" \t")
        opened = not (len(body) >= fence.length and not body.strip(fence.mark) and _indent(rest) <= 3)
        if opened and not fence.stack:
            self._mark(CODE)
        if len(body) >= fence.length and not body.strip(fence.mark) and _indent(rest) <= 3:
            self._fence, self._paragraph = None, False
        return True

    def _new_line(self, end: int, whole: bool, final: bool) -> bool:
        line = self._text[self._at : end]
        lead = _LEAD.match(line)
        skipped = lead.end() if lead else 0
        if not whole and (skipped == len(line) or _UNDECIDED.fullmatch(line, skipped)):
            return False
        stack, rest, lazy, going_on = self._containers(line)
        content = rest.lstrip(" \t")
        if self._indented and stack:
            self._end_indented()
            return True
        if not content:
            return self._blank(stack, end, len(self._text) > end)
        if not whole and _PERHAPS_A_RULE.fullmatch(content):
            return False
        if not whole and content.startswith(("```", "~~~")):
            return False
        self._paragraph, self._empty_item = going_on, False
        if self._indented or (_indent(rest) >= 4 and not self._paragraph and not lazy):
            return self._indented_line(rest, stack, end, whole)
        starts = not lazy and _indent(rest) <= 3
        if starts and (fence := _FENCE.match(content)):
            self._begin(at_margin=line[:1] not in " \t")
            if not stack:
                self._mark(FENCE)
            self._stack, self._raw = stack, True
            mark = fence[1] or fence[2]
            self._fence = _Fence(mark[0], len(mark), stack)
            return True
        if whole and self._paragraph and _DELIMITERS.fullmatch(content):
            self._begin(at_margin=False)
            self._stack, self._raw, self._paragraph = stack, True, True
            return True
        if starts and content.startswith(("$$", "\\[")):
            shown = self._display(stack, end - len(content), final)
            if shown is not None:
                return shown
        return self._prose(stack, self._text[self._at : end - len(content)], content, end, lazy=lazy)

    def _blank(self, stack: tuple[int, ...], end: int, ended: bool) -> bool:
        new_item = bool(self._text[self._at : end].strip(" \t>"))
        if self._empty_item and not new_item and stack and stack[-1] != _QUOTE:
            stack = stack[:-1]  # an item begins with at most one blank line (CommonMark 5.2)
        self._take(end + ended)
        self._stack, self._paragraph, self._size, self._empty_item = stack, False, 0, new_item
        self._after_blank = not new_item
        return True

    def _containers(self, line: str) -> tuple[tuple[int, ...], str, bool, bool]:
        """(containers, the line inside them, whether it only continues the paragraph before, whether that goes on)."""
        matched, rest = _inside(self._stack, line)
        inside = matched == len(self._stack)
        if not inside and self._paragraph and not _NEW_BLOCK.match(rest.lstrip(" \t")):
            return self._stack, rest, True, True
        stack = list(self._stack[:matched])
        while len(stack) < 3 * NESTING_LIMIT and _indent(rest) <= 3:
            body = rest.lstrip(" \t")
            if body.startswith(">") and not body.startswith(">="):
                stack.append(_QUOTE)
                rest = body[2:] if body[1:2] == " " else body[1:]
            elif (marker := _MARKER.match(body)) and not self._no_item(inside and len(stack) == matched, body):
                width, rest = _item(_indent(rest), marker[0], body[marker.end() :])
                stack.append(width)
            else:
                break
        return tuple(stack), rest, False, self._paragraph and inside and len(stack) == matched

    def _no_item(self, inside: bool, body: str) -> bool:
        """Whether the list marker cannot interrupt the paragraph it follows (CommonMark 5.3)."""
        return self._paragraph and inside and not _INTERRUPTS.match(body)

    def _indented_line(self, rest: str, stack: tuple[int, ...], end: int, whole: bool) -> bool:
        if self._indented and _indent(rest) < 4:
            self._end_indented()
            return True
        if stack:  # inside a list: drawn as text, because nothing here can say for sure that it is code
            content = rest.lstrip(" \t")
            lead = self._text[self._at : end - len(content)].expandtabs(4)
            return self._prose(stack, lead[: len(lead) - _indent(rest) + 1], content, end)
        if not whole:
            return False
        if not self._indented:
            self._begin(at_margin=True)
            self._mark(FENCE)
            self._indented, self._stack = True, ()
            self._out.append(_OWN_FENCE + "\n")
        body = rest.expandtabs(4)[4:]
        self._mark(CODE)
        self._out.append(("    " if body.lstrip().startswith(_OWN_FENCE) else "") + body + "\n")
        self._at = min(end + 1, len(self._text))
        return True

    def _end_indented(self) -> None:
        self._out.append(_OWN_FENCE + "\n")
        self._indented = False

    def _display(self, stack: tuple[int, ...], start: int, final: bool) -> bool | None:
        """Maths on lines of its own. None: it is not; False: not known yet."""
        text = self._text
        close = "$$" if text[start] == "$" else "\\]"
        found = text.find(close, start + 2, start + DISPLAY_LIMIT)
        blank = re.compile(r"\n[ \t>]*\n").search(text, start, start + DISPLAY_LIMIT)
        if blank and (found < 0 or blank.start() < found):
            return None
        if found < 0:
            return None if final or len(text) - start >= DISPLAY_LIMIT else False
        newline = text.find("\n", found)
        if newline < 0 and not final:
            return False if not text[found + 2 :].strip(" \t") else None
        end = newline if newline >= 0 else len(text)
        body = text[start + 2 : found].strip()
        if not body or text[found + 2 : end].strip() or any(m in body for m in ("$", "`", "![", "](", ":material/")):
            return None
        self._begin(at_margin=not stack)
        self._out.append(self._drawn_display(stack, start, body))
        self._at = min(end + 1, len(text))
        self._stack, self._paragraph = stack, bool(stack)
        return True

    def _drawn_display(self, stack: tuple[int, ...], start: int, body: str) -> str:
        if not stack:
            return ("\n" if self._paragraph else "") + f"$$\n{body}\n$$\n"
        joined = " ".join(part.lstrip(" \t>") for part in body.split("\n"))
        return self._text[self._at : start] + f"$$\\displaystyle {joined}$$\n"

    def _prose(self, stack: tuple[int, ...], lead: str, content: str, end: int, *, lazy: bool = False) -> bool:
        if len(stack) > NESTING_LIMIT:
            lead, stack = _spelled_lead(lead), ()
        table = content.startswith("|")
        if self._size > DISPLAY_LIMIT and not stack and self._paragraph and not table:
            self._out.append("\n")
            self._size, self._after_blank = 0, True
        self._begin(at_margin=lead[:1] not in (" ", "\t"))
        self._out.append(lead)
        self._at = end - len(content)
        self._line, self._stack = Line(), stack
        heading = _RULE_OR_HEADING.match(content) or (self._paragraph and not lazy and _UNDERLINE.match(content))
        self._paragraph = not heading
        self._breakable = self._paragraph and not table
        return True


def _indent(text: str) -> int:
    """Columns of white space the text starts with."""
    lead = text[: len(text) - len(text.lstrip(" \t"))]
    return len(lead.expandtabs(4))


def _inside(stack: tuple[int, ...], line: str) -> tuple[int, str]:
    """How many of the open containers this line is in, and what is left of it inside them (CommonMark 5.1, 5.2)."""
    rest = line
    for depth, width in enumerate(stack):
        body = rest.lstrip(" \t")
        if width == _QUOTE:
            if not body.startswith(">") or _indent(rest) > 3:
                return depth, rest
            rest = body[2:] if body[1:2] == " " else body[1:]
        elif not body:
            rest = ""
        elif _indent(rest) >= width:
            rest = " " * (_indent(rest) - width) + body
        else:
            return depth, rest
    return len(stack), rest


def _item(indent: int, marker: str, after: str) -> tuple[int, str]:
    """(columns the item's content is in, the rest of its first line)."""
    gap = _indent(after)
    body = after.lstrip(" \t")
    if not body or gap > 4:
        return indent + len(marker) + 1, " " * max(0, gap - 1) + body
    return indent + len(marker) + gap, body


def _spelled_lead(lead: str) -> str:
    return "".join(f"&#{ord(c)};" if c in ">*+-.)" else c for c in lead)


def guard(text: str) -> str:
    """The whole of `text`, guarded at once."""
    return _whole(Guard(), text)


def marked(text: str) -> str:
    """The same, with the splitter's marks."""
    return _whole(Guard(marked=True), text)


def _whole(one: Guard, text: str) -> str:
    return "".join([one.feed(text[at : at + 8192]) for at in range(0, len(text), 8192)]) + one.close()
