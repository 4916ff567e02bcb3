"""Ids grow, carry their time, fit into 63 bits, and public ones tell nothing."""

from __future__ import annotations

import ast
import base64
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib import ids


def test_ids_of_one_process_only_grow() -> None:
    made = [ids.new_id() for _ in range(5000)]
    assert made == sorted(set(made))


def test_threads_never_get_the_same_id() -> None:
    made: list[int] = []

    def make() -> None:
        made.extend([ids.new_id() for _ in range(2000)])

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 16_000


def test_an_id_fits_a_signed_64_bit_column() -> None:
    assert 0 < ids.new_id() < 2**63
    assert ids.id_at(8_000_000_000_000) < 2**63  # the year 2223


def test_ids_grow_although_the_clock_steps_back(monkeypatch: pytest.MonkeyPatch) -> None:
    before = ids.new_id()
    monkeypatch.setattr(ids, "now_ms", lambda: ids.ms_of(before) - 3_600_000)
    made = [ids.new_id() for _ in range(3000)]
    assert made == sorted(set(made))
    assert made[0] > before


def test_an_id_remembers_its_moment() -> None:
    before = ids.now_ms()
    made = ids.new_id()
    assert before <= ids.ms_of(made) <= ids.now_ms() + 10


@settings(max_examples=60)
@given(ms=st.integers(0, 4_000_000_000_000), rest=st.integers(0, 2**20 - 1))
def test_the_first_id_of_a_moment_is_a_filter_for_time(ms: int, rest: int) -> None:
    made = ms << 20 | rest
    assert ids.id_at(ms) <= made < ids.id_at(ms + 1)
    assert ids.ms_of(made) == ms


def test_a_public_id_is_random_and_fit_for_a_url() -> None:
    made = {ids.new_public_id() for _ in range(1000)}
    assert len(made) == 1000
    assert all(re.fullmatch(r"[\w-]{22}", one) for one in made)


# --- what a browser may see cannot be guessed ---

ROOT = Path(__file__).resolve().parent.parent
ENOUGH_BYTES = 16
NO_RIGHT = {
    ("lib/bootstrap.py", "token_hex(8)"): "names this run of the program in its own database",
    ("lib/generation/desk.py", "token_hex(8)"): "names this run of the program in its own database",
    ("lib/keys.py", "token_hex(8)"): "the name of a draft file",
    ("lib/keys.py", "token_bytes(12)"): "the nonce of AES-GCM, of the length that it takes",
    ("lib/login/slips.py", "token_hex(8)"): "the name of a file",
    ("lib/ids.py", "randbelow(1 << 10)"): "keeps the row ids of two processes apart; they are no secret",
}
"""Random values of less than 128 bits, each with the reason why nobody gains anything by knowing it."""


def random_values() -> Iterator[tuple[str, str, int]]:
    """(module, call, bytes) of every random value that our code makes."""
    for path in (ROOT / "lib").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and is_drawn(node.func):
                call = ast.unparse(node).removeprefix("secrets.")
                size = node.args[0] if node.args else None
                yield path.relative_to(ROOT).as_posix(), call, size_of(path, size)


def is_drawn(called: ast.expr) -> bool:
    """Whether this is `secrets.token_…` or `secrets.randbelow`."""
    named = isinstance(called, ast.Attribute) and getattr(called.value, "id", "") == "secrets"
    return named and called.attr.startswith(("token_", "rand"))  # type: ignore[attr-defined]


def size_of(path: Path, size: ast.expr | None) -> int:
    """The bytes asked for: a number, or a constant of the module; 0 where it cannot be told, 32 by default."""
    if isinstance(size, ast.Name):
        found = re.search(rf"(?m)^(.*\b{size.id}\b.*?) = (.+)$", path.read_text())
        names, values = (part.split(", ") for part in found.groups()) if found else ([], [])
        return next(
            (int(value) for name, value in zip(names, values, strict=False) if name.split(":")[0] == size.id), 0
        )
    if isinstance(size, ast.Constant) and isinstance(size.value, int):
        return size.value
    return 32 if size is None else 0


def test_every_random_value_that_is_a_right_has_128_bits(measured: Callable[[str], None]) -> None:
    found = list(random_values())
    short = {(module, call) for module, call, size in found if size < ENOUGH_BYTES}
    assert short <= set(NO_RIGHT), "too short, or the reason is missing"
    assert ("lib/ids.py", "token_urlsafe(16)", 16) in found
    assert ("lib/store/shares.py", "token_urlsafe(16)", 16) in found
    measured(f"public ids and share tokens: 128 bits of the system's random source; {len(found)} places looked at")


def test_only_the_spread_of_load_uses_another_source() -> None:
    """`random` can be foretold, `uuid1` tells the machine and the time. Waits, guesses and made-up spend may."""
    imported = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "lib").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module])
        if name in ("random", "uuid")
    }
    drawn = {path for path in imported if not path.startswith(("lib/embedded/",))}
    assert drawn <= {"lib/gateway/__init__.py", "lib/store/making_up.py", "lib/insight/forecast.py"}


def test_every_public_id_of_the_store_is_made_by_one_function() -> None:
    """Or is one that was made by it before: the key of a send, and ids that an import brings back to their owner."""
    ways = set()
    for path in (ROOT / "lib/store").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Dict):
                pairs = zip(node.keys, node.values, strict=True)
                ways |= {ast.unparse(v) for k, v in pairs if isinstance(k, ast.Constant) and k.value == "public_id"}
    assert "new_public_id()" in ways
    assert ways - {"new_public_id()"} <= {"ids.public_id", "public_id", "public[message.id]"}


def test_each_of_the_128_bits_is_drawn(count: Callable[[int, int], int], measured: Callable[[str], None]) -> None:
    many = count(4_000, 200_000)
    made = [int.from_bytes(base64.urlsafe_b64decode(ids.new_public_id() + "==")) for _ in range(many)]
    assert len(set(made)) == many
    often = [sum(number >> bit & 1 for number in made) for bit in range(128)]
    widest = max(abs(times - many / 2) for times in often) / (many**0.5 / 2)
    assert widest < 6, "six standard deviations"
    measured(f"{many:,} ids: all different, each of 128 bits set half the time (at most {widest:.1f} sigma off)")
