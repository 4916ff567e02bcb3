"""The one door for hostile text: everything that Streamlit would read as Markdown passes here first."""

from __future__ import annotations

from lib.markdown.blocks import END_OF_BLOCK, LiveDrawing, Piece, drawn
from lib.markdown.diagrams import Diagram, with_diagrams
from lib.markdown.plain import label, plain, quiet
from lib.markdown.safety import Guard, guard
from lib.markdown.tables import CodeBlock, Table, code_blocks, tables

__all__ = [
    "END_OF_BLOCK",
    "CodeBlock",
    "Diagram",
    "Guard",
    "LiveDrawing",
    "Piece",
    "Table",
    "code_blocks",
    "drawn",
    "guard",
    "label",
    "plain",
    "quiet",
    "tables",
    "with_diagrams",
]
