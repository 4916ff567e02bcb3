"""What is installed with Parlour: how much, in which versions, and whether it fits together.

Hashes are not in `constraints.txt`: pip then wants one for everything that it installs (`--require-hashes`), which a
folder such as this one cannot have, and each platform and Python takes other files.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
MOST_AT_RUN_TIME = 55
"""Streamlit alone brings 34 of them. One more needs a reason."""


def pins() -> dict[str, str]:
    """Name to version, of the lines that hold for this Python."""
    found = {}
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            pin = Requirement(line)
            [exact] = pin.specifier
            assert exact.operator == "==", line
            assert "*" not in exact.version, line
            if pin.marker is None or pin.marker.evaluate():
                found[canonicalize_name(pin.name)] = exact.version
    return found


def at_run_time() -> set[str]:
    """Everything that the dependencies pull in on this system, without what only tests need."""
    found: set[str] = set()
    waiting = [Requirement(line) for line in PROJECT["dependencies"]]
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        if (wanted.marker and not wanted.marker.evaluate({"extra": ""})) or name in found:
            continue
        found.add(name)
        waiting += [Requirement(line) for line in metadata.requires(name) or []]
        for extra in wanted.extras:
            more = [Requirement(line) for line in metadata.requires(name) or []]
            waiting += [each for each in more if each.marker and each.marker.evaluate({"extra": extra})]
    return found


def test_all_that_runs_is_pinned_and_installed_as_pinned(measured: Callable[[str], None]) -> None:
    pinned, running = pins(), at_run_time()
    assert running - set(pinned) == set()
    different = {name: metadata.version(name) for name in running if metadata.version(name) != pinned[name]}
    assert different == {}
    assert len(running) <= MOST_AT_RUN_TIME
    measured(
        f"{len(running)} distributions at run time ({len(PROJECT['dependencies'])} named by us), all pinned exactly"
    )


def test_what_is_installed_fits_together(measured: Callable[[str], None]) -> None:
    ran = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout
    measured("pip check: no broken requirements")


def test_nothing_is_fetched_from_an_address_of_its_own() -> None:
    """Neither a dependency nor a pin names a place: what is trusted is the index of whoever installs."""
    lines = [*PROJECT["dependencies"], *(line for lines in PROJECT["optional-dependencies"].values() for line in lines)]
    lines += (ROOT / "constraints.txt").read_text().splitlines()
    assert not [line for line in lines if re.search(r"://|@|^-", line)]


def test_only_pip_and_its_index_are_asked_for_code() -> None:
    """The scripts that install run no other program that fetches."""
    scripts = [path.read_text() for path in (ROOT / "scripts").iterdir() if path.is_file()] + [
        (ROOT / "Makefile").read_text()
    ]
    assert not [text for text in scripts if re.search(r"\b(curl|wget)\b|--(extra-)?index-url|--trusted-host", text)]
