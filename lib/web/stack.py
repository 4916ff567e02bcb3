"""The middleware in its order: headers outermost, so that refusals carry them too."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from starlette.middleware import Middleware

from lib.login import Login
from lib.web.headers import SecurityHeaders, installed_page, page_policy
from lib.web.login import Gate
from lib.web.reach import OnlyFromHere
from lib.web.visitors import Doorkeeper, Visitors


def middleware(
    allowed_hosts: Iterable[str] = (),
    known: tuple[Callable[[], Login | None], Callable[[], object]] = (lambda: None, lambda: None),
    *,
    base_path: str = "",
    public: bool = False,
) -> list[Middleware]:
    """What `st.App(middleware=…)` takes.

    `allowed_hosts`: names besides the loopback ones under which the app is opened (`chat.example.com`,
    `*.example.com`); raises `SettingsError` when one cannot be used. `base_path`: Streamlit's
    `server.baseUrlPath`, with a leading slash, or empty. `public`: whether other computers may connect also where
    there is no login. `known`: `login` and `start` of the `Gate`.
    """
    login, start = known

    def is_open() -> bool:
        found = login()
        return public or (found is not None and found.on)

    return [
        Middleware(SecurityHeaders, policy=page_policy(installed_page()), media_prefix=f"{base_path}/media/"),
        Middleware(OnlyFromHere, public=is_open),
        Middleware(Doorkeeper, visitors=Visitors(allowed_hosts), base_path=base_path),
        Middleware(Gate, login=login, start=start, base_path=base_path),
    ]
