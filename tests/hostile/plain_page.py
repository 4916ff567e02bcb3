"""A page without any of our walls, which shows hostile text as markup: there the same payloads must be seen to work."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from markdown_it import MarkdownIt

_PRESS = """<script>addEventListener('load', () => setTimeout(() => {
  for (const e of document.querySelectorAll('a, area, button, [onclick], input[type=submit], input[type=image], text'))
    try { e.dispatchEvent(new MouseEvent('click', {bubbles: true, cancelable: true})) } catch {}
}))</script>"""


def careless(text: str) -> str:
    """Markdown as a program without care renders it: HTML let through, every address a link."""
    reader = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    reader.validateLink = lambda _: True  # type: ignore[method-assign]
    return str(reader.render(text))


@contextmanager
def careless_pages(texts: Sequence[str]) -> Iterator[str]:
    """The address of a server: `/all/{from}/{to}` shows those texts, each in a frame of its own."""

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            words = self.path.partition("?")[0].strip("/").split("/")
            if words[0] == "all":
                body = "".join(
                    f"<iframe src=/one/{n} width=90 height=60></iframe>" for n in range(int(words[1]), int(words[2]))
                )
            elif words[0] == "one" and words[1].isdecimal():
                text = texts[int(words[1])]
                body = f"<body>{_PRESS}{careless(text)}<div>{text}</div>"
            else:
                self.send_error(404)
                return
            data = ("<!doctype html><meta charset=utf-8>" + body).encode("utf-8", "replace")
            self.send_response(200)
            self.send_header("content-type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
