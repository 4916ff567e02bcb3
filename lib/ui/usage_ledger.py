"""What the usage page reads, for one owner, one time zone, and either the real spend or the demo's."""

from __future__ import annotations

from lib.ids import id_at
from lib.ledger import LedgerRow, Tally
from lib.store.days import start_of, zone_of
from lib.store.ledger import Ledger as StoredLedger
from lib.store.tallies import Dimension
from lib.ui.usage_period import Period

_BATCH = 500
_BY: tuple[Dimension, ...] = ("day", "gateway", "model", "base", "family", "variant", "outcome")


class Ledger:
    """The ledger as one person looks at it."""

    def __init__(self, stored: StoredLedger, owner: int, zone: str, *, demo: bool) -> None:
        self._stored = stored
        self._owner = owner
        self.zone = zone
        self.demo = demo

    def tallies(self, period: Period) -> list[Tally]:
        """Sums per local day, model, variant and outcome; every report of the page is made of them."""
        return self._stored.tallies(self._owner, period.start, period.end, self.zone, _BY, demo=self.demo)

    def latest(self, limit: int) -> list[LedgerRow]:
        """The newest requests, whatever the period."""
        return self._stored.latest(self._owner, limit, demo=self.demo)

    def requests(self, period: Period) -> list[LedgerRow]:
        """Every request of the period, newest first: exactly those the tallies of the same period count."""
        first = id_at(start_of(period.start, zone_of(self.zone)))
        before = id_at(start_of(period.end, zone_of(self.zone)))
        found: list[LedgerRow] = []
        while True:
            rows = self._stored.latest(self._owner, _BATCH, before_id=before, demo=self.demo)
            found += [row for row in rows if row.id >= first]
            if len(rows) < _BATCH or rows[-1].id < first:
                return found
            before = rows[-1].id
