"""Step 9: requests that leave without a stored answer, until their end is in the ledger. Frozen."""

from __future__ import annotations

from typing import Final

TABLES: Final = {
    "open_request": """
        id bigint NOT NULL, owner_id bigint NOT NULL, first_id bigint NOT NULL, number bigint NOT NULL, started_ms
        bigint NOT NULL, chars_in bigint NOT NULL, purpose text NOT NULL, ref text NOT NULL, epoch text NOT NULL,
        max_out_cap bigint, conversation_id bigint, PRIMARY KEY (id)
    """,
}
