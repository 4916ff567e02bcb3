"""Bring chats in: look at the file first, say what it would do, do it, and be able to undo it."""

from __future__ import annotations

from typing import BinaryIO, cast

import streamlit as st

from lib.errors import BadInput, NotFound
from lib.markdown import label, plain
from lib.store.rows import ImportRun
from lib.transfer.document import Found, Spend
from lib.transfer.planning import Plan, planned
from lib.transfer.reading import read_import
from lib.transfer.words import time_words
from lib.ui.session import say_once, services
from lib.ui.transfer_words import counted, refusal_words, skip_words

FILE_MB = 200


def show_import() -> None:
    """The upload, the dry run, and the imports there were."""
    st.subheader("Import", anchor=False)
    st.caption("From Parlour, ChatGPT, Claude, Open WebUI or LibreChat: the export as it came, a JSON or zip file.")
    turn = st.session_state.setdefault("import-turn", 0)
    file = st.file_uploader(
        "File to import",
        type=["json", "zip"],
        key=f"import-file-{turn}",
        max_upload_size=FILE_MB,
        label_visibility="collapsed",
    )
    if file is not None:
        plan = _plan_of(cast(BinaryIO, file), f"{turn}-{file.file_id}")
        if plan is not None:
            _show_plan(plan)
            if plan.brings_something and st.button(
                _button_words(plan), type="primary", icon=":material/upload:", key="import-go"
            ):
                _take_all(cast(BinaryIO, file), file.name, plan)
    for run in services().store.transfers.imports(services().owner):
        _show_run(run)


def _plan_of(file: BinaryIO, key: str) -> Plan | None:
    """The dry run of this file, made once; None, and the reason on the screen, when it cannot be read."""
    known = st.session_state.get("import-plan")
    if known is None or known[0] != key:
        store, owner = services().store.transfers, services().owner
        try:
            with st.spinner("Reading the file…"):
                plan: Plan | str = planned(read_import(file), lambda found: store.standing(owner, found))
        except BadInput as error:
            plan = refusal_words(error)
        known = st.session_state["import-plan"] = (key, plan)
    if isinstance(known[1], str):
        st.error(known[1], icon=":material/error:")
        return None
    return cast(Plan, known[1])


def _show_plan(plan: Plan) -> None:
    """What would come in, and what would not."""
    what = f"{counted(plan.conversations, 'chat')} with {counted(plan.messages, 'message')}"
    source = f" from {' and '.join(plan.sources)}" if plan.sources else ""
    st.markdown(f"**{what}**{source} would be added." if plan.conversations else f"Nothing new{source}.")
    lines = [
        f"{counted(plan.attempts, 'ledger row')} with their costs come along; none is counted twice."
        if plan.attempts
        else "What they cost is not known, so your spend does not change."
        if plan.conversations
        else "",
        f"{counted(plan.duplicates, 'chat')} here already, left alone." if plan.duplicates else "",
        f"{counted(plan.in_trash, 'chat')} in the trash: restore them there." if plan.in_trash else "",
        f"Without {counted(plan.left_out, 'attached file')}: the export does not hold them." if plan.left_out else "",
    ]
    for line in filter(None, lines):
        st.caption(line)
    if plan.n_skipped:
        with st.expander(f"{counted(plan.n_skipped, 'entry').replace('entrys', 'entries')} cannot be imported"):
            for reason, count in plan.reasons:
                st.caption(f"{count:,} × {label(skip_words(reason))}")
            titles = [plain(skipped.title) or "Without a title" for skipped in plan.skipped]
            st.dataframe({"Title": titles}, hide_index=True)


def _button_words(plan: Plan) -> str:
    return f"Import {counted(plan.conversations, 'chat')}" if plan.conversations else "Import the ledger rows"


def _take_all(file: BinaryIO, name: str, plan: Plan) -> None:
    """Each new chat in a transaction of its own; a failure in the middle leaves whole chats, and can be undone."""
    store, owner = services().store.transfers, services().owner
    run = store.begin_import(owner, " and ".join(plan.sources) or "Parlour", plain(name))
    bar, taken = st.progress(0.0, "Importing…"), 0
    for item in read_import(file):
        if isinstance(item, Found):
            taken += store.take(owner, run, item).standing == "new"
            bar.progress(min(1.0, taken / max(1, plan.conversations)), f"Importing… {taken:,}")
        elif isinstance(item, Spend):
            store.take_spend(owner, run, item.attempts)
    say_once(f"Imported {counted(taken, 'chat')}.", ":material/check:")
    st.session_state["import-turn"] += 1
    st.session_state.pop("import-plan", None)
    st.rerun()


def _show_run(run: ImportRun) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        rows = counted(run.n_attempts, "ledger row") if run.n_attempts else ""
        made = counted(run.n_conversations, "chat")
        facts = (run.source, run.file_name, made, rows, time_words(run.at_ms, services().zone))
        st.caption(" · ".join(label(fact) for fact in facts if fact), width="stretch")
        st.button(
            "Undo import",
            icon=":material/undo:",
            type="tertiary",
            key=f"undo-{run.public_id}",
            on_click=_undo,
            args=(run,),
            help="Removes what this import made. Chats you went on with stay.",
        )


def _undo(run: ImportRun) -> None:
    try:
        kept = services().store.transfers.undo(services().owner, run.public_id)
    except NotFound:
        return
    stay = f" {counted(kept, 'chat')} stayed: you went on with them." if kept else ""
    say_once(f"The import was undone.{stay}", ":material/undo:")
