"""The one repair of a refused parameter: the same request again, with that parameter left out or renamed.

Models refuse parameters that others take (`max_tokens` on reasoning models, `temperature` on some, `stream_options` on
old relays). A 400 or 422 that names one which we sent may be repaired once; the caller says so to the user, remembers
the new form for that gateway and model, and never repairs twice for one ask.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Literal

from msgspec import Struct, structs

from lib.cards import WireForm
from lib.errors import GatewayError

_OTHER_NAME: Final[Mapping[str, Literal["max_tokens", "max_completion_tokens"]]] = {
    "max_tokens": "max_completion_tokens",
    "max_completion_tokens": "max_tokens",
}
# In the order in which two that exclude each other are given up: temperature stays, top_p goes.
_DROPPABLE: Final = (
    "stream_options",
    "top_p",
    "temperature",
    "stop",
    "stop_sequences",
    "reasoning_effort",
    "output_config",
    "thinking",
    "tool_choice",
    "tools",
)
# Everyday words: in a sentence they count as parameter names only when quoted or followed by a colon.
_EVERYDAY: Final = frozenset({"stop", "tools", "thinking", "temperature"})
_NOT_A_PARAMETER: Final = re.compile(r"content[_ ](?:filter|policy|management)|moderation|safety system", re.IGNORECASE)
_OUT_OF_RANGE: Final = re.compile(r"too (?:large|small|big)|at (?:least|most)|which is the maximum|maximum allowed")


class Repair(Struct, frozen=True):
    """`form` is how to ask again; `param` was `dropped`, or `renamed` to `to`."""

    form: WireForm
    param: str
    action: Literal["dropped", "renamed"]
    to: str | None = None

    @property
    def told(self) -> str:
        """The fact in a few words, as `AttemptBegan.repaired` carries it: `top_p`, or `max_tokens → max_…`."""
        return self.param if self.to is None else f"{self.param} → {self.to}"


def repair(sent: Mapping[str, Any], error: GatewayError, form: WireForm) -> Repair | None:
    """How to ask again after `error`, or None when the request cannot be repaired.

    `sent` is the body that was refused, `form` the form it was made with. Pure; the same error gives the same repair.
    """
    if error.kind != "bad_request" or error.status not in (400, 422) or _is_about_content(error):
        return None
    param = _refused(sent, error)
    if param is None:
        return None
    if param in _OTHER_NAME:
        return _renamed(param, sent, error, form)
    if param == "stream_options":
        return Repair(structs.replace(form, include_usage=False), param, "dropped")
    if param == "tools" and _in_tool_loop(sent):
        return None
    return Repair(structs.replace(form, dropped=(*form.dropped, param)), param, "dropped")


def _is_about_content(error: GatewayError) -> bool:
    said = " ".join(filter(None, (error.code, error.type, error.message)))
    return _NOT_A_PARAMETER.search(said) is not None


def _refused(sent: Mapping[str, Any], error: GatewayError) -> str | None:
    """The sent parameter that the error names: in `param`, else in its text (the first one there)."""
    top = re.split(r"[.\[]", error.param or "", maxsplit=1)[0]
    named = [name for name in (*_DROPPABLE, *_OTHER_NAME) if name in sent and _mentions(error.message, name)]
    if {"temperature", "top_p"} <= set(named):
        return "top_p"
    if top in sent and (top in _DROPPABLE or top in _OTHER_NAME):
        return top
    if top and top in sent:
        return None
    return min(named, key=lambda name: _place(error.message, name), default=None)


def _mentions(message: str, name: str) -> bool:
    return _place(message, name) < len(message)


def _place(message: str, name: str) -> int:
    """Where `message` names the parameter; its length when it does not."""
    quoted = rf"[`'\"]{name}[`'\"]|(?:^|(?<=[\s(])){name}\s*:|(?:parameter|argument|field)s?:?\s+{name}\b"
    quoted += rf"|supplied:\s*{name}\b|{name} is (?:deprecated|not supported|unsupported|not allowed)"
    pattern = quoted if name in _EVERYDAY else rf"(?<![\w.]){name}(?!\w)"
    found = re.search(pattern, message, re.IGNORECASE)
    return found.start() if found else len(message)


def _renamed(param: str, sent: Mapping[str, Any], error: GatewayError, form: WireForm) -> Repair | None:
    """The cap under its other name. A cap that is merely too high is the user's to change: nobody lifts it silently."""
    other = _OTHER_NAME[param]
    value_refused = "above_max" in (error.code or "") or "below_min" in (error.code or "")
    if value_refused or (_OUT_OF_RANGE.search(error.message) and other not in error.message):
        return None
    if form.max_tokens_name != param or other in sent:
        return None
    return Repair(structs.replace(form, max_tokens_name=other), param, "renamed", other)


def _in_tool_loop(sent: Mapping[str, Any]) -> bool:
    """Whether the messages hold calls or results, which mean nothing without the tools."""
    messages = sent.get("messages")
    return isinstance(messages, list) and any(
        isinstance(message, dict) and (message.get("role") == "tool" or message.get("tool_calls"))
        for message in messages
    )
