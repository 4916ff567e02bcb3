"""The upload page over real services: what it says before anything can start, and about batches of every state."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from lib import bootstrap
from lib.batch import Field
from lib.bootstrap import Services
from lib.generation.batch_money import BatchQuote
from lib.ids import new_public_id
from lib.ledger import ModelRef
from lib.messages import FilePart
from lib.settings import Settings

HOSTILE = "<b>x</b> :red[y] $1 and $2 ![z](http://evil/)"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    services = Services(Settings(data_dir=tmp_path_factory.mktemp("data"), demo_speed=0))
    yield services
    services.close()


@pytest.fixture(autouse=True)
def in_force(running: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "_services", running)


def page(**query: str) -> AppTest:
    def frame() -> None:
        import streamlit as st

        from lib.ui import pages

        st.navigation([st.Page(pages.UPLOAD, default=True), st.Page(pages.CHAT)], position="hidden").run()

    app = AppTest.from_function(frame, default_timeout=30)
    app.query_params.update(query)
    app.run()
    assert not app.exception
    return app


def batch_of(
    services: Services, *names: str, name: str = "Invoices", fields: tuple[Field, ...] = ()
) -> tuple[str, str]:
    """A batch with one run that has not begun; (batch, run)."""
    store, owner = services.store.batches, services.owner
    batch = store.create(owner, name, "What is this?", fields=fields).public_id
    store.add_rows(owner, batch, [(each, (FilePart(each, "words"),)) for each in names])
    gateway = services.gateways.cards()[0].id
    run = store.add_run(owner, batch, ModelRef(gateway, "gpt-5.4", "gpt-5.4", "standard", "openai"))
    return batch, run.public_id


def said(app: AppTest) -> str:
    places = (app.caption, app.markdown, app.info, app.warning, app.error, app.header)
    return " ".join(str(element.value) for place in places for element in place)


def test_nothing_starts_without_files(running: Services) -> None:
    app = page(side="batch")
    assert app.button(key="batch-start").disabled
    assert "Add some files first" in said(app)


def test_looking_comes_first_and_an_unknown_look_is_said(running: Services) -> None:
    app = page()
    assert "The answer appears here" in said(app)
    lost = page(look=new_public_id())
    assert "The answer appears here" in said(lost)
    assert "look" not in lost.query_params


@pytest.mark.parametrize("name", ["", "x" * 300, "../..", "SREK2GhTx1EaCmtiYysW5A"])
def test_an_address_that_names_no_batch_leads_back_to_the_list(running: Services, name: str) -> None:
    app = page(batch=name) if name else page(side="batch")
    assert "batch" not in app.query_params
    assert bool(app.error) == bool(name)


def test_a_batch_shows_its_files_before_it_began_and_offers_to_start(running: Services) -> None:
    batch, _ = batch_of(running, "a.txt", "b.txt", fields=(Field("price", "number"),))
    app = page(batch=batch)
    assert "Nothing has been asked yet" in said(app)
    assert app.button(key="run-resume").label == "Start"
    shown = app.dataframe[0].value
    assert list(shown["File"]) == ["a.txt", "b.txt"]
    assert shown["price"].isna().all()
    assert shown["Cost"].isna().all()


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("interrupted", "This batch was interrupted"),
        ("paused", "Paused; 2 files wait"),
        ("stopped", "Stopped; 2 files wait"),
        ("over_budget", "could have crossed the budget"),
    ],
)
def test_a_run_that_rests_says_why_and_can_be_resumed(running: Services, state: str, words: str) -> None:
    batch, run = batch_of(running, "a.txt", "b.txt")
    running.store.batches.set_run_state(running.owner, run, state)  # type: ignore[arg-type]
    app = page(batch=batch)
    assert words in said(app).replace("&#59;", ";")
    assert app.button(key="run-resume").label == "Resume"


def test_names_of_batches_are_words_and_nothing_else(running: Services) -> None:
    batch, _ = batch_of(running, HOSTILE, name=HOSTILE)
    for app in (page(batch=batch), page(side="batch")):
        texts = [str(element.value) for place in (app.header, app.caption, app.markdown) for element in place]
        assert not any("![z](" in text or ":red[y]" in text or "$1" in text for text in texts)


def test_a_deleted_batch_comes_back(running: Services) -> None:
    batch, _ = batch_of(running, "a.txt")
    app = page(side="batch")
    app.button(key=f"drop-{batch}").click().run()
    assert all(found.public_id != batch for found in running.store.batches.list(running.owner))
    app.button(key="undo-batch").click().run()
    assert any(found.public_id == batch for found in running.store.batches.list(running.owner))


def test_a_budget_without_a_price_is_refused_before_the_start(
    running: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = running.attachments.attach_bytes("batch", "a.txt", b"words")
    unpriced = BatchQuote(1, 10, 10, None, None, None)
    monkeypatch.setattr(running.desk.batches, "quote_for", lambda *_: unpriced)
    app = page(side="batch")
    app.text_area(key="batch-prompt").set_value("What is this?").run()
    assert not app.button(key="batch-start").disabled
    assert "What it costs will not be known" in said(app)
    app.number_input(key="batch-budget").set_value(0.5).run()
    assert app.button(key="batch-start").disabled
    assert "a budget cannot be kept" in said(app)
    running.attachments.remove(waiting)


def test_what_comes_with_the_click_counts(running: Services) -> None:
    """The words, the pace and the budget that were typed last are those of the batch, also without a run between."""
    running.attachments.attach_bytes("batch", "a.txt", b"words")
    app = page(side="batch")
    app.text_area(key="batch-prompt").set_value("first words").run()
    app.text_area(key="batch-prompt").set_value("last words")
    app.number_input(key="batch-parallel").set_value(1)
    app.number_input(key="batch-budget").set_value(0.5)
    app.button(key="batch-start").click().run()
    (made,) = running.store.batches.list(running.owner, limit=1)
    assert made.public_id in app.query_params["batch"]
    assert (made.prompt, made.parallel, made.n_rows) == ("last words", 1, 1)
    assert made.runs[0].budget_nano == 500_000_000
    assert running.attachments.list("batch") == []
