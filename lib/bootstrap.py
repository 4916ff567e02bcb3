"""Settings in, services out: the only place where the doors meet.

There is one `Services` per process. The server starts it in its lifespan; a page that runs without one starts it
itself, so the page scripts work under every way of running Streamlit.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress

from lib import settings as settings_module
from lib.cards import GatewayCard
from lib.embedded import EmbeddedGateway
from lib.errors import ParlourError, StoreBusy
from lib.gateway import Deadlines
from lib.gateways import Gateways
from lib.generation import Engine
from lib.generation.attaching import Attaching
from lib.generation.desk import Desk
from lib.generation.titles import PREFERENCE as TITLES_WANTED
from lib.generation.video_probe import VideoProbe
from lib.ids import now_ms
from lib.keys import KeyBox
from lib.price_desk import PriceDesk
from lib.settings import ConfiguredGateway, Settings
from lib.store import Store, open_store

VERSION = "0.1.0"
STALE_MS = 15_000
SWEEP_S = 5.0
DEMO_LIST_S = 5.0


class Services:
    """What pages are given. `close` ends running answers in an orderly way.

    Making it either succeeds or leaves nothing open, so that it can be tried again. Raises StoreError and
    SettingsError.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.zone = settings.zone
        self.demo: EmbeddedGateway | None = None
        with ExitStack() as undo:
            self.store: Store = open_store(settings.database_url or "", settings.data_dir, zone=settings.zone)
            undo.callback(self.store.close)
            self.owner = self.store.owner()
            keys = KeyBox(settings.data_dir)
            self.engine = Engine(self.store.answers)
            undo.callback(self.engine.close)
            self.gateways = Gateways(self.store, self.engine, keys, self.owner, deadlines=Deadlines())
            undo.callback(self._close_doors)
            self.prices = PriceDesk(self.store, self.gateways, self.owner)
            self.desk = Desk(self.store, self.engine, self.gateways, self.owner)
            self.batches = self.desk.batches
            self.attachments = Attaching(
                self.store, self.desk.temporary, self.owner, settings.data_dir, most_bytes=settings.upload_bytes
            )
            self.video_probe = VideoProbe(
                *(self.store.ledger, self.engine, self.gateways, self.owner), hold=self.desk.estimates.hold
            )
            undo.callback(self._stop_demo)
            self._begin()
            undo.pop_all()

    def _begin(self) -> None:
        self.desk.recover(STALE_MS)
        with suppress(StoreBusy):  # another process is at work; the trash can wait for the next start
            self.store.trash.purge(self.owner, now_ms())
        if self.store.engine == "postgresql":
            self.engine.spawn(self._sweep_often())
        for configured in self.settings.gateways:
            self._hold_configured(configured)
        wanted = self.settings.demo == "on" or self.store.preferences.get(self.owner, "demo", False)
        if self.settings.demo != "off" and (wanted or not self.gateways.cards()):
            self.start_demo()

    async def _sweep_often(self) -> None:
        """With several processes: end the answers of one that died, before anybody restarts it.

        Not until the database has been well for a while: after an outage every heartbeat is old, and each process
        must be able to store its own ended answers first.
        """
        well_rounds = 0
        while True:
            await asyncio.sleep(SWEEP_S)
            well_rounds = well_rounds + 1 if await asyncio.to_thread(self._sweep_round, well_rounds) else 0

    def _sweep_round(self, well_rounds: int) -> bool:
        """One look; False when the database did not answer."""
        try:
            if well_rounds * SWEEP_S * 1000 < STALE_MS:
                self.store.answers.running(self.owner)
            else:
                self.desk.recover(STALE_MS)
        except ParlourError:
            return False
        return True

    def start_demo(self) -> GatewayCard:
        """Start the embedded gateway (once) and list it as the demo gateway."""
        if self.demo is None:
            self.demo = EmbeddedGateway(speed=self.settings.demo_speed).start()
        card = GatewayCard(0, "Demo", self.demo.base_url, ("openai", "anthropic"), demo=True, origin_of_key="demo")
        held = self.gateways.hold(card, self.demo.key, slot="demo")
        with suppress(TimeoutError):  # its prices are here before the first question, so no demo answer is unpriced
            self.gateways.refresh(held.id).result(DEMO_LIST_S)
        return held

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
        held = self.gateways.hold(card, found.key, slot=f"{found.origin}:{found.name}")
        self.gateways.refresh(held.id)

    def answer_text(self, message: str) -> str:
        """The exact text of an answer, for the clipboard; also of one that could not be stored. Raises NotFound."""
        return self.desk.text_of(message)

    @property
    def wants_titles(self) -> bool:
        """Whether a model writes the titles of conversations."""
        return bool(self.store.preferences.get(self.owner, TITLES_WANTED, False))

    def want_titles(self, wanted: bool) -> None:
        """Switch that on or off; remembered over restarts."""
        self.store.preferences.set(self.owner, TITLES_WANTED, wanted)

    def draft(self, chat: str) -> str:
        """What was typed in a conversation ("new": the next new one) and not sent. Raises NotFound."""
        return self.store.drafts.get(self.owner, "" if chat == "new" else chat)

    def keep_draft(self, chat: str, text: str) -> None:
        """Keep it; an empty one is cleared. Raises NotFound, and BadInput for more than 200 kB."""
        self.store.drafts.set(self.owner, "" if chat == "new" else chat, text)

    def close(self) -> None:
        """Stop: answers in progress are kept as interrupted, then doors, engine, demo and store close in that order."""
        self.engine.drain()
        self._close_doors()
        self.engine.close()
        self._stop_demo()
        self.store.close()

    def _close_doors(self) -> None:
        with suppress(ParlourError):
            self.engine.call(self.gateways.aclose(), timeout_s=2.0)

    def _stop_demo(self) -> None:
        if self.demo:
            self.demo.stop()


_lock = threading.Lock()
_services: Services | None = None


def services(make: Callable[[], Settings] = settings_module.load) -> Services:
    """This process's services, started on first use. Raises ParlourError when they cannot start; ask again later."""
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
