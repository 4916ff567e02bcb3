"""The files of a question in the transcript: where their bytes are fetched."""

from __future__ import annotations

from lib.messages import FilePart, ImagePart
from lib.ui.message_files import _listed


def test_another_form_of_a_waiting_picture_has_another_address() -> None:
    """A browser keeps what an address gave for good: it would go on showing the form that is not sent any more."""
    large, small = (ImagePart("image/png", url=f"stored:{digit * 64}", name="a.png") for digit in "ab")
    (one,), (other,) = list(_listed("id", [large])), list(_listed("id", [small]))
    assert one.address.startswith("/file/id/0?") and other.address.startswith("/file/id/0?")
    assert one.address != other.address
    assert next(iter(_listed("id", [FilePart("a.txt", "words")]))).address == "/file/id/0"
