"""The words of the self-check: what is known about the way this program runs, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address
from typing import Any, Literal

from msgspec import Struct

Severity = Literal["refuse", "warn", "note"]
SEVERITIES: tuple[Severity, ...] = ("refuse", "warn", "note")
Quality = Literal["good", "short", "sample"]


class Finding(Struct, frozen=True):
    """`what` is wrong and how to `mend` it; sentences for the log and the screen, never a secret."""

    severity: Severity
    what: str
    mend: str


class HeldKey(Struct, frozen=True):
    """A key from the environment or the secrets file, judged: the key itself is not here."""

    gateway: str
    is_sample: bool
    stays_here: bool
    """The gateway is on this computer, where such keys are usual."""


class Facts(Struct, frozen=True):
    """How this process runs. `address` is None when the server that runs the app did not say where it listens, and
    `modes` holds the permission bits of what exists of: data folder, key file, secrets file. `access_log`: the server
    writes down each address that is asked for."""

    options: Mapping[str, Any]
    address: str | None = "127.0.0.1"
    allow_public: bool = False
    login: bool = False
    allowed_hosts: tuple[str, ...] = ()
    keys: tuple[HeldKey, ...] = ()
    cookies: Quality = "good"
    database: Quality = "good"
    database_is_here: bool = True
    modes: Mapping[str, int] = {}
    access_log: bool = False

    @property
    def public(self) -> bool:
        """Whether other computers can connect, as far as is known."""
        return self.allow_public or (self.address is not None and not is_here(self.address))

    @property
    def lets_others_in(self) -> bool:
        """Whether other computers that connect are answered."""
        return self.allow_public or (self.login and self.public)


def is_here(address: str) -> bool:
    """Whether only this computer can reach a server that listens at `address` (a name, IPv4, IPv6, `unix://…`).

    A name other than localhost is taken for a public one: what it means is decided elsewhere.
    """
    name = address.strip().lower().strip("[]").partition("%")[0]
    if name.startswith("unix:") or name.rstrip(".") == "localhost":
        return True
    try:
        number = ip_address(name)
    except ValueError:
        return False
    if isinstance(number, IPv6Address) and number.ipv4_mapped:
        return number.ipv4_mapped.is_loopback
    return number.is_loopback
