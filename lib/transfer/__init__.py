"""Conversations as documents: what leaves (Markdown, JSON, a page, a zip) and what may come in.

Pure: documents in, documents out. `document` is our own format and what every foreign one is turned into.
"""

from __future__ import annotations
