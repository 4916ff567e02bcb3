"""The files around the program: the Makefile, the pinned versions, the configuration and the theme."""

from __future__ import annotations

import itertools
import json
import math
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
CONFIG = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
MODES = ("light", "dark")


# --- Streamlit's configuration ---


def options(table: dict, prefix: str = "") -> Iterator[tuple[str, object]]:
    """Every option of the file as Streamlit names it: `theme.light.sidebar.backgroundColor`."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from options(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


@pytest.fixture(scope="module")
def known() -> dict:
    from streamlit import config

    return config._config_options_template


def test_every_option_exists_in_the_installed_streamlit(known: dict) -> None:
    assert [name for name, _ in options(CONFIG) if name not in known] == []


def test_no_option_is_deprecated(known: dict) -> None:
    assert [name for name, _ in options(CONFIG) if known[name].deprecated] == []


WALLS = {
    "browser.gatherUsageStats": False,
    "browser.serverAddress": "127.0.0.1",
    "server.address": "127.0.0.1",
    "server.headless": True,
    "server.fileWatcherType": "none",
    "server.runOnSave": False,
    "server.enableCORS": True,
    "server.enableXsrfProtection": True,
    "server.enableStaticServing": False,
    "server.enableAgentApi": False,
    "server.maxUploadSize": 100,
    "runner.fastReruns": False,
    "runner.postScriptGC": False,
    "runner.magicEnabled": False,
    "client.showErrorDetails": "none",
    "client.showErrorLinks": False,
    "client.toolbarMode": "minimal",
    "client.allowedOrigins": [],
}


def test_streamlit_reads_the_settings_that_protect_the_user(tmp_path: Path) -> None:
    """Read back from a fresh Streamlit in the project's folder: a misspelt table would leave the defaults."""
    asked = (
        f"import json; from streamlit import config; print(json.dumps([config.get_option(n) for n in {list(WALLS)}]))"
    )
    env = {name: value for name, value in os.environ.items() if not name.startswith("STREAMLIT_")} | {
        "HOME": str(tmp_path)
    }
    ran = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    assert dict(zip(WALLS, json.loads(ran.stdout), strict=True)) == WALLS


# --- the theme ---


def test_the_theme_loads_nothing_from_elsewhere() -> None:
    assert not any("://" in str(value) for name, value in options(CONFIG) if name.startswith("theme."))


def theme(mode: str, *, sidebar: bool = False) -> dict[str, str]:
    section = CONFIG["theme"][mode]
    return section | section["sidebar"] if sidebar else section


def linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


def light_of(colour: str) -> list[float]:
    """The linear red, green and blue of `#rrggbb`."""
    return [linear(int(colour[i : i + 2], 16) / 255) for i in (1, 3, 5)]


def contrast(one: str, other: str) -> float:
    """WCAG 2.2 contrast ratio, 1 to 21: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio."""
    luminance = [0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in (light_of(one), light_of(other))]
    return (max(luminance) + 0.05) / (min(luminance) + 0.05)


@pytest.mark.parametrize("sidebar", [False, True])
@pytest.mark.parametrize("mode", MODES)
def test_text_can_be_read(mode: str, sidebar: bool) -> None:
    colours = theme(mode, sidebar=sidebar)
    for surface in ("backgroundColor", "secondaryBackgroundColor", "codeBackgroundColor"):
        for text in ("textColor", "codeTextColor", "linkColor", "grayTextColor"):
            assert contrast(colours[text], colours[surface]) >= 4.5, (text, surface)


@pytest.mark.parametrize("mode", MODES)
def test_the_accent_carries_white_text_and_stands_out(mode: str) -> None:
    colours = theme(mode)
    assert contrast(colours["primaryColor"], "#ffffff") >= 4.5
    assert contrast(colours["primaryColor"], colours["backgroundColor"]) >= 3
    assert contrast(colours["primaryColor"], theme(mode, sidebar=True)["backgroundColor"]) >= 3


# Machado, Oliveira and Fernandes 2009, full severity, on linear RGB.
SIGHTS = {
    "typical": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}


def lab(colour: str, sight: str) -> tuple[float, float, float]:
    """CIE L*a*b* of a colour as somebody with this sight sees it."""
    seen = light_of(colour)
    r, g, b = (min(1, max(0, sum(x * y for x, y in zip(row, seen, strict=True)))) for row in SIGHTS[sight])
    xyz = (
        (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.95047,
        0.2126 * r + 0.7152 * g + 0.0722 * b,
        (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.08883,
    )
    x, y, z = (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in xyz)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("mode", MODES)
def test_the_series_of_a_chart_can_be_told_apart(mode: str, sight: str) -> None:
    colours = theme(mode)["chartCategoricalColors"]
    distances = {
        pair: math.dist(*(lab(colour, sight) for colour in pair)) for pair in itertools.combinations(colours, 2)
    }
    assert min(distances.values()) >= 20, min(distances, key=distances.__getitem__)
    assert all(contrast(colour, theme(mode)["backgroundColor"]) >= 2.3 for colour in colours)


@pytest.mark.parametrize("mode", MODES)
def test_scales_have_the_ten_steps_streamlit_wants(mode: str) -> None:
    assert len(theme(mode)["chartSequentialColors"]) == len(theme(mode)["chartDivergingColors"]) == 10


# --- pinned versions ---

PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[0-9][^\s;]*)( ; .+)?$")


def pins() -> list[re.Match[str]]:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    matched = [PIN.match(line) for line in lines]
    assert all(matched), [line for line, match in zip(lines, matched, strict=True) if not match]
    return [match for match in matched if match]


def test_the_pins_are_exact_versions_without_hosts_or_hashes() -> None:
    assert len(pins()) > 40
    assert not re.search(r"https?:|file:|--|sha256|@", (ROOT / "constraints.txt").read_text().split("\n", 1)[1])


def wanted() -> Iterator[Requirement]:
    for line in itertools.chain(PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()):
        requirement = Requirement(line)
        if requirement.name != PROJECT["name"]:
            yield requirement


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_dependency_is_pinned_within_its_range() -> None:
    versions = {canonical(pin["name"]): pin["version"] for pin in pins()}
    for requirement in wanted():
        assert canonical(requirement.name) in versions, f"{requirement}: run `make constraints`"
        assert requirement.specifier.contains(versions[canonical(requirement.name)]), str(requirement)


def test_what_is_installed_is_what_is_pinned() -> None:
    versions = {canonical(pin["name"]): pin["version"] for pin in pins()}
    different = {
        requirement.name: metadata.version(requirement.name)
        for requirement in wanted()
        if metadata.version(requirement.name) != versions[canonical(requirement.name)]
    }
    assert different == {}


# --- commands ---


@pytest.mark.parametrize("verb", ["run", "test", "check", "fix", "bench", "constraints"])
def test_make_knows_the_verb(verb: str) -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert "$(MAKE)" not in makefile, "such a line would run even in this dry run, and the tests start themselves"
    subprocess.run(["make", "--dry-run", verb], cwd=ROOT, check=True, capture_output=True, timeout=30)


@pytest.mark.parametrize(
    "script", sorted([*ROOT.glob("scripts/*.sh"), ROOT / ".ci" / "run"]), ids=lambda path: path.name
)
def test_scripts_are_executable_and_parse(script: Path) -> None:
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", script], check=True)


SKIPPING = """
import pytest
def test_passes(): pass
def test_skips(): pytest.skip("no browser")
@pytest.mark.skipif(True, reason="no database")
def test_is_marked(): pass
"""


@pytest.mark.parametrize(("ci", "summary"), [("true", "1 failed, 1 passed, 1 error"), ("", "1 passed, 2 skipped")])
def test_in_ci_a_skipped_test_is_a_failed_one(tmp_path: Path, ci: str, summary: str) -> None:
    (tmp_path / "test_skipping.py").write_text(SKIPPING)
    (tmp_path / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text())
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path), f"--rootdir={tmp_path}"]
    ran = subprocess.run(command, cwd=tmp_path, env={**os.environ, "CI": ci}, capture_output=True, text=True)
    assert summary in ran.stdout
    assert ran.returncode == (1 if ci else 0)
