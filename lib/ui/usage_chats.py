"""Chats: which conversations, folders and tags cost most, at which gateway and what for."""

from __future__ import annotations

import streamlit as st

from lib import reports
from lib.ui import usage_charts_tables as tables
from lib.ui.usage_place import Asked, lead_table
from lib.ui.usage_words import NO_FOLDER, PURPOSE_WORDS

MOST = 50


def show_chats(asked: Asked) -> None:
    """Draw the part."""
    _show_costliest(asked)
    left, right = st.columns(2, gap="large")
    with left:
        _show_projects(asked)
    with right:
        _show_parts(asked)


def _show_costliest(asked: Asked) -> None:
    st.subheader("Chats by cost", anchor=False)
    found = asked.insight.conversations(asked.owner, asked.filter, asked.currency, MOST)
    if not found:
        st.caption("No chat was asked anything in these days." if not asked.view.demo else "Demo data has no chats.")
        return
    frame = reports.chats(found, asked.filter.zone)
    rows = [{"conversation": one.conversation} if one.conversation else {} for one in found]
    columns = {"Last asked": st.column_config.DatetimeColumn(format="D MMM HH:mm", timezone=asked.filter.zone)}
    lead_table(asked, tables.chats_table(frame, asked.currency), rows, "usage-chats", "Chats by cost", columns)
    st.caption("Choose a row to see its requests, and from there its messages.")


def _show_projects(asked: Asked) -> None:
    st.subheader("Folders and tags", anchor=False)
    folders = reports.projects(asked.insight.folders(asked.owner, asked.filter), asked.currency)
    tags = reports.projects(asked.insight.tags(asked.owner, asked.filter), asked.currency)
    named = [key for key in folders["key"] if key]
    if not named and not len(tags):
        st.caption("Put chats into folders or tag them, and what each of them costs stands here.")
        return
    if named:
        table = tables.projects_table(folders, asked.currency, "Folder", NO_FOLDER)
        lead_table(asked, table, [{"folder": key} for key in folders["key"]], "usage-folders", "Folders")
    if len(tags):
        table = tables.projects_table(tags, asked.currency, "Tag", "")
        lead_table(asked, table, [{"tag": key} for key in tags["key"]], "usage-tags", "Tags")
        st.caption("A chat with two tags counts under both.")


def _show_parts(asked: Asked) -> None:
    st.subheader("Keys and purposes", anchor=False)
    by_gateway = reports.parts(
        asked.insight.tallies(asked.owner, asked.filter, ("gateway",)), asked.currency, "gateway_id"
    )
    by_purpose = reports.parts(
        asked.insight.tallies(asked.owner, asked.filter, ("purpose",)), asked.currency, "purpose"
    )
    if not len(by_gateway):
        st.caption("Nothing was asked in these days.")
        return
    table = tables.parts_table(by_gateway, asked.currency, "Gateway", asked.names.gateway)
    lead_table(asked, table, [{"gateways": (key,)} for key in by_gateway["key"]], "usage-gateways", "Gateways")
    table = tables.parts_table(by_purpose, asked.currency, "Purpose", lambda key: PURPOSE_WORDS.get(key, key))
    lead_table(asked, table, [{"purposes": (key,)} for key in by_purpose["key"]], "usage-purposes", "Purposes")
