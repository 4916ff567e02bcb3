"""Which kind of failure a gateway means: by its own words first, then by what its text says, then by the status.

Sources of the words: OpenAI "Error codes", Anthropic "Errors", Google RPC status names, and the texts of one-api and
new-api relays (Chinese). A 429 is a rate limit or an empty account; only the words tell, and only the first is worth
trying again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from lib.errors import Kind

RETRYABLE: Final[frozenset[Kind]] = frozenset(
    {"rate_limit", "no_channel", "overloaded", "server", "timeout", "empty", "truncated"}
)


def _by_word(table: dict[Kind, str]) -> dict[str, Kind]:
    return {word: kind for kind, words in table.items() for word in words.split()}


_STRONG: Final = _by_word(
    {
        "quota": "insufficient_quota insufficient_user_quota billing_error billing_hard_limit_reached quota_exceeded"
        " insufficient_balance insufficient_credits insufficient_funds payment_required"
        " pre_consume_token_quota_failed quota_not_enough credit_balance_too_low",
        "auth": "invalid_api_key authentication_error unauthorized unauthenticated invalid_token invalid_authentication"
        " token_expired access_token_invalid api_key_invalid",
        "permission": "permission_error permission_denied forbidden access_denied unsupported_country_region_territory",
        "not_found": "model_not_found not_found_error not_found invalid_model model_not_exist unknown_url",
        "no_channel": "get_channel_failed no_available_channel no_available_channels",
        "context_length": "context_length_exceeded context_window_exceeded prompt_too_long max_context_length_exceeded",
        "too_large": "request_too_large payload_too_large request_entity_too_large",
        "rate_limit": "rate_limit_exceeded rate_limit_error rate_limited rate_limit too_many_requests"
        " resource_exhausted rate_limit_reached requests_per_minute_limit_exceeded",
        "overloaded": "overloaded_error overloaded engine_overloaded server_overloaded engine_overloaded_error"
        " service_unavailable unavailable",
        "timeout": "timeout_error request_timeout deadline_exceeded gateway_timeout",
    }
)
_WEAK: Final = _by_word(
    {
        "server": "api_error server_error internal_error internal_server_error upstream_error bad_response"
        " bad_response_status_code do_request_failed provider_error",
        "bad_request": "invalid_request_error bad_request invalid_request invalid_argument unsupported_parameter"
        " unsupported_value content_filter content_policy_violation",
    }
)

_PATTERNS: Final[tuple[tuple[Kind, str], ...]] = (
    (
        "quota",
        r"exceeded your current quota|insufficient[ _](?:\w+ )?(?:quota|balance|credits?|funds)|payment required"
        r"|credit balance is too low|(?:spend(?:ing)?|monthly|billing)(?: hard)? limit|(?:out of|no) credits"
        r"|额度(?:不足|已用尽|已耗尽)|余额不足|欠费|配额不足|剩余额度",
    ),
    ("no_channel", r"无可用渠道|没有可用(?:的)?渠道|no available channel|no channels? available"),
    (
        "context_length",
        r"maximum context length|context (?:length|window)[^.]{0,40}exceed"
        r"|exceed[^.]{0,40}context (?:length|window)"
        r"|prompt is too long|input (?:is )?too long|maximum number of tokens|上下文(?:长度|过长|超)",
    ),
    ("too_large", r"entity too large|payload too large|exceeds the maximum size|请求体过大"),
    (
        "rate_limit",
        r"rate.?limit|too many requests|负载已饱和|请求(?:过于频繁|过多|太频繁)|频率(?:限制|过高)"
        r"|速率限制|\b[TR]PM\b",
    ),
    (
        "auth",
        r"(?:incorrect|invalid|missing|no|wrong) (?:x-)?api[ -]?key|api key (?:not valid|is invalid|not found)"
        r"|didn't provide an api key|unauthori[sz]ed|无效的令牌|令牌(?:无效|已过期|不存在|状态不可用)|未提供令牌"
        r"|authentication (?:failed|fails|required)|无效的(?: ?api ?)?(?:key|密钥)",
    ),
    ("overloaded", r"overloaded|currently unavailable|at capacity|no capacity|系统繁忙|服务器?繁忙"),
    (
        "permission",
        r"permission denied|not allowed to (?:use|access)|do(?:es)? not have (?:permission|access)|无权",
    ),
    ("not_found", r"does not exist|model[^.]{0,60}not found|no such model|模型不存在|^not found$|invalid url"),
    ("timeout", r"(?:gateway|request|upstream request) time-?d? ?out"),
)
_TEXTS: Final = tuple((kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _PATTERNS)
_TEXT_AT_MOST: Final = 4000
_STATUS: Final[dict[int, Kind]] = {
    401: "auth",
    402: "quota",
    403: "permission",
    404: "not_found",
    408: "timeout",
    409: "server",
    410: "not_found",
    413: "too_large",
    414: "too_large",
    425: "overloaded",
    429: "rate_limit",
    431: "too_large",
    451: "permission",
    503: "overloaded",
    504: "timeout",
    522: "timeout",
    524: "timeout",
    529: "overloaded",
}
# A status that already names the failure: only the words `quota`, `no_channel` and the like may refine it.
_TELLING: Final[frozenset[Kind]] = frozenset({"quota", "no_channel", "context_length", "too_large"})


def kind_of(status: int | None, words: Iterable[str | None], text: str) -> Kind:
    """The kind of a failure, from its HTTP status (None or 200 for one inside a 200), its code and type, its text."""
    text = text[:_TEXT_AT_MOST]
    spoken = [word.strip().lower().replace("-", "_").replace(" ", "_") for word in words if word]
    strong = next((_STRONG[word] for word in spoken if word in _STRONG), None)
    if strong is not None:
        return _refined(strong, status, text)
    read = next((kind for kind, pattern in _TEXTS if pattern.search(text)), None)
    if read in _TELLING and read is not None:
        return read
    number = status if status is not None and status >= 300 else _numeric(spoken)
    by_status = kind_of_status(number) if number is not None else None
    if by_status is not None and by_status not in ("bad_request", "server"):
        return by_status
    weak = next((_WEAK[word] for word in spoken if word in _WEAK), None)
    return _first(by_status if by_status == "server" else None, _in_doubt(read, by_status), weak, by_status)


def kind_of_status(status: int) -> Kind:
    """What an HTTP status says by itself."""
    if status in _STATUS:
        return _STATUS[status]
    if 300 <= status < 400:
        return "redirect"
    return "bad_request" if 400 <= status < 500 else "server"


def _refined(kind: Kind, status: int | None, text: str) -> Kind:
    """Relays say `model_not_found` with 503 when no upstream channel serves the model just now."""
    if kind in ("not_found", "overloaded") and (_reads(text, "no_channel") or (kind == "not_found" and status == 503)):
        return "no_channel"
    if kind in ("rate_limit", "auth", "permission") and _reads(text, "quota"):
        return "quota"
    return kind


def _reads(text: str, kind: Kind) -> bool:
    return any(pattern.search(text) is not None for known, pattern in _TEXTS if known == kind)


def _in_doubt(read: Kind | None, by_status: Kind | None) -> Kind | None:
    """A bare 400 whose text only mentions a model or a limit stays a bad request, unless the text speaks of the key."""
    if by_status == "bad_request" and read not in ("auth", "overloaded", "rate_limit", None):
        return "not_found" if read == "not_found" else None
    return read


def _numeric(words: list[str]) -> int | None:
    """An HTTP status given as `code` (OpenRouter and others do so inside a 200)."""
    for word in words:
        if word.isdecimal() and len(word) == 3 and 300 <= int(word) < 600:
            return int(word)
    return None


def _first(*kinds: Kind | None) -> Kind:
    return next((kind for kind in kinds if kind is not None), "server")
