"""Streamlit's options that bear on safety, each with its safe value and what another one opens."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct

from lib.self_check.facts import Facts, Finding, Severity

LARGEST_UPLOAD_MB = 100
VISITOR = {"X-Parlour-Visitor": "parlour_visitor"}
"""The one header that pages believe: the login signs it, and what a browser sends under its name is dropped."""


class _Option(Struct, frozen=True):
    """One option of Streamlit: its safe value, or what makes a value safe, and why another one is not."""

    name: str
    safe: Any
    why: str
    severity: Severity = "warn"
    fits: Callable[[Any], bool] | None = None

    def is_safe(self, value: Any) -> bool:
        return self.fits(value) if self.fits else value == self.safe


def _at_most(value: Any) -> bool:
    return isinstance(value, int | float) and value <= LARGEST_UPLOAD_MB


_RULES: tuple[_Option, ...] = (
    _Option("client.showErrorDetails", "none", "Errors are shown with what a gateway or a user wrote in them."),
    _Option("client.showErrorLinks", False, "Errors are shown with links that carry their text to other sites."),
    _Option("client.allowedOrigins", [], "Pages of other sites may embed this one and steer it.", fits=lambda v: not v),
    _Option(
        "client.toolbarMode",
        "minimal",
        "The page shows a developer's menu.",
        fits=lambda value: value in ("minimal", "viewer"),
    ),
    _Option("browser.gatherUsageStats", False, "Each page reports its use to Streamlit's maker."),
    _Option(
        "browser.serverAddress",
        "127.0.0.1",
        "At the start an outside service is asked for this computer's address.",
        severity="note",
        fits=bool,
    ),
    _Option("server.enableCORS", True, "Streamlit answers pages of any other site."),
    _Option("server.corsAllowedOrigins", [], "Streamlit answers pages of other sites.", fits=lambda value: not value),
    _Option("server.enableXsrfProtection", True, "Streamlit takes uploads that another site began."),
    _Option("server.enableStaticServing", False, "Files of a folder named static are served to everybody."),
    _Option("server.enableAgentApi", False, "The app can be driven over HTTP without a page."),
    _Option("server.scriptHealthCheckEnabled", False, "Anybody who asks makes the server run a page."),
    _Option(
        "server.trustedUserHeaders",
        VISITOR,
        "Whoever sends certain headers is believed.",
        fits=lambda value: value in (VISITOR, None, "", {}),
    ),
    _Option(
        "server.maxUploadSize",
        LARGEST_UPLOAD_MB,
        "One upload may fill a large part of the memory.",
        severity="note",
        fits=_at_most,
    ),
    _Option(
        "server.enableWebsocketCompression",
        False,
        "Messages are compressed together, which lets their lengths tell about their content.",
        severity="note",
    ),
    _Option(
        "server.fileWatcherType",
        "none",
        "A change in a source file reloads code beside running answers.",
        severity="note",
    ),
    _Option("server.runOnSave", False, "Each saved source file runs in every open page.", severity="note"),
    _Option("global.developmentMode", False, "Streamlit's development mode takes requests from any site."),
    _Option(
        "logger.level",
        "info",
        "At the level debug, Streamlit's log may hold what people write.",
        fits=lambda value: str(value).lower() != "debug",
    ),
)

OPTIONS: tuple[str, ...] = (*(rule.name for rule in _RULES), "server.sslCertFile")
"""Every option of Streamlit that is looked at as it is; of `server.cookieSecret` only its `quality` becomes a fact."""


def off_rules(facts: Facts) -> Iterator[Finding]:
    for rule in _RULES:
        if rule.name in facts.options and not rule.is_safe(facts.options[rule.name]):
            yield Finding(rule.severity, rule.why, f"Set {rule.name} to {_toml(rule.safe)}.")


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return f"'{json.dumps(value)}'"
    return str(value).lower() if isinstance(value, bool) else f'"{value}"' if isinstance(value, str) else str(value)
