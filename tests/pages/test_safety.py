"""What the settings page says about how the program was started, and what becomes a fact."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import structs
from streamlit.testing.v1 import AppTest

from lib import bootstrap
from lib.bootstrap import Services
from lib.secret import Secret
from lib.settings import ConfiguredGateway, Settings
from lib.ui import safety

CANARY = "sk-CANARY-9d0f3b61a2"


@pytest.fixture
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    made = Services(Settings(data_dir=tmp_path / "data", demo="off"))
    monkeypatch.setattr(bootstrap, "services", lambda: made)
    yield made
    made.close()


def section() -> AppTest:
    def alone() -> None:
        from lib.ui.safety import show_safety

        show_safety()

    shown = AppTest.from_function(alone, default_timeout=20).run()
    assert not shown.exception
    return shown


def test_a_safe_start_is_one_line(services: Services) -> None:
    shown = section()
    assert [warning.value for warning in shown.warning] == []
    assert "Nothing is unsafe" in shown.caption[0].value


def test_each_warning_is_shown_with_how_to_mend_it(services: Services) -> None:
    services.settings.data_dir.chmod(0o755)
    services.settings = structs.replace(services.settings, allowed_hosts=("*.a_b*c.example",))
    shown = section()
    assert shown.caption[0].value.startswith("3 warnings")
    words = " ".join(warning.value for warning in shown.warning)
    assert "chmod 700" in words
    assert "There is no login" in words
    assert "List the names one by one" in words


def test_secrets_do_not_become_facts(services: Services) -> None:
    held = (
        ConfiguredGateway("work", "https://gw.example", Secret(CANARY), ("openai",), "environment"),
        ConfiguredGateway("local", "http://127.0.0.1:11434", Secret("sk-dummy-key"), ("openai",), "environment"),
    )
    facts = safety.facts_of(
        structs.replace(services.settings, gateways=held, database_url=f"postgresql://u:{CANARY}@db.example/x")
    )
    assert "CANARY" not in repr(facts)
    assert [(key.is_sample, key.stays_here) for key in facts.keys] == [(False, False), (True, True)]
    assert (facts.cookies, facts.database, facts.database_is_here) == ("good", "good", False)
    assert facts.modes["key file"] == 0o600


def test_settings_that_cannot_be_used_end_the_start_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PARLOUR_ALLOW_PUBLIC", "perhaps")
    with pytest.raises(SystemExit) as ended, safety.checked_settings():
        raise AssertionError("it goes on")
    assert ended.value.code == 2
    assert caplog.messages == ["Not started: The setting PARLOUR_ALLOW_PUBLIC cannot be used: not yes or no."]


def test_a_page_run_alone_where_others_can_open_it_shows_one_sentence(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lib.ui.session.listens_at", lambda: "::")
    shown = AppTest.from_file(Path(safety.__file__).with_name("frame.py"), default_timeout=20).run()
    assert not shown.exception
    assert [error.value for error in shown.error] == [
        "**Other computers could open this page, and there is no login.** "
        "Start it on 127.0.0.1, or with PARLOUR_ALLOW_PUBLIC=yes."
    ]
    assert not shown.sidebar.children
    services.settings = structs.replace(services.settings, allow_public=True)
    assert not shown.run().error
