"""A browser that notices when hostile text got to do something: run, ask for something, go elsewhere, stand as markup."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, Request

_LISTEN = "window.__hit = n => console.info('it ran: ' + n)"
_AUDIT = """() => {
  const wrong = [], links = [], shown = new Set();
  const read = text => { for (const m of text.matchAll(/__hit\\((\\d+)|\\/f\\/(\\d+)/g)) shown.add(m[0]); };
  const walk = root => {
    read((root.body ?? root).textContent);
    for (const e of root.querySelectorAll('*')) {
      if (e.shadowRoot) walk(e.shadowRoot);
      for (const name of ['title', 'aria-label', 'alt', 'placeholder']) read(e.getAttribute(name) ?? '');
      if (e.value && typeof e.value === 'string') read(e.value);
      const tag = e.localName, within = e.closest('[data-testid=stApp], main, table') || root !== document;
      const drawn = e.closest('svg.marks, [data-testid=stVegaLiteChart]');
      if (within && ['script', 'iframe', 'frame', 'object', 'embed', 'base', 'meta', 'portal', 'applet'].includes(tag))
        wrong.push('<' + tag + '> ' + e.outerHTML.slice(0, 120));
      if (within && tag === 'link') wrong.push('<link> ' + e.outerHTML.slice(0, 120));
      for (const a of e.attributes) {
        if (/^on/i.test(a.name)) wrong.push(a.name + ' on ' + tag);
        if (/^(src|srcset|poster|data|action|formaction|background|ping|manifest|xlink:href)$/i.test(a.name)
            && !(tag === 'form' && !a.value)) {
          const at = a.value.trim();
          if (!/^(data:image\\/|blob:|#|$)/.test(at) && new URL(at, location.origin).origin !== location.origin)
            wrong.push(a.name + '=' + at.slice(0, 80) + ' on ' + tag);
        }
        if (a.name === 'style' && /url\\(\\s*['"]?(?!data:|blob:|#)/i.test(a.value)) wrong.push('style ' + a.value.slice(0, 80));
      }
      const to = tag === 'a' || tag === 'area' ? e.getAttribute('href') ?? e.getAttribute('xlink:href') : null;
      if (to !== null && !drawn)
        links.push([to, Boolean(e.closest('.stMarkdown, [data-testid=stMarkdownContainer]'))
                        && !e.closest('[data-testid=stPageLink]')]);
    }
  };
  walk(document);
  return [wrong, links, [...shown]];
}"""
PAGES = re.compile(r"(?:\./)?(?:chat|chats|upload|usage|prices|settings|data)?/?(?:\?[\w=&%.+-]*)?\Z")
_OUT = re.compile(r"(?:https?://|mailto:)[^\s]", re.IGNORECASE)


class Listener:
    """Counts what is asked of it: one port, no page."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        asked = self.asked

        class Count(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                self.send_response(204)
                self.end_headers()

            do_POST = do_HEAD = do_OPTIONS = do_GET

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Count)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> Listener:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    @property
    def forms(self) -> set[int]:
        """The numbers of the forms that came through."""
        return {int(found[1]) for path in self.asked if (found := re.match(r"/f/(\d+)", path))}


class Watched(NamedTuple):
    """What has happened so far; all of it must stay empty."""

    ran: list[int]
    dialogs: list[str]
    windows: list[str]
    gone: list[str]
    asked: list[str]
    markup: list[str]
    links: list[str]

    @property
    def wrong(self) -> list[str]:
        """Everything, in words."""
        return [f"{name}: {one}" for name, many in zip(self._fields, self, strict=True) for one in dict.fromkeys(many)]


class Reader:
    """One browser profile that reads what `home` serves."""

    def __init__(self, page: Page, home: str) -> None:
        self.page = page
        self.seen = Watched([], [], [], [], [], [], [])
        self.shown: set[str] = set()
        self.n_links = 0
        self._home = urlsplit(home)

    def audit(self, *, paper: bool = False) -> None:
        """Look at what stands in the page now; a `paper` is not our app, and all of its links are in words of others."""
        wrong, links, shown = self.page.evaluate(_AUDIT)
        self.shown.update(shown)
        self.seen.markup.extend(wrong)
        self.n_links += len(links)
        self.seen.links.extend(to for to, in_text in links if not _may_stand(to, in_text or paper))
        if not paper and "Parlour" not in self.page.title():
            self.seen.markup.append(f"title {self.page.title()!r}")

    def went(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != self._home.netloc:
            self.seen.asked.append(request.url)
        if request.is_navigation_request() and parts.netloc != self._home.netloc:
            self.seen.gone.append(request.url)

    def refused(self, request: Request) -> None:
        """What the browser itself did not send is no request: its reason is the policy."""
        if request.failure == "csp" and request.url in self.seen.asked:
            self.seen.asked.remove(request.url)


def _may_stand(to: str, in_text: bool) -> bool:
    """In words of others only the web and mail (and the place of a heading in the same page); outside also our pages."""
    if _OUT.match(to) or re.fullmatch(r"#[\w%.-]*", to):
        return True
    return not in_text and bool(PAGES.fullmatch(to.removeprefix("/")) or re.match(r"/?(media|file)/", to))


@contextmanager
def reading(browser: Browser, home: str, *, bypass_csp: bool = False, **options: Any) -> Iterator[Reader]:
    """A page that tells. With `bypass_csp` the browser enforces no policy at all."""
    context = browser.new_context(bypass_csp=bypass_csp, viewport={"width": 1280, "height": 900}, **options)
    context.add_init_script(_LISTEN)
    page = context.new_page()
    one = Reader(page, home)
    context.on("console", lambda said: _heard(one, said.text))
    context.on("dialog", lambda dialog: (one.seen.dialogs.append(dialog.message), dialog.dismiss()))
    context.on("page", lambda opened: one.seen.windows.append(opened.url))
    context.on("request", one.went)
    context.on("requestfailed", one.refused)
    page.on(
        "websocket", lambda socket: one.seen.asked.append(socket.url) if one._home.netloc not in socket.url else None
    )
    try:
        yield one
    finally:
        context.close()


def _heard(one: Reader, text: str) -> None:
    if found := re.match(r"it ran: (\d+)", text):
        one.seen.ran.append(int(found[1]))
