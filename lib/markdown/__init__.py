"""The one door for hostile text: everything that Streamlit would read as Markdown passes here first."""

from __future__ import annotations

from lib.markdown.blocks import END_OF_BLOCK, LiveDrawing, Piece, drawn
from lib.markdown.plain import label, plain, quiet
from lib.markdown.safety import Guard, guard

__all__ = ["END_OF_BLOCK", "Guard", "LiveDrawing", "Piece", "drawn", "guard", "label", "plain", "quiet"]
