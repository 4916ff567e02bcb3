"""A gateway's own bill, read and held against the ledger: what both know, what differs, what only one side has."""
