"""The self-check at the start and on the settings page: gathers the facts, tells the findings, refuses the start.

`streamlit run` says where it listens, so a dangerous address ends the process before it has answered anything. Another
server (`uvicorn app:app --host …`) does not say; there `lib/web/reach.py` refuses each request from elsewhere.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import streamlit as st

from lib import settings as settings_module
from lib.errors import SettingsError
from lib.keys import FILE_NAME as KEY_FILE
from lib.markdown import quiet
from lib.self_check import (
    OPTIONS,
    Facts,
    Finding,
    HeldKey,
    database_facts,
    findings,
    is_here,
    is_sample,
    quality,
)
from lib.settings import SECRETS_FILE, ConfiguredGateway, Settings
from lib.store.accounts import any_account
from lib.ui.notices import notice_for
from lib.ui.session import services, signed_in
from lib.ui.streamlit_internals import listens_at

REFUSED = 2
"""The exit status of a start that would be dangerous, or that a setting makes impossible."""
_log = logging.getLogger("parlour.safety")
_LEVELS = {"refuse": logging.ERROR, "warn": logging.WARNING, "note": logging.INFO}
_BEGINNINGS = {"refuse": "Not started: ", "warn": "Warning: ", "note": "Note: "}


@contextlib.contextmanager
def checked_settings() -> Iterator[Settings]:
    """The settings to make the app with; what is wrong with the start is logged.

    Ends the process with status 2 when it must not be started like this, also when making the app in this block
    raises SettingsError.
    """
    try:
        settings = settings_module.load()
        access_log = logging.getLogger("uvicorn.access").hasHandlers()  # later ones, such as Streamlit's, mean nothing
        found = findings(facts_of(settings, access_log=access_log, login=_has_account(settings)))
        tell(found)
        if any(finding.severity == "refuse" for finding in found):
            raise SystemExit(REFUSED)
        yield settings
    except SettingsError as error:
        _log.error("%s%s", _BEGINNINGS["refuse"], notice_for(error).text)
        raise SystemExit(REFUSED) from None


def tell(found: tuple[Finding, ...]) -> None:
    """One line of the log for each finding."""
    for finding in found:
        words = f"{finding.what} {finding.mend}"
        _log.log(_LEVELS[finding.severity], "%s%s", _BEGINNINGS[finding.severity], words)


def facts_of(settings: Settings, *, access_log: bool = False, login: bool = False) -> Facts:
    """How this process runs with these settings. Secrets are judged here and left behind.

    Whether the server logs addresses can be told at the start only.
    """
    password, is_database_here = database_facts(settings.database_url)
    return Facts(
        options={name: st.get_option(name) for name in OPTIONS},
        address=listens_at(),
        allow_public=settings.allow_public,
        login=login,
        allowed_hosts=settings.allowed_hosts,
        keys=tuple(_judged(gateway) for gateway in settings.gateways),
        cookies=quality(str(st.get_option("server.cookieSecret"))),
        database=password,
        database_is_here=is_database_here,
        modes=_modes(settings.data_dir),
        access_log=access_log,
    )


def _has_account(settings: Settings) -> bool:
    """Whether there is a login; looked up only where the address makes it matter, because nothing is open yet."""
    address = listens_at()
    if settings.allow_public or settings.allowed_hosts or (address is not None and not is_here(address)):
        return any_account(settings.database_url or "", settings.data_dir)
    return False


def _judged(gateway: ConfiguredGateway) -> HeldKey:
    host = urlsplit(gateway.base_url).hostname or ""
    return HeldKey(gateway.name, is_sample(gateway.key.reveal()), is_here(host))


def _modes(data_dir: Path) -> dict[str, int]:
    """The permission bits of what exists already; of nothing where the system has none."""
    places = {"data folder": data_dir, "key file": data_dir / KEY_FILE, "secrets file": SECRETS_FILE}
    found = {}
    for place, path in places.items():
        with contextlib.suppress(OSError):
            found[place] = path.stat().st_mode & 0o777
    return found if os.name == "posix" else {}


def show_safety() -> None:
    """A short section: all is well, or each sentence."""
    found = findings(facts_of(services().settings, login=signed_in() is not None))
    wrong = [finding for finding in found if finding.severity != "note"]
    st.subheader("Safety", anchor=False)
    if not wrong:
        st.caption(":material/verified_user: Nothing is unsafe about the way this program was started.")
    else:
        st.caption(f"{len(wrong)} warning{'s' if len(wrong) > 1 else ''} about the way this program was started:")
    for finding in wrong:
        st.warning(f"**{quiet(finding.what)}** {quiet(finding.mend)}", icon=":material/gpp_maybe:")
    for finding in found:
        if finding.severity == "note":
            st.caption(quiet(f"{finding.what} {finding.mend}"))
