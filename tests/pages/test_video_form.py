"""The choice of how video is sent, on the real settings page over a real gateway; and the words about finding out."""

from __future__ import annotations

from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from lib import bootstrap
from lib.bootstrap import Services
from lib.cards import VideoForm
from lib.embedded import EmbeddedGateway
from lib.generation.video_probe import FORMS, ProbeQuote, ProbeResult, Tried
from lib.settings import Settings
from lib.ui.video_form import FORM_WORDS, quote_words, result_words, tried_words
from tests.generation.scripted import eventually


@pytest.fixture
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    made = Services(Settings(data_dir=tmp_path / "data", demo="off", demo_speed=0))
    monkeypatch.setattr(bootstrap, "services", lambda: made)
    yield made
    made.close()


@pytest.fixture
def gateway(services: Services) -> Iterator[int]:
    with EmbeddedGateway(speed=0, video_forms=["video_url"]) as running:
        card = services.gateways.add("mine", running.base_url, running.key.reveal(), ("openai",))
        services.gateways.refresh(card.id).result(10)
        yield card.id


def page() -> AppTest:
    def alone() -> None:
        from lib.ui.session import services, show_notices
        from lib.ui.video_form import show_video_form

        show_notices()
        for card in services().gateways.cards():
            show_video_form(card)

    shown = AppTest.from_function(alone, default_timeout=20).run()
    assert not shown.exception
    return shown


def said(shown: AppTest) -> list[str]:
    return [unescape(element.value) for kind in (shown.success, shown.warning) for element in kind]


def test_the_form_is_found_out_after_its_price_was_said(services: Services, gateway: int) -> None:
    shown = page()
    assert "at most about $0.0" in unescape(shown.caption[0].value)
    assert not services.store.ledger.latest(services.owner)
    shown.button(key=f"video-{gateway}-probe").click().run()
    assert not shown.exception
    (words,) = said(shown)
    assert "From now on it is sent as a video." in words
    assert "It cost $0.00" in words
    assert services.gateways.card(gateway).form.video == "video_url"
    assert shown.selectbox[0].value == "video_url"
    shown.selectbox[0].select("image_url").run()
    assert not said(shown)  # what was found is no longer what is used
    rows = eventually(lambda: len(rows := services.store.ledger.latest(services.owner)) == 3 and rows)
    assert {row.purpose for row in rows} == {"probe"}


def test_a_choice_by_hand_is_kept_at_once(services: Services, gateway: int) -> None:
    shown = page()
    assert shown.selectbox[0].options == list(FORM_WORDS.values())
    shown.selectbox[0].select("file").run()
    assert not shown.exception
    assert services.gateways.card(gateway).form.video == "file"
    assert shown.toast[0].value == "Saved for mine."
    assert page().selectbox[0].value == "file"


def test_saving_the_gateway_keeps_how_its_video_is_sent(services: Services, gateway: int) -> None:
    services.gateways.set_video(gateway, "file")

    def alone() -> None:
        from lib.ui.gateway_form import show_form
        from lib.ui.session import services

        show_form(services().gateways.cards()[0])

    shown = AppTest.from_function(alone, default_timeout=20).run()
    next(button for button in shown.button if button.label == "Save").click().run()
    assert not shown.exception
    assert services.gateways.card(gateway).form.video == "file"


def test_a_gateway_without_a_model_for_video_shows_nothing(
    services: Services, gateway: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services.gateways, "models", lambda gateway_id: ())
    shown = page()
    assert not shown.selectbox
    assert not shown.button


# --- words ------------------------------------------------------------------------------------------------------------

PLAIN = Tried(None, "seen", 20, 1_000)


def result(verdict: str, *tried: Tried, works: VideoForm | None = None) -> str:
    return result_words(ProbeResult(verdict, (PLAIN, *tried), works))  # type: ignore[arg-type]


def test_the_price_is_said_before_or_said_to_be_unknown() -> None:
    assert quote_words(ProbeQuote(5, 4800, 500, 14_000_000, "USD")) == (
        "Finding out sends a four-second video with a short question, up to 5 times: about 4,800 tokens, "
        "at most about $0.0140."
    )
    assert "the price is not known" in quote_words(ProbeQuote(5, 4800, 500, None, "USD"))


def test_every_verdict_has_its_sentence_and_its_cost() -> None:
    found = result("found", Tried("file", "seen", 900, 2_000), works="file")
    assert "From now on it is sent as a file." in found
    assert "all four ways" in result("none", *(Tried(form, "ignored", 20, 0) for form in FORMS))
    assert "does not say how much it read" in result("untold")
    assert "some of the requests failed" in result("unclear", Tried("file", "failed", nano=0))
    failed = result("failed", Tried(None, "failed", error_kind="auth", nano=0))
    assert "does not accept this key" in failed
    assert "Try again" in result("failed", Tried(None, "failed", error_kind="odd", nano=0))
    assert "not known" in result("none", Tried("file", "ignored", 20, None))


def test_each_request_has_a_line() -> None:
    assert tried_words(PLAIN) == "The question alone: answered"
    assert tried_words(Tried(None, "failed")) == "The question alone: failed"
    for form in FORMS:
        assert tried_words(Tried(form, "ignored")) == f"{FORM_WORDS[form]}: ignored"
