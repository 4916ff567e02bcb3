"""The optional fields of a batch: what every answer must fill, one line each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import streamlit as st
from msgspec import Struct

from lib.attachments.batch_fields import LONGEST_NAME, MOST_FIELDS, field_problem
from lib.batch import Field, FieldType
from lib.markdown import label
from lib.ui.batch_words import FIELD_TYPES, field_words

_LINES, _NUMBER = "batch-field-lines", "batch-field-number"


class Line(Struct, frozen=True):
    """One line as it was typed."""

    name: str = ""
    type: FieldType = "text"
    description: str = ""
    required: bool = True


def edit_fields() -> tuple[tuple[Field, ...], str]:
    """The fields as they stand, and in words why they cannot be used (empty when they can)."""
    numbers: list[int] = st.session_state.setdefault(_LINES, [])
    if numbers:
        st.caption("Every answer must fill these fields; each becomes a column of the table.")
    with st.container(gap="small", key="batch-fields"):
        lines = [_edit_line(number, first=number == numbers[0]) for number in numbers]
    words = "Add a field" if numbers else "Add fields that every answer must fill"
    if len(numbers) < MOST_FIELDS:
        st.button(words, icon=":material/add:", type="tertiary", key="add-field", on_click=_add)
    fields, wrong = read_fields(lines)
    if wrong:
        st.error(label(wrong, limit=400), icon=":material/error:")
    return fields, wrong


def fields_in_force() -> tuple[tuple[Field, ...], str]:
    """The same in a callback, where a click can have brought a change along."""
    state = st.session_state
    return read_fields(
        Line(
            state.get(f"field-{number}-name") or "",
            state.get(f"field-{number}-type") or "text",
            state.get(f"field-{number}-what") or "",
            state.get(f"field-{number}-required", True),
        )
        for number in state.get(_LINES, [])
    )


def read_fields(lines: Iterable[Line]) -> tuple[tuple[Field, ...], str]:
    """What the lines mean; those without words are passed over."""
    fields: list[Field] = []
    for line in lines:
        name, what = line.name.strip(), line.description.strip()
        if not name and not what:
            continue
        if problem := field_problem(name, [field.name for field in fields]):
            return tuple(fields), field_words(name, problem)
        fields.append(Field(name, line.type, what, line.required))
    return tuple(fields), ""


def forget_fields() -> None:
    """Begin without any."""
    st.session_state.pop(_LINES, None)


def _edit_line(number: int, *, first: bool) -> Line:
    """Labels stand over the first line only; the others have theirs for those who cannot see the column."""
    shown: Literal["visible", "collapsed"] = "visible" if first else "collapsed"
    key = f"field-{number}"
    name, kind, what, required, gone = st.columns([8, 6, 9, 5, 5], vertical_alignment="bottom", gap="small")
    with gone:
        st.button(
            "Remove", icon=":material/close:", key=f"{key}-gone", type="tertiary", on_click=_remove, args=(number,)
        )
    return Line(
        name.text_input(
            "Field", key=f"{key}-name", max_chars=LONGEST_NAME, label_visibility=shown, persist_state="session"
        ),
        kind.selectbox(
            "Type", list(FIELD_TYPES), key=f"{key}-type", format_func=lambda type: FIELD_TYPES[type],
            label_visibility=shown, persist_state="session",
        ),
        what.text_input(
            "What it is", key=f"{key}-what", max_chars=500, label_visibility=shown, persist_state="session",
            placeholder="Helps the model",
        ),
        required.checkbox(
            "Required", value=True, key=f"{key}-required", persist_state="session"
        ),
    )  # fmt: skip


def _add() -> None:
    number = st.session_state[_NUMBER] = int(st.session_state.get(_NUMBER, 0)) + 1  # never again, so that it is empty
    st.session_state[_LINES] = [*st.session_state.get(_LINES, []), number]


def _remove(number: int) -> None:
    st.session_state[_LINES] = [other for other in st.session_state[_LINES] if other != number]
