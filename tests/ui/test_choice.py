"""What the next message is asked with, read from the session as the widgets leave it there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from lib import bootstrap
from lib.bootstrap import Services
from lib.messages import Params
from lib.settings import Settings as Configured
from lib.store.rows import Settings


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    folder: Path = tmp_path_factory.mktemp("choice")
    running = Services(Configured(data_dir=folder, demo_speed=0))
    demo = running.gateways.cards()[0]
    running.gateways.refresh(demo.id).result(30)
    yield running
    running.close()


def in_force(services: Services, monkeypatch: pytest.MonkeyPatch, stored: Settings, **chosen: object) -> Settings:
    """The choice for the conversation "c" when its widgets hold `chosen` (names with `_` for `-`)."""

    def script(stored: object) -> None:
        import streamlit as st

        from lib.store.rows import Settings
        from lib.ui.choice import Choice

        assert isinstance(stored, Settings)
        st.session_state["found"] = Choice("c", stored).in_force()

    monkeypatch.setattr(bootstrap, "_services", services)
    app = AppTest.from_function(script, kwargs={"stored": stored})
    demo = services.gateways.cards()[0].id
    for name, value in chosen.items():
        app.session_state[f"choice-c-{name.replace('DEMO', str(demo))}"] = value
    app.run()
    assert not app.exception
    found: Settings = app.session_state["found"]
    return found


def test_without_any_choice_a_usual_model_of_the_first_gateway_is_asked(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = in_force(services, monkeypatch, Settings())
    assert found.gateway_id == services.gateways.cards()[0].id
    assert (found.model, found.dialect, found.params, found.system) == ("claude-sonnet-4-6", "openai", Params(), "")


def test_a_gateway_that_was_removed_is_replaced(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    found = in_force(services, monkeypatch, Settings(gateway_id=12345, model="claude-sonnet-4-6"))
    assert found.gateway_id == services.gateways.cards()[0].id


def test_the_variant_that_was_stored_stays(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    assert in_force(services, monkeypatch, Settings(model="gpt-5.4-low")).model == "gpt-5.4-low"


def test_a_widget_wins_over_what_is_stored(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = {"DEMO-base": "gpt-5.4", "DEMO-gpt-5.4-variant": "gpt-5.4-low", "system": "  be brief "}
    found = in_force(services, monkeypatch, Settings(model="claude-sonnet-4-6", system="old"), **chosen)
    assert (found.model, found.system) == ("gpt-5.4-low", "be brief")


def test_a_temperature_is_not_carried_to_a_model_that_refuses_it(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = Settings(model="claude-sonnet-4-6", params=Params(temperature=0.3))
    assert in_force(services, monkeypatch, stored).params.temperature == 0.3
    found = in_force(services, monkeypatch, stored, **{"DEMO-base": "claude-opus-4-7"})
    assert (found.model, found.params.temperature) == ("claude-opus-4-7", None)


def test_either_temperature_or_top_p_is_sent_where_only_one_may(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = Settings(model="claude-sonnet-4-6", params=Params(temperature=0.3, top_p=0.9))
    [card] = [card for card in services.gateways.models(services.gateways.cards()[0].id) if card.id == stored.model]
    params = in_force(services, monkeypatch, stored).params
    assert params.temperature == 0.3
    assert (params.top_p is None) is (card.sampling == "one_of_temperature_top_p")


def test_stop_words_are_cut_at_bars_and_at_four(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = Settings(model="claude-sonnet-4-6")
    words = {"claude-sonnet-4-6-stop": " one | two||three|four|five"}
    assert in_force(services, monkeypatch, stored, **words).params.stop == ("one", "two", "three", "four")
