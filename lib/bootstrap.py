"""Settings in, services out: the only place where the doors meet.

There is one `House` per process, and in it one `Services` for each owner: an engine, gateways, a desk of their own, so
that nothing of one is ever in another's hands. The server starts it in its lifespan; a page that runs without one
starts it itself, so the page scripts work under every way of running Streamlit.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

from lib import settings as settings_module
from lib.cards import GatewayCard
from lib.embedded import EmbeddedGateway
from lib.errors import NotFound, ParlourError, StoreBusy
from lib.gateway import Deadlines
from lib.gateways import Gateways
from lib.generation import Engine
from lib.generation.attaching import Attaching
from lib.generation.desk import Desk
from lib.generation.titles import PREFERENCE as TITLES_WANTED
from lib.generation.video_probe import VideoProbe
from lib.ids import now_ms
from lib.keys import KeyBox
from lib.login import Login, Who
from lib.login.slips import take_slips
from lib.price_desk import PriceDesk
from lib.settings import ConfiguredGateway, Settings
from lib.store import Store, open_store

VERSION = "0.1.0"
STALE_MS = 15_000
SWEEP_S = 5.0
WATCH_S = 0.5
DEMO_LIST_S = 5.0


class House:
    """What the owners of one process share: the store, the key box, the login, the demo gateway.

    Raises StoreError and SettingsError; nothing is left open then.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.epoch = secrets.token_hex(8)
        self.demo: EmbeddedGateway | None = None
        self._services: dict[int, Services] = {}
        self._lock = threading.RLock()
        self._closing = threading.Event()
        self._watch: threading.Thread | None = None
        with ExitStack() as undo:
            self.store: Store = open_store(settings.database_url or "", settings.data_dir, zone=settings.zone)
            undo.callback(self.store.close)
            self.keys = KeyBox(settings.data_dir)
            self.login = Login(self.store, self.keys)
            undo.pop_all()

    def of(self, owner: int) -> Services:
        """The services of one owner, made at first use. Raises ParlourError."""
        found = self._services.get(owner)
        if found is None:
            with self._lock:
                if self._closing.is_set():
                    raise ParlourError("closed")
                found = self._services.get(owner) or Services(self.settings, self, owner)
                self._services[owner] = found
        return found

    def keep(self, services: Services) -> None:
        """Services that were made before anybody asked."""
        self._services[services.owner] = services

    def wake(self) -> None:
        """Make the services of every owner with work in progress, so that what a dead process left is ended."""
        for owner in self.store.owners_at_work():
            self.of(owner)

    def empty_trash(self) -> None:
        """Destroy what lies there for too long, of every owner, also of those who do not come any more."""
        with suppress(StoreBusy):  # another process is at work; it can wait for the next start
            for owner in self.store.owners():
                self.store.trash.purge(owner, now_ms())

    def start_demo(self) -> EmbeddedGateway:
        """The embedded gateway, started once."""
        with self._lock:
            if self.demo is None:
                self.demo = EmbeddedGateway(speed=self.settings.demo_speed).start()
            return self.demo

    def watch(self) -> None:
        """Look after the accounts, until `close`."""
        self._watch = threading.Thread(target=self._keep_watch, name="parlour-watch", daemon=True)
        self._watch.start()

    def _keep_watch(self) -> None:
        while not self._closing.wait(WATCH_S):
            with suppress(ParlourError):
                self.look_after_accounts()

    def look_after_accounts(self) -> None:
        """Do what the command line asks for, see what other processes did, stop what disabled owners still run."""
        if self.store.engine == "sqlite" and take_slips(self.settings.data_dir, self.store.accounts):
            self.login.refresh()
        self.login.keep_fresh()
        for owner in self.login.disabled_owners() & set(self._services):
            with suppress(ParlourError):  # in half a second again; the others must not wait for it
                self._services[owner].desk.halt()

    def close(self) -> None:
        """Stop: what every owner runs is kept as interrupted, then doors, engines, demo and store close."""
        self._closing.set()
        if self._watch:
            self._watch.join(10.0)
        with self._lock:
            everybody, self._services = list(self._services.values()), {}
        if everybody:
            with ThreadPoolExecutor(len(everybody)) as pool:
                list(pool.map(Services.end, everybody))
        if self.demo:
            self.demo.stop()
        self.store.close()


class Services:
    """What pages are given: everything of one owner. `close` ends running answers in an orderly way.

    Making it either succeeds or leaves nothing open, so that it can be tried again. Raises StoreError and
    SettingsError.
    """

    def __init__(self, settings: Settings, house: House | None = None, owner: int | None = None) -> None:
        """Without a `house` it makes one, and is its first owner's."""
        self.settings = settings
        self.zone = settings.zone
        with ExitStack() as undo:
            self.house = house or House(settings)
            is_first = house is None
            if is_first:
                undo.callback(self.house.close)
            self.store: Store = self.house.store
            self.owner = owner or self.store.owner()
            self.engine = Engine(self.store.answers)
            undo.callback(self.engine.close)
            deadlines = Deadlines(*settings.deadlines)
            self.gateways = Gateways(self.store, self.engine, self.house.keys, self.owner, deadlines=deadlines)
            undo.callback(self._close_doors)
            self.prices = PriceDesk(self.store, self.gateways, self.owner)
            self.desk = Desk(self.store, self.engine, self.gateways, self.owner, self.house.epoch)
            self.batches = self.desk.batches
            self.attachments = Attaching(
                *(self.store, self.desk.temporary, self.owner, settings.data_dir),
                most_bytes=settings.upload_bytes,
                empties=is_first,
            )
            self.video_probe = VideoProbe(
                *(self.store.ledger, self.engine, self.gateways, self.owner), hold=self.desk.estimates.hold
            )
            self._begin()
            if is_first:
                self.house.keep(self)
                self.house.wake()
                self.house.empty_trash()
            undo.pop_all()

    @property
    def demo(self) -> EmbeddedGateway | None:
        """The embedded gateway, while it runs."""
        return self.house.demo

    def _begin(self) -> None:
        self.desk.recover(STALE_MS)
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
                self.house.wake()
        except ParlourError:
            return False
        return True

    def start_demo(self) -> GatewayCard:
        """List the embedded gateway, started once for everybody, as the demo gateway."""
        demo = self.house.start_demo()
        card = GatewayCard(0, "Demo", demo.base_url, ("openai", "anthropic"), demo=True, origin_of_key="demo")
        held = self.gateways.hold(card, demo.key, slot="demo")
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
        """Stop everything, of every owner: see `House.close`."""
        self.house.close()

    def end(self) -> None:
        """Stop what this owner has: answers in progress are kept as interrupted, then doors and engine close."""
        self.engine.drain()
        self._close_doors()
        self.engine.close()

    def _close_doors(self) -> None:
        with suppress(ParlourError):
            self.engine.call(self.gateways.aclose(), timeout_s=2.0)


_lock = threading.Lock()
_services: Services | None = None


def services(make: Callable[[], Settings] = settings_module.load) -> Services:
    """The first owner's services, and with them the house, started on first use.

    Raises ParlourError when they cannot start; ask again later.
    """
    global _services
    with _lock:
        if _services is None:
            _services = Services(make())
            _services.house.watch()
        return _services


def services_for(visitor: Who | None) -> Services:
    """The services of whoever sent a request: without a login the first owner's. Raises NotFound for strangers."""
    first = services()
    if not first.house.login.on:
        return first
    if visitor is None:
        raise NotFound("page")
    return first.house.of(visitor.owner)


def health() -> dict[str, str]:
    """For `/healthz`: words for an operator. Raises ParlourError when the services cannot start."""
    services()
    return {"status": "ok", "version": VERSION}


def login() -> Login | None:
    """The login, if this process's services run; asking waits for nothing."""
    running = _services
    return running.house.login if running else None


def close() -> None:
    """End this process's house, if it stands."""
    global _services
    with _lock:
        ended, _services = _services, None
        if ended:
            ended.close()
