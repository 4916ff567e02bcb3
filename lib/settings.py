"""Settings, read once from the environment and the secrets file. Nobody else reads `os.environ`.

The names of the gateways' own tools work as they are: OPENAI_BASE_URL with OPENAI_API_KEY, ANTHROPIC_BASE_URL
with ANTHROPIC_AUTH_TOKEN. Parlour's own begin with PARLOUR_. In `.streamlit/secrets.toml` a gateway is a table:

    [gateways.work]
    base_url = "https://gateway.example"
    key = "sk-…"
    dialects = ["openai", "anthropic"]
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args
from urllib.parse import SplitResult, urlsplit, urlunsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

from lib.cards import DialectName
from lib.errors import SettingsError
from lib.secret import Secret, key_from

Demo = Literal["auto", "on", "off"]
SECRETS_FILE = Path(".streamlit/secrets.toml")

_T = TypeVar("_T")

_PASTED_AROUND = " \t\r\n\"'<>`\u00a0\u200b\u200e\u2060\ufeff"
_HOST = re.compile(r"[\w-]+(?:\.[\w-]+)*\.?\Z|[0-9a-f:.]*:[0-9a-f:.]*(?:%[\w.-]+)?\Z")
_ENDPOINTS = ("/chat/completions", "/completions", "/responses", "/messages", "/messages/count_tokens", "/models")


class ConfiguredGateway(Struct, frozen=True):
    """A gateway named by the environment or the secrets file; its key is never stored."""

    name: str
    base_url: str
    key: Secret
    dialects: tuple[DialectName, ...]
    origin: Literal["environment", "secrets"]


class Settings(Struct, frozen=True):
    """Everything configurable from outside. README.md documents each field."""

    data_dir: Path = Path("data")
    database_url: str | None = None
    zone: str = "UTC"
    demo: Demo = "auto"
    demo_speed: float = 1.0
    allowed_hosts: tuple[str, ...] = ()
    upload_bytes: int = 200_000_000
    allow_public: bool = False
    gateways: tuple[ConfiguredGateway, ...] = ()
    deadlines: tuple[float, float, float, float] = (5.0, 300.0, 120.0, 3600.0)
    """Seconds that a gateway has to be connected, to say its first word, between two words, and for a whole answer."""


def load(environ: Mapping[str, str] | None = None, secrets_file: Path | None = None) -> Settings:
    """The settings in force. Raises SettingsError naming the variable that cannot be used."""
    env = os.environ if environ is None else environ
    secrets = _secrets(secrets_file or SECRETS_FILE)
    return Settings(
        data_dir=Path(env.get("PARLOUR_DATA_DIR") or "data"),
        database_url=env.get("PARLOUR_DATABASE_URL") or None,
        zone=_zone(env.get("PARLOUR_TIMEZONE"), env.get("TZ")),
        demo=_demo(env.get("PARLOUR_DEMO") or "auto"),
        demo_speed=_number(env.get("PARLOUR_DEMO_SPEED") or "1", "PARLOUR_DEMO_SPEED"),
        allowed_hosts=tuple(host.strip() for host in env.get("PARLOUR_ALLOWED_HOSTS", "").split(",") if host.strip()),
        upload_bytes=int(_number(env.get("PARLOUR_UPLOAD_MB") or "200", "PARLOUR_UPLOAD_MB") * 1_000_000),
        allow_public=_flag(env.get("PARLOUR_ALLOW_PUBLIC") or "no", "PARLOUR_ALLOW_PUBLIC"),
        gateways=(*_from_environment(env), *_from_secrets(secrets)),
        deadlines=_deadlines(env.get("PARLOUR_DEADLINES") or "5,300,120,3600"),
    )


def key_in_environment(name: str) -> Secret:
    """The key held by the environment variable `name`. Raises SettingsError when it is unset or malformed."""
    value = os.environ.get(name)
    if not value:
        raise SettingsError(name, "empty")
    return _named(name, key_from, value)


def clean_base_url(text: str) -> str:
    """The base URL in what a user pasted: scheme checked, endpoint paths and a trailing `/v1` removed.

    >>> clean_base_url(" https://gw.example/api/v1/chat/completions ")
    'https://gw.example/api'

    Another version (`/v3`, `/v1beta/openai`) stays: the door then asks below it without a `/v1` of its own. A query
    or fragment is dropped. Raises SettingsError with `message` one of: empty, no_scheme, bad_scheme, no_host,
    has_login, bad_port.
    """
    url = text.strip(_PASTED_AROUND)
    if not url:
        raise SettingsError("base_url", "empty")
    if "://" not in url:
        raise SettingsError("base_url", "no_scheme")
    parts = _split(url)
    if parts.scheme not in ("http", "https"):
        raise SettingsError("base_url", "bad_scheme")
    if "@" in parts.netloc:
        raise SettingsError("base_url", "has_login")
    if any(character.isspace() or not character.isprintable() or character == "\\" for character in url):
        raise SettingsError("base_url", "no_host")
    return urlunsplit((parts.scheme, _netloc(parts), _clean_path(parts.path), "", ""))


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError as error:
        raise SettingsError("base_url", "no_host") from error


def _netloc(parts: SplitResult) -> str:
    """Host and port, lower case, with brackets around an IPv6 address."""
    host = parts.hostname or ""
    if not _HOST.match(host) or len(host) > 253 or any(len(label) > 63 for label in host.split(".")):
        raise SettingsError("base_url", "no_host")
    try:
        port = parts.port
    except ValueError as error:
        raise SettingsError("base_url", "bad_port") from error
    if port == 0:
        raise SettingsError("base_url", "bad_port")
    host = f"[{host}]" if ":" in host else host
    return host if port is None else f"{host}:{port}"


def _clean_path(path: str) -> str:
    path = path.rstrip("/")
    ending = max((ending for ending in _ENDPOINTS if path.endswith(ending)), key=len, default="")
    return path.removesuffix(ending).rstrip("/").removesuffix("/v1").rstrip("/")


def origin_of(base_url: str) -> str:
    """Scheme, host and port: what a key is bound to."""
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def _secrets(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(str(path.name), "unreadable") from error


def _from_environment(env: Mapping[str, str]) -> list[ConfiguredGateway]:
    """One gateway when both SDKs' variables name the same base URL and key, else one for each."""
    openai = _pair(env, "OPENAI_BASE_URL", ("OPENAI_API_KEY",), "openai")
    anthropic = _pair(env, "ANTHROPIC_BASE_URL", ("ANTHROPIC_AUTH_TOKEN",), "anthropic")
    if openai and anthropic and (openai.base_url, openai.key) == (anthropic.base_url, anthropic.key):
        return [ConfiguredGateway(openai.name, openai.base_url, openai.key, ("openai", "anthropic"), "environment")]
    return [found for found in (openai, anthropic) if found]


def _pair(
    env: Mapping[str, str], url_name: str, key_names: tuple[str, ...], dialect: DialectName
) -> ConfiguredGateway | None:
    url, key_name = env.get(url_name), next((name for name in key_names if env.get(name)), None)
    if not url or not key_name:
        return None
    base_url, key = _named(url_name, clean_base_url, url), _named(key_name, key_from, env[key_name])
    return ConfiguredGateway(_host_name(base_url), base_url, key, (dialect,), "environment")


def _named(name: str, read: Callable[[str], _T], text: str) -> _T:
    """What `read` makes of `text`; its SettingsError names the variable or the entry of the file instead."""
    try:
        return read(text)
    except SettingsError as error:
        raise SettingsError(name, error.message) from None


def _from_secrets(secrets: Mapping[str, Any]) -> list[ConfiguredGateway]:
    tables = secrets.get("gateways", {})
    if not isinstance(tables, Mapping):
        raise SettingsError("gateways", "not_a_table")
    return [_from_table(name, table) for name, table in tables.items()]


def _from_table(name: str, table: Any) -> ConfiguredGateway:
    if not isinstance(table, Mapping) or not table.get("base_url") or not table.get("key"):
        raise SettingsError(f"gateways.{name}", "needs_base_url_and_key")
    listed = table.get("dialects", ["openai"])
    dialects = (listed,) if isinstance(listed, str) else tuple(listed) if isinstance(listed, list) else ()
    if not dialects or any(d not in get_args(DialectName) for d in dialects):
        raise SettingsError(f"gateways.{name}.dialects", "unknown_dialect")
    base_url = _named(f"gateways.{name}.base_url", clean_base_url, str(table["base_url"]))
    return ConfiguredGateway(
        name, base_url, _named(f"gateways.{name}.key", key_from, str(table["key"])), dialects, "secrets"
    )


def _host_name(base_url: str) -> str:
    return urlsplit(base_url).hostname or base_url


def _zone(ours: str | None, systems: str | None) -> str:
    """Our own variable must be a zone of the IANA database; the system's `TZ` has other forms too and may not be."""
    try:
        return ZoneInfo((ours or systems or "UTC").lstrip(":")).key
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        if not ours:
            return "UTC"
        raise SettingsError("PARLOUR_TIMEZONE", "unknown_zone") from error


def _demo(value: str) -> Demo:
    match value.lower():
        case "auto" | "on" | "off" as demo:
            return demo
        case _:
            raise SettingsError("PARLOUR_DEMO", "not_auto_on_off")


def _flag(value: str, name: str) -> bool:
    match value.strip().lower():
        case "1" | "yes" | "true" | "on":
            return True
        case "0" | "no" | "false" | "off":
            return False
        case _:
            raise SettingsError(name, "not_yes_or_no")


def _deadlines(value: str) -> tuple[float, float, float, float]:
    """Four numbers of seconds; none may be 0, which would let no answer through."""
    numbers = [_number(part, "PARLOUR_DEADLINES") for part in value.split(",")]
    if len(numbers) != 4 or not all(numbers):
        raise SettingsError("PARLOUR_DEADLINES", "not_four_numbers_above_0")
    connect, first, gap, total = numbers
    return connect, first, gap, total


def _number(value: str, name: str) -> float:
    try:
        number = float(value)
    except ValueError as error:
        raise SettingsError(name, "not_a_number") from error
    if not 0 <= number < 1e6:
        raise SettingsError(name, "not_a_number")
    return number
