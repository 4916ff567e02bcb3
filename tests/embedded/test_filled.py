"""The demo fills the fields that a question asks for, with what it can compute and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lib.attachments.batch_fields import instruction, read, repair_words
from lib.batch import Field
from lib.embedded.filled import filled
from lib.messages import ImagePart, Message, Part, TextPart, VideoPart
from tests.intake import made


def asked(fields: tuple[Field, ...], *parts: Part) -> tuple[Message, ...]:
    return (Message("user", (*parts, TextPart(f"Describe it\n\n{instruction(fields)}"))),)


def picture(width: int = 80, height: int = 60) -> ImagePart:
    return ImagePart("image/png", made.png(width, height))


def test_fields_are_filled_with_what_a_picture_is() -> None:
    fields = (
        Field("width", "integer"), Field("Height in px", "number"), Field("kind"), Field("orientation"),
        Field("is landscape", "yes_no"), Field("colours", "list"), Field("main colour"),
    )  # fmt: skip
    text = filled(asked(fields, picture()))
    assert text is not None
    values, problems = read(text, fields)
    assert problems == ()
    assert (values["width"], values["Height in px"], values["kind"]) == (80, 60, "PNG")
    assert (values["orientation"], values["is landscape"]) == ("landscape", True)
    assert "red" in values["colours"]
    assert values["main colour"] in values["colours"]


def test_nothing_is_made_up() -> None:
    fields = (Field("author"), Field("price", "number"), Field("taken on", "date", required=False))
    text = filled(asked(fields, picture()))
    assert text is not None
    assert json.loads(text) == {"author": "unknown", "price": None, "taken on": None}
    assert read(text, fields)[1] == ("null:price",)


def test_a_video_tells_its_length_and_its_size() -> None:
    fields = (Field("seconds", "number"), Field("width", "integer"))
    text = filled(asked(fields, VideoPart("video/mp4", made.mp4(2))))
    assert text is not None
    values, problems = read(text, fields)
    assert problems == ()
    assert values["width"] == 320
    assert values["seconds"] == pytest.approx(2, abs=0.3)


def test_a_repair_fills_the_fields_of_the_question_before_it() -> None:
    fields = (Field("width", "integer"),)
    messages = (*asked(fields, picture()), Message("assistant", (TextPart("no"),)))
    again = Message("user", (TextPart(repair_words(("no_json",), fields)),))
    assert filled((*messages, again)) == '{"width": 80}'
    assert filled((*messages, Message("user", (TextPart("thanks"),)))) is None


@pytest.mark.parametrize("schema", ["", "{", "[]", '{"properties": 5}', '{"properties": {"a": 5}}', "{}"])
def test_what_is_no_schema_is_a_question_like_any_other(schema: str) -> None:
    assert filled((Message("user", (TextPart(f"Its JSON Schema is:\n{schema}"),)),)) is None


def test_a_schema_of_strange_types_does_no_harm() -> None:
    odd: dict[str, Any] = {"a": {"type": 5}, "b": {"type": ["null", "string"]}, "c": {}}
    text = filled((Message("user", (TextPart(f"JSON Schema is: {json.dumps({'properties': odd})}"),)),))
    assert text is not None
    assert json.loads(text) == {"a": None, "b": None, "c": None}
