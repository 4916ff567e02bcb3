"""The database door: SQLAlchemy Core lives here and nowhere else.

`open_store` gives a `Store`; its attributes (`conversations`, `answers`, `queue`, `gateways`, `models`, `prices`,
`ledger`, `preferences`, `messages`, `drafts`, `presets`, `trash`, …) are small objects whose every function takes the
owner first and returns plain Structs.
"""

from __future__ import annotations

from lib.store.opening import Store, open_store

__all__ = ["Store", "open_store"]
