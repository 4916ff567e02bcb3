"""How often a password may be wrong. In memory, bounded, and never for long: guessing is slow, nobody is locked out.

Three counts of wrong passwords in a row, each followed by waits that double: of a name from one address (5 are free,
waits up to a minute), of a name from anywhere (20, up to 10 s), and of an address with any name (20, up to 30 s). Who
has signed in from an address before is held up there by nothing but the first count, so that strangers who guess at
the name, or guess behind the same proxy, do not stand in the way.
"""

from __future__ import annotations

import ipaddress
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from msgspec import Struct

from lib.errors import TooSoon

FORGOTTEN_AFTER_S = 900.0
KNOWN_FOR_S = 30 * 86_400.0
MOST_KEPT = 10_000


class Limit(Struct, frozen=True):
    """`free` wrong ones in a row, then waits of 1, 2, 4 … seconds up to `longest`."""

    free: int
    longest: float

    def wait_after(self, wrong: int) -> float:
        over = wrong - self.free
        return 0.0 if over < 0 else min(self.longest, float(1 << min(over, 20)))


PAIR, NAME, ADDRESS = Limit(5, 60.0), Limit(20, 10.0), Limit(20, 30.0)


class _Count(Struct):
    wrong: int
    last: float
    until: float


class Attempts:
    """The counts. `clock` gives monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: OrderedDict[tuple[str, ...], _Count] = OrderedDict()
        self._known: OrderedDict[tuple[str, str], float] = OrderedDict()

    def begin(self, name: str, address: str) -> None:
        """To be called before a password is looked at: it counts as wrong until `succeeded` says otherwise.

        So attempts at the same moment are counted exactly. Raises TooSoon, and then counts nothing.
        """
        address = _place(address)
        with self._lock:
            now = self._clock()
            limits = self._limits(name, address, now)
            if (wait := max(self._until(key, now) for key in limits) - now) > 0:
                raise TooSoon("wait", wait_s=math.ceil(wait))
            for key, limit in limits.items():
                self._count(key, limit, now)

    def succeeded(self, name: str, address: str) -> None:
        """The password was right: what was wrong before is forgotten, but not what the address did with other names."""
        address = _place(address)
        with self._lock:
            now = self._clock()
            known = (name, address) in self._known
            for key in ((name, address), (name,)):
                self._counts.pop(key, None)
            if not known and (count := self._counts.get(("", "", address))):
                count.wrong -= 1
                count.until = min(count.until, now)
            self._known[name, address] = now
            self._known.move_to_end((name, address))
            while len(self._known) > MOST_KEPT:
                self._known.popitem(last=False)

    def _limits(self, name: str, address: str, now: float) -> dict[tuple[str, ...], Limit]:
        if now - self._known.get((name, address), -KNOWN_FOR_S) < KNOWN_FOR_S:
            return {(name, address): PAIR}
        return {(name, address): PAIR, (name,): NAME, ("", "", address): ADDRESS}

    def _until(self, key: tuple[str, ...], now: float) -> float:
        count = self._counts.get(key)
        if count is not None and now - count.last > FORGOTTEN_AFTER_S:
            del self._counts[key]
            count = None
        return now if count is None else count.until

    def _count(self, key: tuple[str, ...], limit: Limit, now: float) -> None:
        count = self._counts.setdefault(key, _Count(0, now, now))
        self._counts.move_to_end(key)
        count.wrong, count.last = count.wrong + 1, now
        count.until = now + limit.wait_after(count.wrong)
        while len(self._counts) > MOST_KEPT:
            self._counts.popitem(last=False)


def _place(address: str) -> str:
    """What counts as one address: of IPv6 the network of 64 bits, which one subscriber has whole (RFC 6177)."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    return str(found.ipv4_mapped or ipaddress.IPv6Address(int(found) >> 64 << 64))
