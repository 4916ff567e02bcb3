"""The rules: who can connect, which secrets are none, who else can read the files."""

from __future__ import annotations

import json
from collections.abc import Iterator

from lib.self_check.facts import SEVERITIES, Facts, Finding, is_here
from lib.self_check.options import VISITOR, off_rules
from lib.self_check.samples import SHORTEST_SECRET


def findings(facts: Facts) -> tuple[Finding, ...]:
    """All that was found, the gravest first."""
    found = [finding for check in _CHECKS for finding in check(facts)]
    return tuple(sorted(found, key=lambda finding: SEVERITIES.index(finding.severity)))


def _address(facts: Facts) -> Iterator[Finding]:
    if facts.address is None and not facts.allow_public:
        yield Finding(
            "note",
            "Where this listens was said to the server that runs it, and cannot be seen from here.",
            "Requests that come in from other computers are refused all the same.",
        )
    elif facts.address is not None and not is_here(facts.address) and not (facts.allow_public or facts.login):
        yield Finding(
            "refuse",
            f"Other computers could connect ({_shown(facts.address)}), and there is no login: whoever does can read "
            "the chats and spend with the keys.",
            "Listen on 127.0.0.1 (server.address), add an account (python -m lib.accounts add NAME), or set "
            "PARLOUR_ALLOW_PUBLIC=yes when something in front asks who is there.",
        )


def _visitors(facts: Facts) -> Iterator[Finding]:
    names = ", ".join(_shown(host) for host in facts.allowed_hosts)
    if (facts.allow_public or facts.allowed_hosts) and not facts.login:
        yield Finding(
            "warn",
            f"There is no login: whoever reaches {names or 'this address'} can read the chats and spend with the keys.",
            "Add an account (python -m lib.accounts add NAME), or put something in front that asks who is there.",
        )
    if facts.lets_others_in and not facts.allowed_hosts:
        yield Finding(
            "warn",
            "Other computers may connect, but no name of this one is allowed, so every page refuses them.",
            "Name it in PARLOUR_ALLOWED_HOSTS.",
        )
    for host in facts.allowed_hosts:
        if host.startswith("*."):
            yield Finding(
                "warn",
                f"Every name below {_shown(host[2:])} opens this page, also one that somebody else was given.",
                "List the names one by one in PARLOUR_ALLOWED_HOSTS.",
            )


def _secrets(facts: Facts) -> Iterator[Finding]:
    for key in facts.keys:
        if key.is_sample and not key.stays_here:
            yield Finding(
                "refuse" if facts.public else "warn",
                f"The key of the gateway {_shown(key.gateway)} is one out of an example.",
                "Put the real key in its place, or remove the gateway.",
            )
    if facts.cookies != "good":
        flaw = "one out of an example" if facts.cookies == "sample" else f"shorter than {SHORTEST_SECRET} signs"
        yield Finding(
            "refuse",
            f"The secret that signs cookies is {flaw}, so cookies can be forged.",
            "Remove server.cookieSecret (a random one is made), or make it of 32 random bytes.",
        )
    if facts.database == "sample":
        yield Finding(
            "warn" if facts.database_is_here and not facts.public else "refuse",
            "The password of the database is one out of an example.",
            "Give the database a password of its own, and PARLOUR_DATABASE_URL too.",
        )


def _permissions(facts: Facts) -> Iterator[Finding]:
    for place, mode in facts.modes.items():
        is_folder = place.endswith("folder")
        if mode & 0o022:
            what = "be changed"
        elif mode & 0o055:
            what = "be looked into" if is_folder else "be read"
        else:
            continue
        yield Finding(
            "warn",
            f"The {place} can {what} by other users of this computer.",
            f"Take their rights away: chmod {'700' if is_folder else '600'}.",
        )


def _login(facts: Facts) -> Iterator[Finding]:
    if facts.login and facts.options.get("server.trustedUserHeaders", VISITOR) != VISITOR:
        yield Finding(
            "warn",
            "Pages cannot learn who has signed in, so everybody stays outside.",
            f"Set server.trustedUserHeaders to '{json.dumps(VISITOR)}', as .streamlit/config.toml does.",
        )


def _transport(facts: Facts) -> Iterator[Finding]:
    if facts.lets_others_in and not facts.options.get("server.sslCertFile"):
        yield Finding(
            "warn" if facts.login else "note",
            "Pages are served without encryption" + (", passwords too." if facts.login else "."),
            "Let a proxy with a certificate stand in front, or set server.sslCertFile and server.sslKeyFile.",
        )


def _log(facts: Facts) -> Iterator[Finding]:
    if facts.access_log:
        yield Finding(
            "warn",
            "The server writes every address that is asked for into its log, also those that open a session's uploads.",
            "Start it with --no-access-log.",
        )


def _shown(text: str) -> str:
    """A name from the settings, on one line and not endless."""
    return "".join(letter for letter in text if letter.isprintable())[:100]


_CHECKS = (_address, _visitors, _secrets, off_rules, _permissions, _login, _transport, _log)
