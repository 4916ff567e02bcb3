"""Security headers on every HTTP answer, whoever wrote it.

Model output is hostile input: should a Markdown or HTML trick ever slip through the renderer, the browser must still
fetch nothing from elsewhere and run nothing that is not ours. The policy follows CSP Level 3
(https://www.w3.org/TR/CSP3/): scripts come from this origin only, plus the one inline script of Streamlit's page,
named by its hash. That hash is computed from the installed file, so an upgrade cannot silently break or widen it.
"""

from __future__ import annotations

import base64
import hashlib
from html.parser import HTMLParser
from importlib import resources

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MEDIA_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; media-src 'self'; frame-ancestors 'none'"
"""For stored and generated files: shown alone in a tab they get an origin of their own and may load nothing."""

FIXED = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": (
        "camera=(self), microphone=(self), clipboard-write=(self), "
        "geolocation=(), payment=(), usb=(), serial=(), midi=(), display-capture=()"
    ),
}

PASSIVE_TYPES = frozenset(
    {"image/png", "image/jpeg", "image/webp", "image/gif", "image/avif", "image/bmp", "text/plain", "text/csv"}
)
"""What a browser may show in a tab of its own. SVG, HTML, XML and PDF can act, so they are downloads."""


class _InlineScripts(HTMLParser):
    """Collects the text of every `<script>` without `src`, byte for byte as the browser hashes it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.found: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "script" and "src" not in dict(attrs):
            self._inside = True
            self.found.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.found[-1] += data


def script_hashes(html: str) -> list[str]:
    """The CSP source expressions (`'sha256-…'`) of the inline scripts of a page, in order of appearance."""
    parser = _InlineScripts()
    parser.feed(html)
    parser.close()
    digests = (hashlib.sha256(text.encode()).digest() for text in parser.found)
    return [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]


def installed_page() -> str:
    """The page that the installed Streamlit serves for every address of the app."""
    return (resources.files("streamlit") / "static" / "index.html").read_text(encoding="utf-8")


def page_policy(html: str) -> str:
    """The Content-Security-Policy of the app, for a page with these inline scripts.

    `blob:` scripts and workers are Streamlit's components and Mermaid, `wasm-unsafe-eval` its table widget; a
    recording of the microphone is read back from a `blob:`. Inline styles are how its styling library works. There
    is no `unsafe-eval` and no other origin.
    """
    scripts = " ".join(["'self'", "blob:", "'wasm-unsafe-eval'", *script_hashes(html)])
    return "; ".join(
        [
            "default-src 'self'",
            "img-src 'self' data: blob:",
            "media-src 'self' data: blob:",
            "font-src 'self' data:",
            "style-src 'self' 'unsafe-inline'",
            f"script-src {scripts}",
            "worker-src 'self' blob:",
            "connect-src 'self' data: blob:",
            "frame-src 'self' blob:",
            "frame-ancestors 'none'",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
        ]
    )


class SecurityHeaders:
    """Adds the headers to each HTTP answer, the app's own 500 included; websockets pass untouched."""

    def __init__(self, app: ASGIApp, *, policy: str, media_prefix: str = "/media/") -> None:
        self._app = app
        self._policy = policy
        self._media_prefix = media_prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_media = str(scope["path"]).startswith(self._media_prefix)
        started = False

        async def send_guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                self._guard(MutableHeaders(scope=message), is_media)
            await send(message)

        try:
            await self._app(scope, receive, send_guarded)
        except Exception:
            # Starlette answers a crash outside the middleware, without our headers; so it is answered here.
            if not started:
                await PlainTextResponse("Internal Server Error", 500)(scope, receive, send_guarded)
            raise

    def _guard(self, headers: MutableHeaders, is_media: bool) -> None:
        for name, value in FIXED.items():
            headers[name] = value
        # Appended, never replaced: a route with a stricter policy keeps it, browsers enforce both.
        headers.append("content-security-policy", MEDIA_POLICY if is_media else self._policy)
        if is_media and not _is_passive(headers.get("content-type", "")):
            headers.setdefault("content-disposition", "attachment")


def _is_passive(content_type: str) -> bool:
    essence = content_type.partition(";")[0].strip().lower()
    return essence in PASSIVE_TYPES or essence.startswith(("audio/", "video/"))
