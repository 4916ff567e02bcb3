"""The floors of the house and its walls, read from the source. Failures name file, line and rule.

A module imports lower floors or its own family; families on one floor do not import each other. Each outside library
has one owner, so that there is one place to look and one place to change.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

FLOORS: tuple[frozenset[str], ...] = (
    # words: what everybody may say; standard library and msgspec only
    frozenset(
        {
            "errors",
            "messages",
            "events",
            "cards",
            "tokens",
            "secret",
            "ids",
            "ledger",
            "money",
            "cells",
            "sheets",
            "local_time",
            "batch",
            "insight_words",
        }
    ),
    # rules: pure, values in and values out
    frozenset(
        {
            "dialects",
            "catalogue",
            "attachments",
            "pricing",
            "quote",
            "batch_tables",
            "markdown",
            "retries",
            "media_check",
            "cc_switch",
            "self_check",
            "passwords",
            "search",
            "transfer",
        }
    ),
    # reckonings: rules that lean on those: what money went where, what it may, and the papers about it
    frozenset({"insight", "price_book", "vendor_prices", "budgets", "statements", "bills"}),
    # frames: what those found, as small tables
    frozenset({"reports"}),
    # doors: each owns one library
    frozenset({"settings", "gateway", "store", "embedded", "keys", "intake"}),
    # deeds
    frozenset({"generation"}),
    # composition: the only place where doors meet
    frozenset({"gateways", "login"}),
    frozenset({"price_desk"}),
    frozenset({"bootstrap"}),
    # what people and the network see
    frozenset({"ui", "web", "ask", "backup", "accounts"}),
    frozenset({"pages"}),
    frozenset({"app"}),
)
FLOOR = {family: floor for floor, families in enumerate(FLOORS) for family in families}

OWNERS: dict[str, tuple[str, ...]] = {
    "httpx": ("lib/gateway/*",),
    "sqlalchemy": ("lib/store/*",),
    "sqlite3": ("lib/store/*",),
    "psycopg": ("lib/store/*",),
    "streamlit": ("lib/ui/*", "pages/*", "app.py"),
    "pandas": ("lib/reports/*", "lib/batch_tables.py", "lib/ui/usage_charts*.py"),
    "altair": ("lib/ui/usage_charts*.py",),
    "starlette": ("lib/embedded/*", "lib/web/*", "app.py"),
    "uvicorn": ("lib/embedded/*", "lib/web/*", "app.py"),
    "PIL": ("lib/intake/*", "lib/embedded/*"),
    "pillow_heif": ("lib/intake/*",),
    "av": ("lib/intake/*",),
    "pypdfium2": ("lib/intake/*",),
    "python_calamine": ("lib/intake/*",),
    "genai_prices": ("lib/vendor_prices.py",),
    "cryptography": ("lib/keys.py",),
    "markdown_it": ("lib/transfer/as_page.py",),
    "jsonschema": ("lib/attachments/batch_fields.py",),
    # Nobody opens a connection besides the gateway's door.
    "requests": (),
    "urllib.request": (),
    "http.client": (),
    "aiohttp": (),
    "httpx2": (),
    "openai": (),
    "anthropic": (),
    # Nobody runs stored bytes.
    "pickle": (),
    "marshal": (),
    "shelve": (),
}

INTERNALS_OWNER = "lib/ui/streamlit_internals.py"
STREAMLIT_PUBLIC = ("streamlit.components", "streamlit.delta_generator", "streamlit.errors", "streamlit.typing")
STREAMLIT_INTERNAL = frozenset({"runtime", "proto", "web", "elements", "config", "source_util", "util"})

BROAD_EXCEPT = {
    "lib/web/headers.py": "answers a crash with our headers and raises it again",
    "lib/generation/run.py": "the task of an answer records its own failure, whatever it is",
}
PRINTERS = ("lib/ask.py", "lib/accounts.py", "lib/backup.py", "lib/embedded/__main__.py")
PAGE_LINES, APP_LINES = 120, 60


@dataclass(frozen=True)
class Source:
    """One parsed file of the app; `path` is relative to the root, `module` its dotted name."""

    path: str
    module: str
    text: str
    tree: ast.Module

    @property
    def family(self) -> str:
        names = self.module.split(".")
        return names[1] if names[0] == "lib" and len(names) > 1 else names[0]

    def at(self, node: ast.AST, rule: str) -> str:
        return f"{self.path}:{getattr(node, 'lineno', 1)}: {rule}"

    def imports(self) -> Iterator[tuple[ast.stmt, str]]:
        """Every imported module with its statement, also those inside functions and for type checkers."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = self._absolute(node)
                # `from lib import errors` names a module, `from lib.errors import X` does too, one step earlier.
                yield from ((node, f"{base}.{alias.name}") for alias in node.names)

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        package = self.module.split(".")
        if not self.path.endswith("__init__.py"):
            package = package[:-1]
        package = package[: len(package) - node.level + 1]
        return ".".join([*package, node.module] if node.module else package)

    def calls(self) -> Iterator[tuple[ast.Call, str]]:
        """Every call with the last name of what is called."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                function = node.func
                if isinstance(function, ast.Attribute | ast.Name):
                    yield node, function.attr if isinstance(function, ast.Attribute) else function.id


@cache
def sources() -> tuple[Source, ...]:
    files = [*ROOT.glob("lib/**/*.py"), *ROOT.glob("pages/*.py"), *ROOT.glob("app.py")]
    return tuple(parse(file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8")) for file in sorted(files))


def parse(path: str, text: str) -> Source:
    module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    return Source(path, module, text, ast.parse(text, path))


def family_of(imported: str) -> str | None:
    """The family of one of our own modules, or None for foreign code."""
    names = imported.split(".")
    if names[0] == "lib":
        return names[1] if len(names) > 1 else "lib"
    return names[0] if names[0] in {"pages", "app"} else None


def owns(path: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch(path, pattern) for pattern in patterns)


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


def wrong_floors(source: Source) -> Iterator[str]:
    if source.module == "lib":
        return
    if source.family not in FLOOR:
        yield source.at(source.tree, f"{source.family} has no floor yet: give it one in FLOORS")
        return
    for node, imported in source.imports():
        family = family_of(imported)
        if family is None or family in {source.family, "lib"}:
            continue
        if family not in FLOOR:
            yield source.at(node, f"imports {imported}, which has no floor")
        elif FLOOR[family] > FLOOR[source.family]:
            yield source.at(node, f"{source.family} (floor {FLOOR[source.family]}) imports {family} from above")
        elif FLOOR[family] == FLOOR[source.family] and FLOOR[family] > 0:
            yield source.at(node, f"{source.family} imports {family} from its own floor")
        elif source.family == "pages" and FLOOR["settings"] <= FLOOR[family] < FLOOR["bootstrap"]:
            yield source.at(node, f"a page reaches {family} through the Services it is given")


def wrong_owners(source: Source) -> Iterator[str]:
    for node, imported in source.imports():
        for library, owners in OWNERS.items():
            if within(imported, library) and not owns(source.path, owners):
                yield source.at(node, f"{library} belongs to {', '.join(owners) or 'nobody'}")


def foreign_words(source: Source) -> Iterator[str]:
    """Floor 0 speaks the standard library and msgspec only."""
    if FLOOR.get(source.family) != 0:
        return
    for node, imported in source.imports():
        top = imported.split(".")[0]
        if top not in sys.stdlib_module_names and top not in {"msgspec", "lib"}:
            yield source.at(node, f"a word does not need {top}")


def streamlit_internals(source: Source) -> Iterator[str]:
    if source.path == INTERNALS_OWNER:
        return
    rule = f"is an internal of Streamlit: {INTERNALS_OWNER} owns those"
    for node, imported in source.imports():
        if imported.startswith("streamlit.") and not any(within(imported, module) for module in STREAMLIT_PUBLIC):
            below = imported.split(".")[1:]
            if len(below) > 1 or below[0] in STREAMLIT_INTERNAL or below[0].startswith("_"):
                yield source.at(node, f"{imported} {rule}")
    for node in ast.walk(source.tree):
        of_st = isinstance(node, ast.Attribute) and ast.unparse(node.value) == "st"
        if of_st and (node.attr.startswith("_") or node.attr in STREAMLIT_INTERNAL):
            yield source.at(node, f"st.{node.attr} {rule}")


def environment_readers(source: Source) -> Iterator[str]:
    if source.path == "lib/settings.py":
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "environb", "getenv"}:
            yield source.at(node, "the environment is read by lib/settings.py")
        elif isinstance(node, ast.ImportFrom) and node.module == "os":
            if any(alias.name in {"environ", "environb", "getenv"} for alias in node.names):
                yield source.at(node, "the environment is read by lib/settings.py")
        elif isinstance(node, ast.Attribute) and node.attr == "secrets" and ast.unparse(node.value) == "st":
            yield source.at(node, "st.secrets is not used: lib/settings.py reads the file")


def unsafe_calls(source: Source) -> Iterator[str]:
    for call, name in source.calls():
        for keyword in call.keywords:
            if keyword.arg in {"unsafe_allow_html", "unsafe_allow_javascript"}:
                yield source.at(call, f"{keyword.arg}: model text is hostile")
            if keyword.arg == "follow_redirects" and not is_constant(keyword.value, False):
                yield source.at(call, "a redirect would carry the key and the prompt elsewhere")
            if keyword.arg == "verify" and is_constant(keyword.value, False):
                yield source.at(call, "TLS is always verified")
            if keyword.arg == "shell" and not is_constant(keyword.value, False):
                yield source.at(call, "no shell")
        if name in {"iter_lines", "aiter_lines"}:
            yield source.at(call, f"{name} splits JSON at U+2028: lib/dialects/sse.py cuts lines")
        if isinstance(call.func, ast.Name) and name in {"eval", "exec"}:
            yield source.at(call, f"no {name}")
        if isinstance(call.func, ast.Name) and name == "print" and not owns(source.path, PRINTERS):
            yield source.at(call, "no print: log it or show it")


def rendered_html(source: Source) -> Iterator[str]:
    for call, name in source.calls():
        if name == "html" and receiver(call) == "st" and call.args and not is_own_text(call.args[0]):
            yield source.at(call, "st.html takes a constant of ours, never text that came from elsewhere")


def media_paths(source: Source) -> Iterator[str]:
    for call, name in source.calls():
        shown = name in {"image", "video", "audio", "pdf"} and receiver(call) == "st" and call.args
        if shown and looks_like_text(call.args[0]):
            yield source.at(call, f"st.{name} of a string opens that file: give it bytes")


def broad_excepts(source: Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.ExceptHandler):
            continue
        caught = "" if node.type is None else ast.unparse(node.type)
        if not caught:
            yield source.at(node, "a bare except swallows Stop and rerun")
        elif "BaseException" in caught:
            yield source.at(node, "except BaseException swallows Stop and rerun")
        elif caught == "Exception" and source.path not in BROAD_EXCEPT:
            yield source.at(node, "except Exception: name the error, or give the reason in BROAD_EXCEPT")


def missing_docstrings(source: Source) -> Iterator[str]:
    if not ast.get_docstring(source.tree):
        yield source.at(source.tree, "the module does not say what lives here")


def long_screens(source: Source) -> Iterator[str]:
    lines = len(source.text.splitlines())
    limit = {"pages": PAGE_LINES, "app": APP_LINES}.get(source.family)
    if limit and lines >= limit:
        yield f"{source.path}:{lines}: reads like the screen in fewer than {limit} lines"


def is_constant(node: ast.expr, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def is_own_text(node: ast.expr) -> bool:
    """A literal, or a module constant (`STYLE`), also of another module."""
    if isinstance(node, ast.Constant):
        return True
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    return bool(name) and name.lstrip("_").isupper()


def looks_like_text(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str)
    if isinstance(node, ast.Call):
        return ast.unparse(node.func) in {"str", "os.path.join"} or ast.unparse(node.func).endswith(".format")
    return isinstance(node, ast.JoinedStr)


def receiver(call: ast.Call) -> str:
    return ast.unparse(call.func.value) if isinstance(call.func, ast.Attribute) else ""


RULES = (
    wrong_floors,
    wrong_owners,
    foreign_words,
    streamlit_internals,
    environment_readers,
    unsafe_calls,
    rendered_html,
    media_paths,
    broad_excepts,
    missing_docstrings,
    long_screens,
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_house_keeps(rule) -> None:
    broken = [line for source in sources() for line in rule(source)]
    assert not broken, "\n" + "\n".join(broken)


BROKEN = [
    (wrong_floors, "lib/tokens.py", "from lib.store import Store"),
    (wrong_floors, "lib/store/rows.py", "from lib import gateway"),
    (wrong_floors, "lib/store/rows.py", "def late():\n    from ..keys import seal"),
    (wrong_floors, "lib/gateway.py", "import lib.embedded.server"),
    (wrong_floors, "lib/ui/frame.py", "from pages import chat"),
    (wrong_floors, "lib/helpers.py", "import json"),
    (wrong_floors, "pages/chat.py", "from lib.store import conversations"),
    (wrong_owners, "pages/chat.py", "import httpx"),
    (wrong_owners, "lib/store/rows.py", "from streamlit import session_state"),
    (wrong_owners, "lib/gateway.py", "from urllib import request"),
    (wrong_owners, "pages/usage.py", "import pandas as pd"),
    (foreign_words, "lib/ids.py", "import numpy"),
    (streamlit_internals, "lib/ui/frame.py", "from streamlit.runtime import get_instance"),
    (streamlit_internals, "lib/ui/frame.py", "from streamlit import runtime"),
    (streamlit_internals, "pages/chat.py", "st._main.write('x')"),
    (environment_readers, "lib/gateway.py", "import os\nkey = os.environ['KEY']"),
    (environment_readers, "lib/ui/frame.py", "key = st.secrets['KEY']"),
    (unsafe_calls, "lib/ui/frame.py", "st.markdown(text, unsafe_allow_html=True)"),
    (unsafe_calls, "lib/gateway.py", "Client(follow_redirects=True)"),
    (unsafe_calls, "lib/gateway.py", "for line in answer.iter_lines(): pass"),
    (unsafe_calls, "lib/tokens.py", "print(1)"),
    (rendered_html, "lib/ui/frame.py", "st.html(answer.text)"),
    (media_paths, "pages/chat.py", "st.image(f'{name}.png')"),
    (broad_excepts, "lib/tokens.py", "try: pass\nexcept: pass"),
    (broad_excepts, "lib/tokens.py", "try: pass\nexcept Exception: pass"),
    (missing_docstrings, "lib/tokens.py", "x = 1"),
    (long_screens, "pages/chat.py", "x = 1\n" * 120),
]


@pytest.mark.parametrize(
    ("rule", "path", "text"), BROKEN, ids=[f"{r.__name__}-{i}" for i, (r, *_) in enumerate(BROKEN)]
)
def test_a_broken_rule_is_seen(rule, path: str, text: str) -> None:
    assert any(line.startswith(path) for line in rule(parse(path, text)))


ALLOWED = [
    (wrong_floors, "lib/store/rows.py", "from lib.store import schema\nfrom lib import errors\nfrom . import encoding"),
    (wrong_floors, "lib/errors.py", "from lib.tokens import TokenCount"),
    (wrong_owners, "lib/dialects/sse.py", "import json\nfrom urllib.parse import urlsplit"),
    (
        streamlit_internals,
        "lib/ui/frame.py",
        "import streamlit as st\nfrom streamlit.delta_generator import DeltaGenerator",
    ),
    (streamlit_internals, INTERNALS_OWNER, "from streamlit.runtime import get_instance"),
    (rendered_html, "lib/ui/frame.py", "st.html(STYLE)"),
    (media_paths, "pages/chat.py", "st.image(thumbnail)"),
]


@pytest.mark.parametrize(
    ("rule", "path", "text"), ALLOWED, ids=[f"{r.__name__}-{i}" for i, (r, *_) in enumerate(ALLOWED)]
)
def test_what_keeps_the_rule_passes(rule, path: str, text: str) -> None:
    assert list(rule(parse(path, text))) == []


def test_every_reason_for_a_broad_except_is_still_needed() -> None:
    assert set(BROAD_EXCEPT) <= {source.path for source in sources() if "except Exception" in source.text}


def test_git_does_not_ignore_our_code() -> None:
    """The usual Python .gitignore lists lib/, which would leave most of the program out of every commit."""
    ignored = {line.strip().strip("/") for line in (ROOT / ".gitignore").read_text().splitlines()}
    assert not ignored & {"lib", "pages", "tests", "lib/*", "*.py"}
