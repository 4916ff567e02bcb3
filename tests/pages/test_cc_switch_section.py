"""The section that hands a gateway on: its choices, its warnings, and a key that is in the page after a click only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from streamlit.testing.v1 import AppTest

from lib import bootstrap
from lib.bootstrap import Services
from lib.cards import GatewayCard
from lib.embedded import EmbeddedGateway
from lib.errors import BadInput
from lib.secret import Secret
from lib.settings import Settings

KEY = "sk-CANARY+5f/6a=77c1"
FOUR = ["Main model", "In place of Haiku", "In place of Sonnet", "In place of Opus"]


@pytest.fixture
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    made = Services(Settings(data_dir=tmp_path / "data", demo="on", demo_speed=0))
    monkeypatch.setattr(bootstrap, "services", lambda: made)
    yield made
    made.close()


@pytest.fixture
def gateway(services: Services) -> Iterator[int]:
    with EmbeddedGateway(key=Secret(KEY), speed=0) as running:
        card = services.gateways.add("Mine & <b>more</b>", running.base_url, KEY, ("openai", "anthropic"))
        services.gateways.refresh(card.id).result(10)
        yield card.id


def section() -> AppTest:
    def alone() -> None:
        from lib.ui.cc_switch import show_cc_switch

        show_cc_switch()

    return run(AppTest.from_function(alone, default_timeout=20))


def run(shown: AppTest) -> AppTest:
    shown.run()
    assert not shown.exception
    return shown


def everything(shown: AppTest) -> str:
    """All that the page was sent, as text: the elements, and what the session keeps."""
    return "".join(str(element.proto) for element in walk(shown.main)) + repr(shown.session_state)


def walk(block):
    for child in block.children.values():
        if hasattr(child, "children"):
            yield from walk(child)
        if getattr(child, "proto", None) is not None:
            yield child


def made_link(shown: AppTest) -> str:
    [button] = [child.proto for child in walk(shown.main) if getattr(child.proto, "url", "").startswith("ccswitch:")]
    return str(button.url)


def test_the_demo_is_not_handed_on(services: Services) -> None:
    shown = section()
    assert "demo has no key" in shown.caption[1].value
    assert not shown.selectbox
    [demo] = services.gateways.cards()
    with pytest.raises(BadInput, match="demo_key"):
        services.gateways.key_to_hand_on(demo.id)


def test_four_choices_begin_with_the_budget_gpt_and_warn_of_images(services: Services, gateway: int) -> None:
    shown = section()
    boxes = {box.label: box for box in shown.selectbox}
    assert list(boxes) == ["Gateway", *FOUR]
    assert [boxes[name].value for name in FOUR] == ["gpt-5.4-low"] * 4
    assert boxes["Gateway"].value == gateway
    assert not any(option.startswith("gemini") for option in boxes["Main model"].options)
    images, plain_http = [warning.value for warning in shown.warning] + [""] * (2 - len(shown.warning))
    assert "no images through Messages" in images
    assert plain_http == ""  # this one is on this computer
    for name in FOUR:
        next(box for box in shown.selectbox if box.label == name).select("claude-opus-4-7")
    assert not run(shown).warning


def test_the_key_is_in_the_page_after_the_click_only(services: Services, gateway: int) -> None:
    shown = section()
    forms = (KEY, quote(KEY, safe=""), "CANARY")
    assert not any(form in everything(shown) for form in forms)
    shown.button(key="cc-make").click()
    run(shown)
    link = made_link(shown)
    fields = parse_qs(urlsplit(link).query)
    base = services.gateways.card(gateway).base_url
    assert (fields["apiKey"], fields["endpoint"], fields["name"]) == ([KEY], [base], ["Mine & <b>more</b>"])
    assert everything(shown).count("CANARY") == 1
    assert not any(form in everything(run(shown)) for form in forms)


def test_the_link_is_shown_as_text_on_request(services: Services, gateway: int) -> None:
    shown = section()
    assert "apiKey=•••" in shown.code[0].value
    shown.button(key="cc-show").click()
    run(shown)
    assert f"apiKey={quote(KEY, safe='')}&model=gpt-5.4-low" in shown.code[1].value
    assert everything(shown).count("CANARY") == 1
    assert len(run(shown).code) == 1


def test_opencode_gets_one_model_of_the_other_dialect(services: Services, gateway: int) -> None:
    shown = section()
    shown.segmented_control[0].set_value("opencode")
    run(shown)
    assert [box.label for box in shown.selectbox] == ["Gateway", "Model"]
    assert any(option.startswith("gemini") for option in shown.selectbox[1].options)
    assert not shown.warning
    shown.button(key="cc-make").click()
    link = made_link(run(shown))
    assert "app=opencode" in link
    assert "%2Fv1&apiKey=" in link
    assert "haikuModel" not in link


def test_a_key_from_outside_follows_the_same_rule_and_plain_http_is_told(services: Services) -> None:
    card = GatewayCard(0, "Outside", "http://gw.example/api", ("anthropic",), origin_of_key="environment")
    services.gateways.hold(card, Secret(KEY), slot="environment:outside")
    shown = section()
    assert shown.segmented_control[0].options == ["Claude Code"]
    assert any("Plain http" in warning.value for warning in shown.warning)
    assert "CANARY" not in everything(shown)
    shown.button(key="cc-make").click()
    assert quote(KEY, safe="") in made_link(run(shown))


def test_a_gateway_whose_key_was_lost_says_so(
    services: Services, gateway: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services.store.gateways, "key", lambda owner, gateway_id: None)
    shown = section()
    shown.button(key="cc-make").click()
    run(shown)
    assert "key" in shown.error[0].value
    assert "CANARY" not in everything(shown)


def test_a_gateway_that_no_program_can_use_is_not_offered(services: Services) -> None:
    services.gateways.add("Versioned", "https://gw.example/api/v3", KEY, ("anthropic",))
    assert not section().selectbox
