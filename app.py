"""Parlour as an ASGI app: what `streamlit run app.py` finds and serves."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

import streamlit as st

from lib import bootstrap, settings, web
from lib.errors import ParlourError
from lib.web.answers import answer_routes


@contextlib.asynccontextmanager
async def lifespan(_app: Any) -> AsyncIterator[None]:
    """Start the services before the first page, and end them in an orderly way.

    When they cannot start (a locked or damaged database), the server still runs: every page then says why.
    """
    with contextlib.suppress(ParlourError):
        await asyncio.to_thread(bootstrap.services)
    try:
        yield
    finally:
        await asyncio.to_thread(bootstrap.close)


def health() -> Mapping[str, str]:
    """For `/healthz`; raises ParlourError when the services cannot start."""
    bootstrap.services()
    return {"status": "ok", "version": bootstrap.VERSION}


app = st.App(
    "lib/ui/frame.py",
    lifespan=lifespan,
    middleware=web.middleware(settings.load().allowed_hosts),
    routes=[*web.routes(health), *answer_routes(lambda message: bootstrap.services().answer_text(message))],
)
