"""Tool calls as they come in pieces: which piece belongs to which call, and what is told of it.

Rules, each met in the field: the wire's `index` is the key, not the position; the same index with a new id and a name
is a new call; without an index a new id is a new call and anything else continues the last; id and name replace,
arguments are appended; a whole call sent twice counts once; arguments may be an object, missing, or `{}` before the
real ones; a call without an id gets one.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from lib.dialects.loose import compact
from lib.dialects.pieces import Surrogates
from lib.events import ToolCallDelta

_WHOLE_AT_MOST: Final = 64 * 1024


class _Call:
    def __init__(self, number: int) -> None:
        self.number = number
        self.id = ""
        self.name = ""
        self.arguments: list[str] = []
        self.size = 0
        self.braces_held = False
        self.surrogates = Surrogates()

    @property
    def is_whole(self) -> bool:
        """Whether the arguments so far are a JSON object, after which nothing may follow (not asked of long ones)."""
        if not self.arguments or self.size > _WHOLE_AT_MOST or not self.arguments[-1].rstrip().endswith("}"):
            return False
        text = "".join(self.arguments)
        try:
            return isinstance(json.loads(text), dict)
        except (ValueError, RecursionError):
            return False


class Calls:
    """The calls of one answer. `take` gives the delta to report, or None when the piece adds nothing."""

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._by_key: dict[object, _Call] = {}

    def __len__(self) -> int:
        return len(self._calls)

    def take(
        self,
        key: object | None,
        call_id: str,
        name: str,
        arguments: Any,
        signature: str | None = None,
    ) -> ToolCallDelta | None:
        """One piece. `key` is the wire's index (None when it sent none); `arguments` a string, an object or None."""
        call = self._call_of(key, call_id, name)
        new_id = call_id if call_id and not call.id else None
        new_name = name if name and name != call.name else None
        call.id = call.id or call_id
        call.name = name or call.name
        text = self._new_arguments(call, arguments)
        if not (new_id or new_name or text or signature):
            return None
        return ToolCallDelta(call.number, new_id, new_name, text, signature)

    def opened(self, key: object, call_id: str, name: str) -> ToolCallDelta:
        """A call that the wire announces as new, whatever the key meant before."""
        call = self._new(key)
        call.id, call.name = call_id, name
        return ToolCallDelta(call.number, call_id or None, name or None)

    def ended(self, whole: bool, response_id: str | None) -> list[ToolCallDelta]:
        """What completes the calls: `{}` for missing arguments and an id for calls without (only if `whole`)."""
        deltas = []
        for call in self._calls:
            text = call.surrogates.rest() if whole else ""
            if not call.arguments and not text and (whole or call.braces_held):
                text = "{}"
            new_id = _made_id(response_id, call.number) if whole and not call.id else None
            if text or new_id:
                deltas.append(ToolCallDelta(call.number, new_id, None, text))
        return deltas

    def _call_of(self, key: object | None, call_id: str, name: str) -> _Call:
        if key is None:
            return self._unnumbered(call_id, name)
        known = self._by_key.get(key)
        if known is None or (call_id and known.id and call_id != known.id and name):
            return self._new(key)
        return known

    def _unnumbered(self, call_id: str, name: str) -> _Call:
        last = self._calls[-1] if self._calls else None
        if call_id:
            same = next((call for call in self._calls if call.id == call_id), None)
            return same or self._new(None)
        if last is None or (name and (last.is_whole or (last.name and name != last.name))):
            return self._new(None)
        return last

    def _new(self, key: object | None) -> _Call:
        call = _Call(len(self._calls))
        self._calls.append(call)
        if key is not None:
            self._by_key[key] = call
        return call

    def _new_arguments(self, call: _Call, arguments: Any) -> str:
        if arguments is None or arguments == "":
            return ""
        text = arguments if isinstance(arguments, str) else compact(arguments)
        if not call.arguments and text.strip() == "{}":
            call.braces_held = True
            return ""
        if text.lstrip().startswith("{") and call.is_whole:
            return ""
        text = call.surrogates.take(text)
        if text:
            call.arguments.append(text)
            call.size += len(text)
        return text


def _made_id(response_id: str | None, number: int) -> str:
    """An id for a call that came without: the same for the same answer, different between answers."""
    return f"call_{re.sub('[^A-Za-z0-9]', '', response_id or '')[-24:]}{'_' if response_id else ''}{number}"
