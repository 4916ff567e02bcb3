"""The inside of one line: text that Streamlit would interpret is spelled so that it shows as it was written.

What is rewritten was read in Streamlit 1.67's own front end (its Markdown bundle), and is held by a test in a real
browser: directives (`:red[x]`), shortcodes (`:smile:`, `:material/x:`), typographic replacements (`->`), single `$`
maths, raw HTML, images, and links to anything but http, https and mailto.
"""

from __future__ import annotations

import re

CODE_LIMIT = 500  # characters within which `code` must close, or its backticks are shown
LINK_LIMIT = 2_000
MATH_LIMIT = 1_000
EMPHASIS_LIMIT = 200  # emphasis marks in one line; more are shown (nesting without end blocks the browser)
BREAK_AFTER = 4_000  # a paragraph longer than this goes on as a new one

_TOKEN = re.compile(r"\\|`+|\$+|!|\[|\]|[-<>=~]+|:|[*_]+|https?://|www\.|[ \t]", re.IGNORECASE)
_BUSY = re.compile(r"\\|`+|\$+|!|\[|\]|[-<>=~]+|:|[*_]+|https?://|www\.", re.IGNORECASE)
_HALF_URL = re.compile(r"(?:h|ht|htt|https?(?::/?)?|w{1,3})$", re.IGNORECASE)
_URL = re.compile(r"[^\s<>`\\\[\]|{}\"]*")
_TRAILING = re.compile(r"[?!.,:*_~'\"]+$")
_PLAIN_URL = re.compile(r"(?:https?://|www\.)(?:[^\s$~:]|:(?![^\W\d]))*", re.IGNORECASE)
_NAME = re.compile(r"[^\s\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e][\w-]{0,63}")
_ODD_EMOJI = re.compile(r":(?:[+]1|-1|100|1234|8ball|1st_place_medal|2nd_place_medal|3rd_place_medal):")
_RESOURCE = re.compile(
    r"\([ \t]*(?:<([^<>\s]*)>|((?:[^\s()<>]|\([^\s()<>]*\))*))"
    r"(?:[ \t]+(?:\"[^\"]*\"|'[^']*'|\([^()]*\)))?[ \t]*\)"
)
_LINK = re.compile(r"(?:https?://[^\s/?#\"'<>\\`\[\]]|mailto:[^\s\"'<>\\`\[\]])[^\s\"'<>\\`\[\]\x00-\x1f\x7f]*", re.I)
_AUTOLINK = re.compile(
    r"<(?:https?://(?:[^\s<>$\\`:\[\]!]|:(?![^\W\d]))+|(?:mailto:)?[\w.+-]+@[A-Za-z0-9.-]+)>", re.IGNORECASE
)
_TYPOGRAPHIC = {"->": 0, "<-": 0, "<->": 1, "--": 0, ">=": 0, "<=": 0, "~=": 0}
_SOLID = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789(){}\"',./+%#@^?;!")
_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
_ENTITY = {"<": "&lt;", ">": "&gt;", "~": "\\~", "-": "-", "=": "="}
_SUM = re.compile(r"(?=.*[ac-jln-zAC-JLN-Z])\d*[a-zA-Z]?(?:[-+*/]\d*[a-zA-Z]?)+")
_TEXT_COMMAND = re.compile(r"\\(?:text|mathrm|mathbf|mathit|operatorname)\*?\{[^{}]*\}|\\[A-Za-z]+")
_WORD = re.compile(r"(?!(?:sin|cos|tan|log|exp|max|min|mod|lim|det|gcd)\b)[A-Za-z]{3,}")


def apart(character: str) -> str:
    """`character` in a text node of its own, looking as if nothing had happened.

    Streamlit replaces `->`, `:streamlit:` and the like after escapes and entities have been decoded, so only a border
    between text nodes stops it. A `:color` directive makes one; its colour passes Streamlit's parser but is not valid
    CSS, so the browser drops it and the text keeps the colour around it.
    """
    return f":color[{character}]{{foreground=rgb(0,0,0,..)}}"


def is_formula(body: str) -> bool:
    """Whether `$body$` is mathematics rather than two prices or shell variables."""
    if not body or body[0].isspace() or body[-1].isspace() or not _harmless(body):
        return False
    bare = _TEXT_COMMAND.sub("\\\\", body)
    if _WORD.search(bare):
        return False
    if body[0].isdigit():
        return any(c in body for c in "\\^_={") or _SUM.fullmatch(body) is not None
    return len(bare) <= 3 or any(c in bare for c in "\\^_=+-*/<>()|{}")


def _harmless(body: str) -> bool:
    """No character that could end the formula early and let its inside come alive."""
    return not any(mark in body for mark in ("$", "`", "![", "](", ":material/")) and "|" not in body.replace("\\|", "")


class Line:
    """Rewrites one line, in as many pieces as it arrives in; `scan` says how far it could go."""

    def __init__(self) -> None:
        self.prev = "\n"
        self.length = 0
        self._open: list[bool] = []  # for each open bracket: whether it is an image's
        self._emphasis = 0

    def scan(self, text: str, at: int, end: int, whole: bool, *, breakable: bool) -> tuple[str, int, bool]:
        """(rewritten, next position, whether the line must be broken here). `whole`: the line's end is known."""
        out: list[str] = []
        if not whole and (half := _HALF_URL.search(text, max(at, end - 8), end)):
            end = half.start()
            hold = True
        else:
            hold = not whole
        while at < end:
            broken = breakable and self.length > BREAK_AFTER
            match = (_TOKEN if breakable and self.length + end - at > BREAK_AFTER else _BUSY).search(text, at, end)
            stop = match.start() if match else end
            if stop > at:
                out.append(text[at:stop])
                self._went(text[stop - 1], stop - at)
                at = stop
            if match is None:
                break
            if match[0] in " \t":
                if broken:
                    return "".join(out), at + 1, True
                step: tuple[str, int] | None = (match[0], at + 1)
            else:
                step = self._token(match[0], text, at, end, hold)
            if step is None:
                break
            out.append(step[0])
            self._went(text[step[1] - 1], step[1] - at)
            at = step[1]
        return "".join(out), at, False

    def _went(self, last: str, count: int) -> None:
        self.prev = last
        self.length += count

    def _token(self, token: str, text: str, at: int, end: int, hold: bool) -> tuple[str, int] | None:
        """(rewritten, next position), or None when more of the line is needed to know."""
        first = token[0]
        if hold and at + len(token) == end and first not in "[":
            return None
        if first == "`":
            return self._code(len(token), text, at, end, hold)
        if first == "\\":
            return self._escape(text, at, end, hold)
        if first == "$":
            return self._dollar(len(token), text, at, end, hold)
        if first == ":":
            return self._colon(text, at, end, hold)
        if first in "![]":
            return self._bracket(first, text, at, end, hold)
        if first in "*_":
            return self._stars(token, at)
        if first in "hHwW":
            return self._url(token, text, at, end, hold)
        return self._signs(token, text, at, end, hold)

    def _code(self, count: int, text: str, at: int, end: int, hold: bool) -> tuple[str, int] | None:
        limit = min(end, at + CODE_LIMIT)
        run = "`" * count
        seek = at + count
        while (close := text.find(run, seek, limit)) >= 0:
            past = close + count
            while past < limit and text[past] == "`":
                past += 1
            if past == limit < end:
                break
            if past == end and hold:
                return None
            if past - close == count:
                return self._span(text, at, past, count)
            seek = past
        if hold and end - at < CODE_LIMIT:
            return None
        return "\\`" * count, at + count

    def _span(self, text: str, at: int, past: int, count: int) -> tuple[str, int]:
        span = text[at:past]
        body = span.replace("\\|", "")
        if "|" in body and any(mark in body for mark in ("![", "](", "<")):
            return "\\`" * count, at + count  # a table would cut this code in two and bring its inside alive
        return span, past

    def _escape(self, text: str, at: int, end: int, hold: bool) -> tuple[str, int] | None:
        if at + 1 == end:
            return ("\\", end)
        following = text[at + 1]
        if following in "([":
            return self._formula("\\" + (")" if following == "(" else "]"), text, at, end, hold)
        if following == "`":
            return "\\`", at + 2
        if following in ":<":
            return ("&#58;" if following == ":" else "&lt;"), at + 2
        return (text[at : at + 2], at + 2) if following in _PUNCTUATION else ("\\\\", at + 1)

    def _formula(self, close: str, text: str, at: int, end: int, hold: bool) -> tuple[str, int] | None:
        limit = min(end, at + MATH_LIMIT)
        found = text.find(close, at + 2, limit)
        if found < 0 and hold and end - at < MATH_LIMIT:
            return None
        body = text[at + 2 : found].strip() if found >= 0 else ""
        if body and _harmless(body):
            return f"$${body}$$", found + 2
        return ("\\\\(" if text[at + 1] == "(" else "\\\\&#91;"), at + 2

    def _dollar(self, count: int, text: str, at: int, end: int, hold: bool) -> tuple[str, int] | None:
        literal = ("\\$" * count, at + count)
        if count > 2 or (count == 1 and (self.prev.isalnum() or self.prev in "$\\")):
            return literal
        start, limit = at + count, min(end, at + MATH_LIMIT)
        if text[start : start + 1].isspace() and count == 1:
            return literal
        found = text.find("$", start, limit)
        if found < 0:
            return None if hold and end - at < MATH_LIMIT and not self._hopeless(text, start, limit) else literal
        past = found
        while past < limit and text[past] == "$":
            past += 1
        if hold and past == end:
            return None
        body = text[start:found]
        after = text[past : past + 1] if past < end else ""
        if past - found != count or not body.strip():
            return literal
        good = is_formula(body) and not after.isalnum() if count == 1 else _harmless(body)
        return (f"$${body.strip()}$$", past) if good else literal

    @staticmethod
    def _hopeless(text: str, start: int, limit: int) -> bool:
        """A price cannot become a formula once a space follows its number: no need to wait."""
        return re.compile(r"[\d.,]+(?:[kKmMbB])?[ \t]+[A-Za-z]{3,}[^\w]").match(text, start, limit) is not None

    def _colon(self, text: str, at: int, end: int, hold: bool) -> tuple[str, int] | None:
        if odd := _ODD_EMOJI.match(text, at, end):
            return apart("&#58;") + odd[0][1:-1], odd.end() - 1
        if hold and end - at < 18 and _could_be_odd(text[at:end]):
            return None
        name = _NAME.match(text, at + 1, end)
        if name is None:
            quiet = self.prev != "]" and (text[at + 1 : end] or " ")[0].isspace()
            return (":" if quiet else "&#58;"), at + 1
        if hold and name.end() == end and len(name[0]) < 64:
            return None
        if name[0].lower() in ("http", "https", "www"):
            return "&#58;", at + 1
        if not text.startswith(":", name.end(), end) or name[0].isdigit():
            return "&#58;" + name[0], name.end()
        return apart("&#58;") + name[0], name.end()

    def _bracket(self, mark: str, text: str, at: int, end: int, hold: bool) -> tuple[str, int] | None:
        if mark == "!":
            if text.startswith("[", at + 1, end):
                self._open.append(True)
                return "&#33;&#91;", at + 2
            return "!", at + 1
        if mark == "[":
            if len(self._open) >= 20:
                return "&#91;", at + 1
            self._open.append(False)
            return "[", at + 1
        if not self._open or self._open[-1]:
            del self._open[-1:]
            return "&#93;", at + 1
        if not text.startswith("(", at + 1, end):
            self._open.pop()
            return "]", at + 1
        resource = _RESOURCE.match(text, at + 1, min(end, at + LINK_LIMIT))
        if resource is None and hold and end - at < LINK_LIMIT:
            return None
        self._open.pop()
        if resource is None:
            return "&#93;", at + 1
        target = resource[1] if resource[1] is not None else resource[2]
        if not _LINK.fullmatch(target):
            return "&#93;", at + 1
        return f"](<{_spelled(target)}>)", resource.end()

    def _stars(self, token: str, at: int) -> tuple[str, int]:
        self._emphasis += len(token)
        if len(token) <= 6 and self._emphasis <= EMPHASIS_LIMIT:
            return token, at + len(token)
        return "".join("\\" + c for c in token), at + len(token)

    def _url(self, token: str, text: str, at: int, end: int, hold: bool) -> tuple[str, int] | None:
        body = _URL.match(text, at, min(end, at + LINK_LIMIT))
        past = body.end() if body else at
        if hold and past == end and end - at < LINK_LIMIT:
            return None
        url = _TRAILING.sub("", text[at:past])
        if url.count(")") > url.count("("):
            url = url[: url.rindex(")")]
        if (
            not self._open
            and token[0] in "hH"
            and not self.prev.isalnum()
            and len(url) > len(token)
            and _PLAIN_URL.fullmatch(url)
        ):
            return f"<{url}>", at + len(url)  # in angles it cannot swallow what follows it
        return token.replace(":", "&#58;").replace(".", "&#46;"), at + len(token)

    def _signs(self, token: str, text: str, at: int, end: int, hold: bool) -> tuple[str, int] | None:
        if token == "<":  # noqa: S105
            if link := _AUTOLINK.match(text, at, min(end, at + LINK_LIMIT)):
                return link[0], link.end()
            if hold and end - at < LINK_LIMIT and not re.compile(r"<[^\s<>]*[\s<>]").match(text, at, end):
                return None
        past = at + len(token)
        after = text[past] if past < end else "\n"
        if token in _TYPOGRAPHIC and self.prev not in _SOLID and after not in _SOLID:
            place = _TYPOGRAPHIC[token]
            spelled = [_ENTITY[c] for c in token]
            spelled[place] = apart(spelled[place])
            return "".join(spelled), past
        if token == "~~":  # noqa: S105
            return token, past
        plain = token.replace("<", "&lt;").replace("~", "\\~")
        return (plain if self.length else plain.replace(">", "&gt;")), past


def _could_be_odd(text: str) -> bool:
    odd = (":+1:", ":-1:", ":100:", ":1234:", ":8ball:", ":1st_place_medal:", ":2nd_place_medal:", ":3rd_place_medal:")
    return any(word.startswith(text) for word in odd)


def _spelled(target: str) -> str:
    """The address with what Markdown or Streamlit might read spelled in percent form; it leads to the same place."""
    scheme, colon, rest = target.partition(":")
    rest = rest.replace("$", "%24").replace("!", "%21").replace("|", "%7C")
    return scheme + colon + re.sub(r":(?=[^\W\d])", "%3A", rest)
