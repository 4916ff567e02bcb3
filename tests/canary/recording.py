"""What a browser and a running Parlour say to each other, and what the page holds, byte for byte."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import streamlit
from playwright.sync_api import Browser, BrowserContext, Page, WebSocket

from tests.canary.everything import Places

READ_PAGE = """() => {
  const found = [location.href, document.title, document.referrer, JSON.stringify(history.state)];
  for (const kept of ["localStorage", "sessionStorage"]) {
    try { found.push(JSON.stringify(Object.entries(window[kept])), document.cookie); } catch { /* a page in a sandbox */ }
  }
  for (const entry of performance.getEntries()) found.push(entry.name);
  const read = (root) => {
    found.push(root.innerHTML ?? "");
    for (const each of root.querySelectorAll("*")) {
      if (typeof each.value === "string") found.push(each.value);
      if (each.shadowRoot) read(each.shadowRoot);
      if (each.tagName === "IFRAME" && each.contentDocument) read(each.contentDocument.documentElement);
    }
  };
  read(document.documentElement);
  return found.join("\\n");
}"""
STATIC = Path(streamlit.__file__).parent / "static"


class Frame(NamedTuple):
    """A frame of a websocket. `act` is what was being done."""

    act: str
    sent: bool
    data: bytes


class Recorder:
    """One browser profile whose traffic is kept: frames of websockets at once, HTTP in a file that is whole at `close`."""

    def __init__(self, browser: Browser, folder: Path) -> None:
        self.act = "the beginning"
        self.frames: list[Frame] = []
        self.looks: list[tuple[str, str]] = []
        self.har = folder / "traffic.har"
        self.context: BrowserContext = browser.new_context(
            viewport={"width": 1280, "height": 900},
            record_har_path=self.har,
            record_har_content="embed",
        )
        self.context.on("page", self._watch)
        self.page: Page = self.context.new_page()

    def _watch(self, page: Page) -> None:
        page.on("websocket", self._listen)

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framesent", lambda data: self._keep(True, data))
        socket.on("framereceived", lambda data: self._keep(False, data))

    def _keep(self, sent: bool, data: str | bytes) -> None:
        self.frames.append(Frame(self.act, sent, data if isinstance(data, bytes) else data.encode()))

    def look(self) -> None:
        """Keep what every open page holds now: elements, shadow roots, fields, frames, storage, cookies, its address."""
        for page in self.context.pages:
            self.looks.append((f"the page after {self.act}", page.evaluate(READ_PAGE)))
            for frame in page.frames[1:]:
                self.looks.append((f"a frame after {self.act}", frame.content()))
        self.looks.append((f"cookies after {self.act}", json.dumps(self.context.cookies())))

    def close(self) -> None:
        self.context.close()


def traffic(har: Path) -> Places:
    """Addresses, headers and bodies of every HTTP request and answer; Streamlit's own unchanged files are left out."""
    installed = {hashlib.sha256(path.read_bytes()).digest() for path in STATIC.rglob("*") if path.is_file()}
    for entry in json.loads(har.read_text("utf-8"))["log"]["entries"]:
        where = f"HTTP {entry['request']['method']} {entry['request']['url'][:100]}"
        entry.pop("_webSocketMessages", None)  # the frames are kept one by one
        content = entry["response"].pop("content", {})
        body = _body(content)
        yield where, json.dumps(entry, ensure_ascii=False)
        if hashlib.sha256(body).digest() not in installed:
            yield f"{where}, its body", body


def requests_of(har: Path) -> Iterator[dict[str, Any]]:
    yield from (entry["request"] for entry in json.loads(har.read_text("utf-8"))["log"]["entries"])


def _body(content: dict[str, Any]) -> bytes:
    text = content.get("text", "")
    return base64.b64decode(text) if content.get("encoding") == "base64" else text.encode("utf-8", "surrogatepass")
