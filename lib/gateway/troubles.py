"""What failures of the network mean, in the words of `lib.errors`."""

from __future__ import annotations

import ssl
from typing import Any

import httpx

from lib.errors import GatewayError
from lib.gateway.upload import Upload

_BIG_BYTES = 10_000_000
_BIG_WHEN_CUT_BYTES = 1_000_000
"""A body of which a part was never taken counts as refused for its size from here on."""


def translated(error: Exception, upload: Upload | None) -> GatewayError:
    """What a transport failure means. Its own text is dropped: httpx puts header values into some of them."""
    match error:
        case httpx.ConnectTimeout() | httpx.PoolTimeout():
            return _unsent("timeout", "connect")
        case httpx.ConnectError():
            return _unsent("server", _connect_code(error))
        case httpx.InvalidURL() | httpx.UnsupportedProtocol() | UnicodeError():
            return unsendable()
        case httpx.RemoteProtocolError() if "location header" in str(error).lower():
            return GatewayError("redirect", "moved to another address", where="http")
        case httpx.WriteError() | httpx.ReadError() if upload and upload.length > _BIG_BYTES:
            return _too_large()
        case httpx.NetworkError() | httpx.RemoteProtocolError() if upload and _was_cut(upload):
            return _too_large()
        case httpx.TimeoutException():
            return GatewayError("timeout", "no answer in time", where="transport", retryable=True)
        case _:
            return GatewayError(
                "server", "the connection closed without an answer", where="transport", code="closed", retryable=True
            )


def _was_cut(upload: Upload) -> bool:
    return upload.unfinished and upload.length > _BIG_WHEN_CUT_BYTES


def _too_large() -> GatewayError:
    """Gateways (and the proxies before them) that want no large body say so, or just hang up."""
    return GatewayError("too_large", "the gateway closed the connection during the upload", where="transport")


def unsendable() -> GatewayError:
    return GatewayError("bad_request", "the request cannot be sent", where="transport", code="url", sent=False)


def _unsent(kind: Any, code: str) -> GatewayError:
    retryable = code != "tls"
    return GatewayError(kind, "", where="transport", code=code, retryable=retryable, sent=False)


def _connect_code(error: BaseException | None) -> str:
    """'tls', 'dns' or 'connect': the cause is some links down the exception chain."""
    text = ""
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return "tls"
        text += str(error).lower()
        error = error.__cause__ or error.__context__
    unresolved = ("name or service not known", "getaddrinfo", "name resolution", "no address associated", "nodename")
    return "dns" if any(words in text for words in unresolved) else "tls" if "certificate" in text else "connect"
