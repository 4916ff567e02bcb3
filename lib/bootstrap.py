"""Settings in, services out: the only place where the doors meet.

There is one `Services` per process. The server starts it in its lifespan; a page that runs without one starts it
itself, so the page scripts work under every way of running Streamlit.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from lib import settings as settings_module
from lib.cards import GatewayCard
from lib.embedded import EmbeddedGateway
from lib.gateway import Deadlines
from lib.gateways import Gateways
from lib.generation import Engine
from lib.generation.desk import Desk
from lib.ids import now_ms
from lib.keys import KeyBox
from lib.settings import ConfiguredGateway, Settings
from lib.store import Store, open_store

VERSION = "0.1.0"
STALE_MS = 15_000


class Services:
    """What pages are given. `close` ends running answers in an orderly way."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.zone = settings.zone
        self.store: Store = open_store(settings.database_url or "", settings.data_dir, zone=settings.zone)
        self.owner = self.store.owner()
        self.engine = Engine(self.store.answers)
        self.gateways = Gateways(self.store, self.engine, KeyBox(settings.data_dir), self.owner, deadlines=Deadlines())
        self.desk = Desk(self.store, self.engine, self.gateways, self.owner)
        self.demo: EmbeddedGateway | None = None
        self.store.answers.sweep(epoch=self.desk.epoch, now_ms=now_ms(), stale_ms=STALE_MS)
        for configured in settings.gateways:
            self._hold_configured(configured)
        wanted = settings.demo == "on" or self.store.preferences.get(self.owner, "demo", False)
        if settings.demo != "off" and (wanted or not self.gateways.cards()):
            self.start_demo()

    def start_demo(self) -> GatewayCard:
        """Start the embedded gateway (once) and list it as the demo gateway."""
        if self.demo is None:
            self.demo = EmbeddedGateway(speed=self.settings.demo_speed)
            self.demo.start()
        card = GatewayCard(0, "Demo", self.demo.base_url, ("openai", "anthropic"), demo=True, origin_of_key="demo")
        return self.gateways.hold(card, self.demo.key, slot="demo")

    def show_demo(self, wanted: bool) -> None:
        """Offer the demo beside real gateways, or stop to; remembered over restarts."""
        self.store.preferences.set(self.owner, "demo", wanted)
        if wanted:
            self.start_demo()
            return
        for card in self.gateways.cards():
            if card.demo:
                self.gateways.release(card.id)

    def _hold_configured(self, found: ConfiguredGateway) -> None:
        card = GatewayCard(0, found.name, found.base_url, found.dialects, origin_of_key=found.origin)
        self.gateways.hold(card, found.key, slot=f"{found.origin}:{found.name}")

    def answer_text(self, message: str) -> str:
        """The exact text of an answer, for the clipboard. Raises NotFound."""
        return self.store.answers.get(self.owner, message).text

    def close(self) -> None:
        """Stop: answers in progress are kept as interrupted."""
        self.engine.close()
        if self.demo:
            self.demo.stop()
        self.store.close()


_lock = threading.Lock()
_services: Services | None = None


def services(make: Callable[[], Settings] = settings_module.load) -> Services:
    """This process's services, started on first use. Raises ParlourError when they cannot start."""
    global _services
    with _lock:
        if _services is None:
            _services = Services(make())
        return _services


def close() -> None:
    """End this process's services, if they run."""
    global _services
    with _lock:
        ended, _services = _services, None
    if ended:
        ended.close()
