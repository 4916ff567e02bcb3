"""Parlour as an ASGI app: what `streamlit run app.py` finds and serves."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import sys
import threading
from collections.abc import AsyncIterator
from typing import Any

import streamlit as st

from lib import bootstrap, web
from lib.errors import ParlourError
from lib.ui.account import on_script_error
from lib.ui.safety import checked_settings


@contextlib.asynccontextmanager
async def lifespan(_app: Any) -> AsyncIterator[None]:
    """Start the services before the first page, and end them in an orderly way.

    When they cannot start (a locked or damaged database), the server still runs: every page then says why.
    """
    sys.setswitchinterval(0.001)  # the default lets a drawing page hold up words that are on their way for 5 ms a turn
    with contextlib.suppress(ParlourError):
        await asyncio.to_thread(bootstrap.services)
    # The first answer needs pandas, which takes half a second.
    threading.Thread(target=importlib.import_module, args=("lib.reports",), name="parlour-warm", daemon=True).start()
    try:
        yield
    finally:
        await asyncio.to_thread(bootstrap.close)


def mine() -> bootstrap.Services:
    """The services of whoever sent the request at hand."""
    return bootstrap.services_for(web.visitor())


with checked_settings() as settings:
    known = (bootstrap.login, bootstrap.services)
    walls = web.middleware(settings.allowed_hosts, known, public=settings.allow_public)

app = st.App(
    "lib/ui/frame.py",
    lifespan=lifespan,
    middleware=walls,
    on_script_error=on_script_error,
    routes=[
        *web.routes(bootstrap.health),
        *web.answer_routes(lambda message: mine().answer_text(message)),
        *web.draft_routes(mine),
        *web.attachment_routes(lambda: mine().attachments),
        *web.share_routes(lambda token: bootstrap.services().store.shares.page(token)),
    ],
)
