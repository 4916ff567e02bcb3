"""The optional fields of a batch: what every answer must fill, one line each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import streamlit as st

from lib.attachments.batch_fields import field_problem
from lib.batch import Field, FieldType
from lib.markdown import label
from lib.ui.batch_words import FIELD_TYPES, field_words

_KEY, _KEPT, _BASE = "batch-fields", "batch-fields-kept", "batch-fields-base"
_NAME, _TYPE, _WHAT, _REQUIRED = "Field", "Type", "What it is", "Required"
_EMPTY: dict[str, Any] = {_NAME: "", _TYPE: FIELD_TYPES["text"], _WHAT: "", _REQUIRED: True}
_TYPES: dict[str, FieldType] = {said: kind for kind, said in FIELD_TYPES.items()}


def edit_fields() -> tuple[tuple[Field, ...], str]:
    """The fields as they stand, and in words why they cannot be used (empty when they can)."""
    if _KEY not in st.session_state:  # the editor was not drawn before, or another page was: it begins with what was
        st.session_state[_BASE] = st.session_state.get(_KEPT) or [_EMPTY]
    with st.expander("Fields to fill (optional)", icon=":material/table_chart:", expanded=_KEPT in st.session_state):
        st.caption(
            "Every answer must fill these, and each becomes a column of the table. Without any, answers are text."
        )
        lines: Any = st.data_editor(
            st.session_state[_BASE],
            key=_KEY,
            num_rows="dynamic",
            hide_index=True,
            column_config={
                _NAME: st.column_config.TextColumn(width="medium", max_chars=60),
                _TYPE: st.column_config.SelectboxColumn(
                    options=list(_TYPES), default=FIELD_TYPES["text"], required=True
                ),
                _WHAT: st.column_config.TextColumn(width="large", help="Helps the model", max_chars=500),
                _REQUIRED: st.column_config.CheckboxColumn(default=True, help="Otherwise it may stay empty"),
            },
        )
        fields, wrong = read_fields(lines)
        if fields or wrong:
            st.session_state[_KEPT] = lines
        if wrong:
            st.error(label(wrong, limit=400), icon=":material/error:")
    return fields, wrong


def read_fields(lines: Iterable[Mapping[str, Any]]) -> tuple[tuple[Field, ...], str]:
    """What the lines of the editor mean; lines without words are passed over."""
    fields: list[Field] = []
    for line in lines:
        name, what = _said(line.get(_NAME)), _said(line.get(_WHAT))
        if not name and not what:
            continue
        if problem := field_problem(name, [field.name for field in fields]):
            return tuple(fields), field_words(name, problem)
        fields.append(Field(name, _TYPES.get(_said(line.get(_TYPE)), "text"), what, line.get(_REQUIRED) is not False))
    return tuple(fields), ""


def _said(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""
