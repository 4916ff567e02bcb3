"""The page that asks who is there: one form, no script, nothing from elsewhere, in the colours of the app."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from urllib.parse import quote

STYLE = """
:root { color-scheme: light dark; --paper: #ffffff; --ink: #23282b; --quiet: #5f676c; --line: #858d89;
  --accent: #0f6b66; --on: #ffffff; --wrong: #a3262a; }
@media (prefers-color-scheme: dark) { :root { --paper: #161819; --ink: #e4e5e2; --quiet: #9ea5a8; --line: #7b8285;
  --accent: #6fc3ba; --on: #10201f; --wrong: #ff9a94; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.5 "Source Sans", system-ui, sans-serif; }
main { width: 100%; max-width: 21rem; }
h1 { margin: 0 0 0.25rem; font: 600 1.75rem/1.2 "Source Serif", Georgia, serif; }
p { margin: 0 0 1.5rem; color: var(--quiet); }
p[role=alert] { color: var(--wrong); }
label { display: block; margin: 1rem 0 0.25rem; font-weight: 600; }
input { width: 100%; padding: 0.6rem 0.75rem; border: 1px solid var(--line); border-radius: 0.5rem; background: inherit;
  color: inherit; font: inherit; }
button { width: 100%; margin-top: 1.5rem; padding: 0.65rem; border: 0; border-radius: 0.5rem; background: var(--accent);
  color: var(--on); font: inherit; font-weight: 600; cursor: pointer; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
"""
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; img-src data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_DOT = quote(
    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><circle cx='8' cy='8' r='7' fill='#0f6b66'/></svg>"
)
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="referrer" content="same-origin">
<title>Sign in to Parlour</title>
<link rel="icon" href="data:image/svg+xml,{icon}">
<style>{style}</style>
</head>
<body>
<main>
<h1>Parlour</h1>
{said}
<form method="post" action="{action}">
<input type="hidden" name="next" value="{next}">
<label for="name">Name</label>
<input id="name" name="name" value="{name}" autocomplete="username" autocapitalize="none" spellcheck="false" required
 maxlength="200"{wrong}{first}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required maxlength="1000"{wrong}
{second}>
<button>Sign in</button>
</form>
</main>
</body>
</html>
"""


def login_page(action: str, next_path: str, *, name: str = "", wrong: str = "") -> str:
    """The HTML. `wrong` is the sentence about what went wrong, `name` what had been typed.

    The referrer rule lets the browser name this page as the origin of the form, which the Doorkeeper asks for; the
    header that every answer has would make it say "null".
    """
    said = f'<p role="alert" id="said">{escape(wrong)}</p>' if wrong else '<p id="said">Sign in to your chats.</p>'
    return _PAGE.format(
        icon=_DOT,
        style=STYLE,
        said=said,
        action=escape(action),
        next=escape(next_path),
        name=escape(name),
        wrong=' aria-invalid="true" aria-describedby="said"' if wrong else "",
        first="" if name else " autofocus",
        second=" autofocus" if name else "",
    )
