"""Settings from the environment and the secrets file, and the base URLs that people paste."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.errors import SettingsError
from lib.secret import Secret
from lib.settings import Settings, clean_base_url, key_in_environment, load, origin_of

CANARY = "sk-CANARY-0a1b2c3d4e5f"
NO_FILE = Path("/nonexistent/secrets.toml")


def loaded(secrets_file: Path = NO_FILE, **environ: str) -> Settings:
    return load(environ, secrets_file)


def refused(secrets_file: Path = NO_FILE, **environ: str) -> tuple[str, str]:
    with pytest.raises(SettingsError) as caught:
        load(environ, secrets_file)
    assert "CANARY" not in str(caught.value) + repr(vars(caught.value))
    return caught.value.field, caught.value.message


@pytest.mark.parametrize(
    ("pasted", "clean"),
    [
        (" https://gw.example/api/v1/chat/completions ", "https://gw.example/api"),
        ("https://gw.example", "https://gw.example"),
        ("https://gw.example/", "https://gw.example"),
        ("https://gw.example/v1/", "https://gw.example"),
        ("https://gw.example/v1/models", "https://gw.example"),
        ("https://gw.example/v1/messages", "https://gw.example"),
        ("https://gw.example/v1/messages/count_tokens", "https://gw.example"),
        ("https://gw.example/v1/responses", "https://gw.example"),
        ("https://gw.example/anthropic/", "https://gw.example/anthropic"),
        ("http://gw.example/gw_llm_power", "http://gw.example/gw_llm_power"),
        ("https://gw.example/v1beta/openai/", "https://gw.example/v1beta/openai"),
        ("https://gw.example/v1beta/openai/chat/completions", "https://gw.example/v1beta/openai"),
        ("https://gw.example/api/paas/v4", "https://gw.example/api/paas/v4"),
        ("https://gw.example/v1?key=x#y", "https://gw.example"),
        ("HTTPS://GW.Example:8443/V2", "https://gw.example:8443/V2"),
        ("https://gw.example:443/v1", "https://gw.example:443"),
        ("http://gw.example:/v1", "http://gw.example"),
        ("http://localhost:11434/v1", "http://localhost:11434"),
        ("http://my_gateway:3000", "http://my_gateway:3000"),
        ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
        ("http://[::1]:8000/v1", "http://[::1]:8000"),
        ("http://[2001:DB8::1]/v1", "http://[2001:db8::1]"),
        ("http://[fe80::1%eth0]:80", "http://[fe80::1%eth0]:80"),
        ("https://bücher.example/v1", "https://bücher.example"),
        ("https://网关.example/v1", "https://网关.example"),
        ("https://gw.example./v1", "https://gw.example."),
        ('"https://gw.example/v1"', "https://gw.example"),
        ("<https://gw.example/v1>\u200b\n", "https://gw.example"),
        ("\ufeffhttps://gw.example", "https://gw.example"),
        ("https://gw.example/my%20path/v1", "https://gw.example/my%20path"),
        ("https://gw.example/@team/v1", "https://gw.example/@team"),
    ],
)
def test_a_pasted_base_url_is_cleaned(pasted: str, clean: str) -> None:
    assert clean_base_url(pasted) == clean
    assert clean_base_url(clean) == clean


@pytest.mark.parametrize(
    ("pasted", "why"),
    [
        ("", "empty"),
        (" \n ", "empty"),
        ("gw.example/v1", "no_scheme"),
        ("localhost:8000", "no_scheme"),
        ("ftp://gw.example", "bad_scheme"),
        ("file:///etc/passwd", "bad_scheme"),
        ("javascript://gw.example", "bad_scheme"),
        ("http://", "no_host"),
        ("http:///v1", "no_host"),
        ("https://:443", "no_host"),
        ("http://[::1", "no_host"),
        ("http://[zz::1]", "no_host"),
        ("http://gw example", "no_host"),
        ("http://gw.exa\nmple", "no_host"),
        ("http://gw\u200b.example", "no_host"),
        ("http://gw..example", "no_host"),
        ("http://.example", "no_host"),
        (f"http://{'a' * 64}.example", "no_host"),
        ("http://gw%2eexample", "no_host"),
        ("http://gw.example\\@evil.example", "has_login"),
        ("http://gw.example\\evil", "no_host"),
        ("https://user:pass@gw.example", "has_login"),
        ("https://@gw.example", "has_login"),
        ("http://gw.example:99999", "bad_port"),
        ("http://gw.example:http", "bad_port"),
        ("http://gw.example:0", "bad_port"),
        ("http://gw.example:-1", "bad_port"),
    ],
)
def test_what_is_no_base_url_is_refused_with_a_reason(pasted: str, why: str) -> None:
    with pytest.raises(SettingsError) as caught:
        clean_base_url(pasted)
    assert (caught.value.field, caught.value.message) == ("base_url", why)


@settings(max_examples=150)
@given(text=st.text(max_size=40) | st.text("ht p:/[]@\\.a1é?#%", max_size=30).map("http://".__add__))
def test_any_text_is_cleaned_or_refused_and_cleaning_twice_changes_nothing(text: str) -> None:
    try:
        clean = clean_base_url(text)
    except SettingsError:
        return
    assert clean_base_url(clean) == clean
    assert origin_of(clean).startswith(("http://", "https://"))


def test_an_origin_is_scheme_host_and_port() -> None:
    assert origin_of("https://gw.example/api") == "https://gw.example:443" == origin_of("https://GW.example:443")
    assert origin_of("http://gw.example") == "http://gw.example:80"
    assert origin_of("http://[::1]:8000/x") == "http://[::1]:8000"
    assert origin_of("http://gw.example:8080") != origin_of("https://gw.example:8080")


def test_nothing_set_means_defaults() -> None:
    assert loaded() == Settings()


def test_both_tools_variables_with_one_address_and_key_are_one_gateway() -> None:
    (both,) = loaded(
        OPENAI_BASE_URL="https://gw.example/v1",
        OPENAI_API_KEY=CANARY,
        ANTHROPIC_BASE_URL="https://gw.example",
        ANTHROPIC_AUTH_TOKEN=CANARY,
    ).gateways
    assert (both.base_url, both.key, both.dialects) == ("https://gw.example", Secret(CANARY), ("openai", "anthropic"))
    assert (both.name, both.origin) == ("gw.example", "environment")


def test_different_keys_are_two_gateways_and_half_a_pair_is_none() -> None:
    found = loaded(
        OPENAI_BASE_URL="https://gw.example/v1",
        OPENAI_API_KEY=CANARY,
        ANTHROPIC_BASE_URL="https://gw.example",
        ANTHROPIC_AUTH_TOKEN="another-key",
    )
    assert [gateway.dialects for gateway in found.gateways] == [("openai",), ("anthropic",)]
    assert loaded(OPENAI_API_KEY=CANARY).gateways == ()
    assert loaded(OPENAI_BASE_URL="https://gw.example").gateways == ()
    assert "CANARY" not in repr(found)


def test_a_variable_that_cannot_be_used_is_named() -> None:
    pair = {"OPENAI_BASE_URL": "https://gw.example", "OPENAI_API_KEY": CANARY}
    assert refused(**{**pair, "OPENAI_BASE_URL": "gw.example"}) == ("OPENAI_BASE_URL", "no_scheme")
    assert refused(**{**pair, "OPENAI_API_KEY": CANARY + "\n2"}) == ("OPENAI_API_KEY", "bad_characters")
    assert refused(PARLOUR_DEMO="perhaps")[0] == "PARLOUR_DEMO"
    assert refused(PARLOUR_TIMEZONE="Mars/Olympus")[0] == "PARLOUR_TIMEZONE"
    for speed in ("fast", "-1", "nan", "inf", "1e9"):
        assert refused(PARLOUR_DEMO_SPEED=speed)[0] == "PARLOUR_DEMO_SPEED"


@pytest.mark.parametrize(
    ("variables", "zone"),
    [
        ({"PARLOUR_TIMEZONE": "Europe/Berlin", "TZ": "Asia/Tokyo"}, "Europe/Berlin"),
        ({"TZ": "Asia/Tokyo"}, "Asia/Tokyo"),
        ({"TZ": ":Asia/Tokyo"}, "Asia/Tokyo"),
        ({"TZ": ":/etc/localtime"}, "UTC"),
        ({"TZ": "CET-1CEST,M3.5.0,M10.5.0/3"}, "UTC"),
        ({"TZ": "../../etc/passwd"}, "UTC"),
        ({"TZ": ""}, "UTC"),
    ],
)
def test_the_zone_is_ours_or_the_systems_or_utc(variables: dict[str, str], zone: str) -> None:
    assert loaded(**variables).zone == zone


def test_our_own_variables() -> None:
    found = loaded(
        PARLOUR_DATA_DIR="/srv/parlour",
        PARLOUR_DATABASE_URL="postgresql://db/parlour",
        PARLOUR_DEMO="ON",
        PARLOUR_DEMO_SPEED="0",
        PARLOUR_ALLOWED_HOSTS=" chat.example , ,b.example",
    )
    assert (found.data_dir, found.database_url) == (Path("/srv/parlour"), "postgresql://db/parlour")
    assert (found.demo, found.demo_speed) == ("on", 0.0)
    assert found.allowed_hosts == ("chat.example", "b.example")


def test_the_largest_upload_is_given_in_megabytes() -> None:
    assert load({}).upload_bytes == 200_000_000
    assert load({"PARLOUR_UPLOAD_MB": "0.5"}).upload_bytes == 500_000
    with pytest.raises(SettingsError, match="not_a_number"):
        load({"PARLOUR_UPLOAD_MB": "many"})


def test_the_deadlines_are_four_numbers_of_seconds() -> None:
    assert load({}).deadlines == (5, 300, 120, 3600)
    assert load({"PARLOUR_DEADLINES": " 2, 600,120 ,7200.5"}).deadlines == (2, 600, 120, 7200.5)
    for wrong in ("1,2,3", "1,2,3,4,5", "1,2,3,0", "1,2,3,soon", "1,2,3,-4"):
        assert refused(PARLOUR_DEADLINES=wrong)[0] == "PARLOUR_DEADLINES"


def test_other_computers_are_let_in_by_a_plain_word_only() -> None:
    assert not load({}).allow_public
    assert [loaded(PARLOUR_ALLOW_PUBLIC=word).allow_public for word in ("yes", "1", " TRUE ", "on")] == [True] * 4
    assert [loaded(PARLOUR_ALLOW_PUBLIC=word).allow_public for word in ("", "no", "0", "False", "off")] == [False] * 5
    assert refused(PARLOUR_ALLOW_PUBLIC="perhaps") == ("PARLOUR_ALLOW_PUBLIC", "not_yes_or_no")


def test_gateways_of_the_secrets_file(tmp_path: Path) -> None:
    file = tmp_path / "secrets.toml"
    file.write_text(
        f'[gateways.work]\nbase_url = "https://gw.example/v1"\nkey = "{CANARY}"\ndialects = ["anthropic"]\n'
        f'[gateways.home]\nbase_url = "http://[::1]:9000"\nkey = "{CANARY}"\ndialects = "openai"\n'
    )
    work, home = loaded(file).gateways
    assert (work.name, work.base_url, work.dialects, work.origin) == (
        "work",
        "https://gw.example",
        ("anthropic",),
        "secrets",
    )
    assert home.dialects == ("openai",)


@pytest.mark.parametrize(
    ("text", "field", "why"),
    [
        ("gateways = 3", "gateways", "not_a_table"),
        ("[gateways]\nwork = 1", "gateways.work", "needs_base_url_and_key"),
        ('[gateways.work]\nbase_url = "https://gw.example"', "gateways.work", "needs_base_url_and_key"),
        (f'[gateways.w]\nbase_url = "gw.example"\nkey = "{CANARY}"', "gateways.w.base_url", "no_scheme"),
        ('[gateways.w]\nbase_url = "https://gw.example"\nkey = "short"', "gateways.w.key", "too_short"),
        (
            f'[gateways.w]\nbase_url = "https://a"\nkey = "{CANARY}"\ndialects = 4',
            "gateways.w.dialects",
            "unknown_dialect",
        ),
        (
            f'[gateways.w]\nbase_url = "https://a"\nkey = "{CANARY}"\ndialects = ["x"]',
            "gateways.w.dialects",
            "unknown_dialect",
        ),
        (f'[gateways.w\nkey = "{CANARY}"', "secrets.toml", "unreadable"),
    ],
)
def test_a_secrets_file_that_cannot_be_used_says_where(tmp_path: Path, text: str, field: str, why: str) -> None:
    file = tmp_path / "secrets.toml"
    file.write_text(text)
    assert refused(file) == (field, why)


def test_a_secrets_file_that_is_no_text_is_said(tmp_path: Path) -> None:
    file = tmp_path / "secrets.toml"
    file.write_bytes(b"\xff\xfe")
    assert refused(file) == ("secrets.toml", "unreadable")
    assert refused(tmp_path) == (tmp_path.name, "unreadable")


def test_a_key_by_the_name_of_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", f"  {CANARY}\n")
    assert key_in_environment("SOME_KEY") == Secret(CANARY)
    monkeypatch.delenv("SOME_KEY")
    with pytest.raises(SettingsError) as caught:
        key_in_environment("SOME_KEY")
    assert (caught.value.field, caught.value.message) == ("SOME_KEY", "empty")


def test_the_readme_names_every_variable_of_ours() -> None:
    root = Path(__file__).resolve().parent.parent
    read = set(re.findall(r"PARLOUR_[A-Z_]+", (root / "lib" / "settings.py").read_text())) - {"PARLOUR_"}
    told = set(re.findall(r"^\| `(PARLOUR_[A-Z_]+)", (root / "README.md").read_text(), re.MULTILINE))
    assert read == told
