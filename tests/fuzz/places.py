"""Where in a value of ours a free text stands, and the same value with another text there."""

from __future__ import annotations

from collections.abc import Iterator
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from msgspec import Struct, structs

Place = tuple[Any, ...]


def text_places(value: Any, hint: Any = object) -> Iterator[Place]:
    """The paths to all texts for which any words will do; a Literal is a word of the program."""
    if isinstance(value, str) or hint is str:
        if is_free(hint) or hint is object:
            yield ()
    elif isinstance(value, Struct):
        for name, inner in get_type_hints(type(value)).items():
            yield from ((name, *path) for path in text_places(getattr(value, name), inner))
    elif isinstance(value, tuple | list):
        inner = Literal[""] if "Literal" in str(hint) else object
        for at, one in enumerate(value):
            yield from ((at, *path) for path in text_places(one, inner))


def is_free(hint: Any) -> bool:
    if get_origin(hint) in (Union, UnionType):
        return any(map(is_free, get_args(hint)))
    return hint is str


def replaced(value: Any, place: Place, text: str) -> Any:
    """The value with this text at a place."""
    if not place:
        return text
    first, *rest = place
    if isinstance(value, Struct):
        return structs.replace(value, **{first: replaced(getattr(value, first), tuple(rest), text)})
    if isinstance(value, dict):
        return value | {first: replaced(value[first], tuple(rest), text)}
    return type(value)(replaced(one, tuple(rest), text) if at == first else one for at, one in enumerate(value))


def filled_with(value: Any, text: str) -> Any:
    """The value with this text at every place."""
    for place in list(text_places(value)):
        value = replaced(value, place, text)
    return value
