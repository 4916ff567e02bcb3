"""Tables and code of an answer to download: one quiet button, only below an answer that has some."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import streamlit as st
from msgspec import Struct

from lib.cells import csv_of
from lib.markdown import CodeBlock, Table, code_blocks, label, tables

_ENDINGS = {
    "bash": "sh",
    "c#": "cs",
    "cpp": "cpp",
    "c++": "cpp",
    "csharp": "cs",
    "css": "css",
    "csv": "csv",
    "diff": "diff",
    "dockerfile": "dockerfile",
    "go": "go",
    "golang": "go",
    "html": "html",
    "java": "java",
    "javascript": "js",
    "js": "js",
    "json": "json",
    "jsx": "jsx",
    "kotlin": "kt",
    "latex": "tex",
    "lua": "lua",
    "markdown": "md",
    "md": "md",
    "mermaid": "mmd",
    "php": "php",
    "powershell": "ps1",
    "py": "py",
    "python": "py",
    "r": "r",
    "ruby": "rb",
    "rust": "rs",
    "scss": "scss",
    "sh": "sh",
    "shell": "sh",
    "sql": "sql",
    "svg": "svg",
    "swift": "swift",
    "toml": "toml",
    "ts": "ts",
    "tsx": "tsx",
    "typescript": "ts",
    "xml": "xml",
    "yaml": "yaml",
    "yml": "yaml",
    "zig": "zig",
}
"""By what comes after a fence. Any other word, which a model may have made up, gives a plain text file."""


class AnswerFile(Struct, frozen=True):
    """One download: what it is in words, its file name, its text."""

    words: str
    name: str
    text: str


def files_of(text: str) -> tuple[AnswerFile, ...]:
    """What can be downloaded of an answer; empty for most. Kept, because every run of the page asks again.

    Of long ones only a few: a text is kept with it, and 256 of the longest would fill the memory.
    """
    return _files_of_long(text) if len(text) > _LONG else _files_of_short(text)


def _files_of(text: str) -> tuple[AnswerFile, ...]:
    return (*_tables(tables(text)), *_code(code_blocks(text)))


_LONG = 50_000
_files_of_short = lru_cache(maxsize=256)(_files_of)
_files_of_long = lru_cache(maxsize=8)(_files_of)


def _tables(found: tuple[Table, ...]) -> Iterator[AnswerFile]:
    for at, table in enumerate(found, 1):
        number = f"-{at}" if len(found) > 1 else ""
        columns, rows = len(table.rows[0]), len(table.rows) - 1
        words = f"Table {at}: {columns} columns, {rows} rows" if len(found) > 1 else f"Table as CSV, {rows} rows"
        yield AnswerFile(words, f"table{number}.csv", csv_of(table.rows))


def _code(found: tuple[CodeBlock, ...]) -> Iterator[AnswerFile]:
    for at, block in enumerate(found, 1):
        number = f"-{at}" if len(found) > 1 else ""
        ending = _ENDINGS.get(block.language, "txt")
        unfinished = "" if block.closed else ", unfinished"
        lines = block.text.count("\n")
        words = f"{block.language[:20] or 'Code'}, {lines} line{'s' * (lines != 1)}{unfinished}"
        yield AnswerFile(words, f"code{number}.{ending}", block.text)


def show_files(message: str, text: str) -> None:
    """The button with its downloads, below the answer `message` (a public id); nothing when it has none.

    The menu is filled when it is opened, so a long chat does not carry every table twice.
    """
    found = files_of(text)
    if not found:
        return
    menu = st.popover("Files", icon=":material/download:", type="tertiary", key=f"files-{message}", on_change="rerun")
    if not menu.open:
        return
    with menu:
        for at, file in enumerate(found):
            data = file.text.encode("utf-8-sig" if file.name.endswith(".csv") else "utf-8", "replace")
            st.download_button(
                label(file.words),
                data,
                file.name,
                "text/csv" if file.name.endswith(".csv") else "text/plain",
                icon=":material/download:",
                type="tertiary",
                key=f"file-{message}-{at}",
                on_click="ignore",
            )
