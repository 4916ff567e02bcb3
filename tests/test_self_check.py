"""The rules of the self-check as a table: one fact changed, what is found."""

from __future__ import annotations

import secrets
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from lib.self_check import (
    OPTIONS,
    Facts,
    Finding,
    HeldKey,
    Severity,
    database_facts,
    findings,
    is_here,
    is_sample,
    quality,
)

SAFE_OPTIONS: dict[str, Any] = {
    "client.showErrorDetails": "none",
    "client.showErrorLinks": False,
    "client.allowedOrigins": [],
    "client.toolbarMode": "minimal",
    "browser.gatherUsageStats": False,
    "browser.serverAddress": "127.0.0.1",
    "server.enableCORS": True,
    "server.corsAllowedOrigins": [],
    "server.enableXsrfProtection": True,
    "server.enableStaticServing": False,
    "server.enableAgentApi": False,
    "server.scriptHealthCheckEnabled": False,
    "server.trustedUserHeaders": {"X-Parlour-Visitor": "parlour_visitor"},
    "server.maxUploadSize": 100,
    "server.enableWebsocketCompression": False,
    "server.fileWatcherType": "none",
    "server.runOnSave": False,
    "server.sslCertFile": None,
    "global.developmentMode": False,
    "logger.level": "info",
}
SAFE = Facts(SAFE_OPTIONS, modes={"data folder": 0o700, "key file": 0o600, "secrets file": 0o600})
ANYWHERE = "0.0.0.0"


def found(**changed: Any) -> list[tuple[Severity, str]]:
    return [(one.severity, one.what) for one in findings(structs.replace(SAFE, **changed))]


def only(**changed: Any) -> tuple[Severity, str]:
    [one] = found(**changed)
    return one


def test_a_safe_start_has_no_findings() -> None:
    assert found() == []
    assert set(SAFE_OPTIONS) == set(OPTIONS)


@pytest.mark.parametrize(
    ("option", "value", "severity"),
    [
        ("client.showErrorDetails", "full", "warn"),
        ("client.showErrorLinks", True, "warn"),
        ("client.showErrorLinks", "auto", "warn"),
        ("client.allowedOrigins", ["https://*.streamlit.app"], "warn"),
        ("client.toolbarMode", "developer", "warn"),
        ("browser.gatherUsageStats", True, "warn"),
        ("browser.serverAddress", None, "note"),
        ("server.enableCORS", False, "warn"),
        ("server.corsAllowedOrigins", ["https://evil.example"], "warn"),
        ("server.enableXsrfProtection", False, "warn"),
        ("server.enableStaticServing", True, "warn"),
        ("server.enableAgentApi", True, "warn"),
        ("server.scriptHealthCheckEnabled", True, "warn"),
        ("server.trustedUserHeaders", {"X-User": "email"}, "warn"),
        ("server.maxUploadSize", 200, "note"),
        ("server.maxUploadSize", "many", "note"),
        ("server.enableWebsocketCompression", True, "note"),
        ("server.fileWatcherType", "auto", "note"),
        ("server.runOnSave", True, "note"),
        ("global.developmentMode", True, "warn"),
        ("logger.level", "debug", "warn"),
    ],
)
def test_an_option_that_opens_something_is_named(option: str, value: object, severity: Severity) -> None:
    [one] = findings(structs.replace(SAFE, options={**SAFE_OPTIONS, option: value}))
    assert one.severity == severity
    assert option in one.mend


@pytest.mark.parametrize("value", ["viewer", "minimal"])
def test_both_quiet_toolbars_will_do(value: str) -> None:
    assert found(options={**SAFE_OPTIONS, "client.toolbarMode": value}) == []


@pytest.mark.parametrize(
    ("address", "here"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("localhost", True),
        ("LOCALHOST.", True),
        ("::1", True),
        ("[::1]", True),
        ("::ffff:127.0.0.1", True),
        ("unix:///run/parlour.sock", True),
        (ANYWHERE, False),
        ("::", False),
        ("", False),
        ("192.168.1.5", False),
        ("fe80::1%eth0", False),
        ("::ffff:10.0.0.1", False),
        ("localhost.evil.example", False),
        ("my-laptop", False),
        ("127.1", False),
        ("0", False),
    ],
)
def test_what_only_this_computer_reaches(address: str, here: bool) -> None:
    assert is_here(address) is here
    assert ("refuse" in [severity for severity, _ in found(address=address)]) is not here


def test_an_open_address_needs_a_word_or_a_login() -> None:
    severity, what = only(address=ANYWHERE)
    assert severity == "refuse"
    assert ANYWHERE in what
    assert "there is no login" in what
    assert found(address=ANYWHERE, login=True, allowed_hosts=("a.example",)) == [
        ("warn", "Pages are served without encryption, passwords too.")
    ]
    severities = [severity for severity, _ in found(address=ANYWHERE, allow_public=True, allowed_hosts=("a.example",))]
    assert severities == ["warn", "note"]  # no login, no encryption


def test_a_login_that_pages_cannot_learn_of_is_said() -> None:
    without = SAFE_OPTIONS | {"server.trustedUserHeaders": {}}
    assert found(options=without) == []
    severity, what = only(options=without, login=True)
    assert (severity, what) == ("warn", "Pages cannot learn who has signed in, so everybody stays outside.")


def test_another_servers_address_is_not_known_and_that_is_said() -> None:
    severity, what = only(address=None)
    assert severity == "note"
    assert "cannot be seen" in what


def test_names_without_a_login_are_a_warning() -> None:
    severity, what = only(allowed_hosts=("chat.example",))
    assert severity == "warn"
    assert "chat.example" in what
    wide = found(allowed_hosts=("*.example",), login=True)
    assert [severity for severity, _ in wide] == ["warn"]
    assert "Every name below example" in wide[0][1]


def test_public_without_a_name_is_of_no_use_and_that_is_said() -> None:
    assert any("no name of this one is allowed" in what for _, what in found(allow_public=True, login=True))


def test_a_name_cannot_forge_a_line_of_the_log() -> None:
    for _, what in found(allowed_hosts=("a\nNot started: b", "x" * 500)):
        assert "\n" not in what
        assert len(what) < 400


@pytest.mark.parametrize(
    ("key", "severities"),
    [
        (HeldKey("work", is_sample=False, stays_here=False), []),
        (HeldKey("work", is_sample=True, stays_here=True), []),
        (HeldKey("work", is_sample=True, stays_here=False), ["warn"]),
    ],
)
def test_a_sample_key_is_told_unless_the_gateway_is_here(key: HeldKey, severities: list[Severity]) -> None:
    assert [severity for severity, _ in found(keys=(key,))] == severities
    public = [severity for severity, _ in found(keys=(key,), address=ANYWHERE, allow_public=True, login=True)]
    assert ("refuse" in public) is bool(severities)


@pytest.mark.parametrize("verdict", ["short", "sample"])
def test_a_weak_secret_for_cookies_is_refused(verdict: str) -> None:
    assert only(cookies=verdict)[0] == "refuse"


def test_a_sample_password_of_the_database_is_refused_where_others_can_try_it() -> None:
    assert only(database="sample")[0] == "warn"
    assert only(database="sample", database_is_here=False)[0] == "refuse"


@pytest.mark.parametrize(
    ("modes", "words"),
    [
        ({"data folder": 0o755}, ["The data folder can be looked into by"]),
        ({"data folder": 0o770}, ["The data folder can be changed by"]),
        ({"data folder": 0o700}, []),
        ({"key file": 0o644}, ["The key file can be read by"]),
        ({"secrets file": 0o640}, ["The secrets file can be read by"]),
        ({"secrets file": 0o400}, []),
        ({}, []),
    ],
)
def test_files_that_others_can_read_are_named(modes: dict[str, int], words: list[str]) -> None:
    told = found(modes=modes)
    assert [severity for severity, _ in told] == ["warn"] * len(words)
    assert all(what.startswith(start) for (_, what), start in zip(told, words, strict=True))


def test_a_log_of_addresses_is_told() -> None:
    assert only(access_log=True)[0] == "warn"


def test_the_gravest_comes_first_and_each_is_two_sentences() -> None:
    many = findings(
        Facts(
            {**SAFE_OPTIONS, "server.runOnSave": True, "server.enableCORS": False},
            address="::",
            allowed_hosts=("*.example",),
            cookies="short",
            modes={"data folder": 0o777},
        )
    )
    severities = [one.severity for one in many]
    assert severities == sorted(severities, key=["refuse", "warn", "note"].index)
    assert set(severities) == {"refuse", "warn", "note"}
    for one in many:
        assert isinstance(one, Finding)
        assert one.what.endswith(".")
        assert one.mend.endswith(".")
        assert "  " not in one.what + one.mend


SAMPLES = [
    "sk-...",
    "sk-xxxxxxxxxxxxxxxxxxxx",
    "your-api-key",
    "YOUR_API_KEY_HERE",
    "<your key here>",
    "sk-your-key",
    "changeme",
    "change-me",
    "replace_me_with_random_string",
    "secret123",
    "password",
    "example-key-0000",
    "12345678",
    "1234567890",
    "abcdefghijkl",
    "0123456789abcdef0123456789abcdef",
    "00000000000000000000000000000000",
    "test-test-test",
    "sk-test-1234",
    "dummy-key",
    "postgres",
    "",
]


@pytest.mark.parametrize("text", SAMPLES)
def test_samples_are_known(text: str) -> None:
    assert is_sample(text)
    assert quality(text) == "sample"


@given(st.binary(min_size=16, max_size=48).filter(lambda data: len(set(data)) > 8))
def test_random_secrets_are_not_samples(data: bytes) -> None:
    assert not is_sample(data.hex())
    assert not is_sample(f"sk-{data.hex()}")


def test_what_is_made_at_random_is_good_and_half_of_it_is_short() -> None:
    made = secrets.token_hex()
    assert quality(made) == "good"
    assert quality(made[:31]) == "short"


def test_a_long_text_is_judged_at_once() -> None:
    assert not is_sample("keysecret" * 20 + "!" + "q9Zx" * 10_000)


@pytest.mark.parametrize(
    ("url", "verdict"),
    [
        (None, ("good", True)),
        ("postgresql:///parlour", ("good", True)),
        ("postgresql://u:postgres@localhost/x", ("sample", True)),
        ("postgresql://u:changeme@db.example/x", ("sample", False)),
        ("postgresql://u:k3J9vQ2mZt7w@db.example/x", ("good", False)),
        ("postgresql://[::1/x", ("good", True)),
    ],
)
def test_the_password_in_a_database_url_is_judged(url: str | None, verdict: tuple[str, bool]) -> None:
    assert database_facts(url) == verdict
