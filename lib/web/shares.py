"""The route behind a link to a snapshot: one finished page, readable by whoever has the token, and nothing else.

The page carries no script and fetches nothing; its policy (https://www.w3.org/TR/CSP3/) holds it to that and gives
it an origin of its own. Unknown, expired and revoked tokens get one and the same answer.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import BaseRoute, Route

from lib.errors import NotFound

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; sandbox allow-popups allow-popups-to-escape-sandbox"
)
_HEADERS = {
    "content-security-policy": POLICY,
    "cache-control": "no-store",
    "x-robots-tag": "noindex, nofollow, noarchive",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
_NOTHING = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex"><title>Nothing here</title>
<style>:root { color-scheme: light dark; } body { font: 1rem/1.6 system-ui, sans-serif; margin: 20vh auto 0;
max-width: 30rem; padding: 0 1rem; }</style></head>
<body><h1>Nothing here</h1><p>This link does not exist, has expired or was revoked.</p></body></html>
"""


def share_routes(read: Callable[[str], bytes]) -> list[BaseRoute]:
    """`GET /share/{token}`: the page that `read` returns, or 404 when it raises NotFound."""

    def page(request: Request) -> HTMLResponse:
        try:
            return HTMLResponse(read(request.path_params["token"]), headers=_HEADERS)
        except NotFound:
            return HTMLResponse(_NOTHING, status_code=404, headers=_HEADERS)

    return [Route("/share/{token:str}", page, methods=["GET"])]
