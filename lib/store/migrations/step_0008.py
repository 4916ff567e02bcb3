"""Step 8: accounts, and the sign-ins that were ended before their time. Frozen."""

from __future__ import annotations

from typing import Final

TABLES: Final = {
    "account": """
        id bigint NOT NULL, owner_id bigint NOT NULL, epoch bigint NOT NULL, disabled bigint NOT NULL, created_ms bigint
        NOT NULL, changed_ms bigint NOT NULL, name text NOT NULL, folded text NOT NULL, password text NOT NULL,
        PRIMARY KEY (id), CONSTRAINT uq_account_owner UNIQUE (owner_id), CONSTRAINT uq_account_name UNIQUE (folded)
    """,
    "ended_login": """
        id bigint NOT NULL, owner_id bigint NOT NULL, until_ms bigint NOT NULL, PRIMARY KEY (id)
    """,
}

INDEXES: Final = ("CREATE INDEX ix_ended_login ON ended_login (until_ms)",)
