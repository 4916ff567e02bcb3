"""A new batch, step by step: files, what to ask, which fields to fill, whom to ask, and what it will take."""

from __future__ import annotations

import streamlit as st

from lib.batch import Batch, Field
from lib.errors import BadInput, ParlourError
from lib.generation.batch_money import BatchQuote
from lib.ledger import ModelRef
from lib.markdown import label
from lib.ui import batch_words as words
from lib.ui.attachments import show_attach_button, show_device, show_waiting
from lib.ui.batch_fields_editor import edit_fields, fields_in_force, forget_fields
from lib.ui.batch_file_table import show_file_table
from lib.ui.batch_money_form import ask_budget, budget_in_force
from lib.ui.model_picker import model_name, price_text, show_picker
from lib.ui.notices import notice_for
from lib.ui.parameters import show_parameters
from lib.ui.session import say_once, services
from lib.ui.upload_place import BatchFiles, open_batch

_PROMPT, _PARALLEL, _BUDGET = "batch-prompt", "batch-parallel", "batch-budget"
_NAME_CHARS = 60


def show_new_batch() -> None:
    """Draw the form; nothing is asked before Start."""
    files = BatchFiles()
    show_attach_button(files, large=True)
    show_device(files)
    show_waiting(files)
    if files.waiting.compact:
        show_file_table(files)
    prompt = st.text_area(
        "What to ask about each file", key=_PROMPT, height=96, persist_state="session",
        placeholder="Such as: describe this picture in one sentence",
    )  # fmt: skip
    fields, wrong = edit_fields()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="batch-row"):
        _show_model(files)
        parallel = int(
            st.number_input(
                "At the same time", 1, 8, 3, key=_PARALLEL, persist_state="session", width=130,
                help="So many files are asked about at the same time.",
            )
        )  # fmt: skip
        budget = ask_budget(files.choice, _BUDGET)
    batch = Batch("", "", prompt.strip(), fields, files.choice.system, parallel)
    quote = _quote(files, batch)
    _show_left_out(files)
    why_not = "Correct the fields first." if wrong else _missing(files, batch, quote, budget)
    _show_start(files, batch, quote, budget, why_not)


def _show_model(files: BatchFiles) -> None:
    card = files.choice.card
    name = f"{label(model_name(card))} :gray[{label(price_text(card.prices))}]" if card else "Choose a model"
    with st.popover(name, icon=":material/neurology:", key="model-button"):
        show_picker(files.choice)
    with st.popover("Parameters", icon=":material/tune:", type="tertiary", key="parameters-button"):
        show_parameters(files.choice)


def _quote(files: BatchFiles, batch: Batch) -> BatchQuote | None:
    if not files.going:
        return None
    settings = files.choice.in_force()
    try:
        ref = services().gateways.ref(settings)
        return services().desk.batches.quote_for(batch, [item.parts for item in files.going], ref, settings.params)
    except ParlourError:
        return None  # no model: said beside the button


def _show_left_out(files: BatchFiles) -> None:
    """What cannot be sent, why, and which models would take it."""
    if not files.left_out:
        return
    lines = [f"- {label(item.name)}: {label(why, limit=400)}" for item, why in files.left_out]
    with st.container(key="left-out"):
        st.warning(words.left_out_words(len(lines)), icon=":material/warning:")
        st.markdown("\n".join(lines[:10]))
        if len(lines) > 10:
            st.caption(f"and {len(lines) - 10:,} more")
        with st.container(horizontal=True, gap="small"):
            for at, (card, dialect) in enumerate(files.waiting.takers):
                name = f"Use {label(model_name(card))}"
                st.button(name, key=f"taker-{at}", on_click=files.choice.pick, args=(card, dialect))


def _missing(files: BatchFiles, batch: Batch, quote: BatchQuote | None, budget: int | None) -> str:
    """Why it cannot start yet, in a sentence; empty when it can."""
    if not files.waiting.items:
        return "Add some files first."
    if not files.going:
        return "None of these files can be sent."
    if not batch.prompt:
        return "Write what to ask about each file."
    if files.choice.card is None or quote is None:
        return notice_for(BadInput("no_model")).what
    if budget is not None and quote.nano is None:
        return notice_for(BadInput("unpriced_budget")).text
    return ""


def _show_start(files: BatchFiles, batch: Batch, quote: BatchQuote | None, budget: int | None, why_not: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="medium", key="batch-start-row"):
        st.button(
            "Start", type="primary", icon=":material/play_arrow:", key="batch-start", disabled=bool(why_not),
            on_click=_start,
        )  # fmt: skip
        with st.container(gap=None):
            if quote:
                st.markdown(label(words.quote_words(quote), limit=400))
            if said := why_not or (words.budget_words(quote, budget) if quote else ""):
                st.caption(label(said, limit=400))
            if quote and files.choice.gateway.demo:
                st.caption("Demo prices: nothing is billed.")


def _start() -> None:
    """Keep the batch with its rows, then ask; the files stop waiting in the same breath.

    Everything is read anew: what was typed last may have come with the click itself.
    """
    store, owner, files = services().store.batches, services().owner, BatchFiles()
    settings, going = files.choice.in_force(), files.going
    try:
        prompt, fields = _asked()
        ref = services().gateways.ref(settings)
        if not going:
            raise BadInput("no_files")
        budget, currency = _allowed(ref)
        made = store.create(
            *(owner, " ".join(prompt.split())[:_NAME_CHARS], prompt),
            fields=fields, system=settings.system, parallel=int(st.session_state[_PARALLEL]),
        )  # fmt: skip
        store.add_rows(owner, made.public_id, going)
        run = store.add_run(owner, made.public_id, ref, settings.params, budget_nano=budget, currency=currency)
        forget_form()
        open_batch(made.public_id)
        services().desk.batches.start(run.public_id)
    except ParlourError as error:
        say_once(notice_for(error).text, ":material/error:")


def _asked() -> tuple[str, tuple[Field, ...]]:
    """Raises BadInput for what cannot be asked."""
    prompt, (fields, wrong) = str(st.session_state[_PROMPT]).strip(), fields_in_force()
    if not prompt:
        raise BadInput("no_prompt")
    if wrong:
        raise BadInput("bad_fields")
    return prompt, fields


def _allowed(ref: ModelRef) -> tuple[int | None, str]:
    """The budget and its currency. Raises BadInput for one that cannot be kept."""
    prices, budget = services().gateways.tariff(ref).prices, budget_in_force(_BUDGET)
    if budget is not None and (prices is None or not prices.known):
        raise BadInput("unpriced_budget")
    return budget, prices.currency if prices else "USD"


def forget_form() -> None:
    """The next batch begins with an empty question; model and pace stay."""
    for key in (_PROMPT, _BUDGET):
        st.session_state.pop(key, None)
    forget_fields()
