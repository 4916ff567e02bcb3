"""Answers that must fill fields: what the model is told, and what is read from what it says.

An answer is hostile input: its size, its depth and its numbers are bounded, and nothing is read into it. A number in
a string is a problem, not a number.
"""

from __future__ import annotations

import json
import math
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

from jsonschema import Draft202012Validator, FormatChecker  # type: ignore[import-untyped]

from lib.batch import Field

MOST_FIELDS: Final = 40
LONGEST_NAME: Final = 60

_LONGEST_READ: Final = 200_000
_MOST_TRIES: Final = 40
_MOST_CANDIDATES: Final = 20
_LARGEST: Final = 2**63 - 1
_IN_NAMES: Final = frozenset(" _-./()%#&+'")
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
_TYPES: Final[dict[str, dict[str, Any]]] = {
    "text": {"type": "string"},
    "number": {"type": "number"},
    "integer": {"type": "integer"},
    "yes_no": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "list": {"type": "array", "items": {"type": "string"}},
}
_MEANT: Final = {
    "text": "a text",
    "number": "a number, not in quotes",
    "integer": "a whole number, not in quotes",
    "yes_no": "true or false",
    "date": "a date as YYYY-MM-DD",
    "list": "a list of texts",
}
_FORMATS: Final = FormatChecker(formats=())


def _is_date(value: object) -> bool:
    """A calendar day, spelt as RFC 3339 spells it; other types are not this check's business."""
    if not isinstance(value, str):
        return True
    if not _DATE.fullmatch(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


_FORMATS.checks("date")(_is_date)


def field_problem(name: str, others: Sequence[str] = ()) -> str | None:
    """Why `name` cannot be a field beside `others`; None when it can.

    "empty", "too_long" (over 60 characters), "bad_letter" (anything but letters, digits, spaces and _-./()%#&+'),
    "twice" (case does not count), "too_many" (40 are the most).
    """
    if not name.strip():
        return "empty"
    if len(name) > LONGEST_NAME:
        return "too_long"
    if name != name.strip() or not all(letter.isalnum() or letter in _IN_NAMES for letter in name):
        return "bad_letter"
    if name.casefold() in {other.casefold() for other in others}:
        return "twice"
    return "too_many" if len(others) >= MOST_FIELDS else None


def schema(fields: Sequence[Field]) -> dict[str, Any]:
    """The JSON Schema (2020-12) of one answer. Every field is there; one that is not required may be null."""
    return {
        "type": "object",
        "properties": {field.name: _property(field) for field in fields},
        "required": [field.name for field in fields],
        "additionalProperties": False,
    }


def instruction(fields: Sequence[Field]) -> str:
    """What the model is told, to stand behind the prompt; empty without fields."""
    if not fields:
        return ""
    lines = "\n".join(_line(field) for field in fields)
    return (
        "Answer with one JSON object and nothing else: no words before or after it, no code fence.\n"
        f"It has exactly these fields:\n{lines}\n"
        "Use null for what the material does not say, where null is allowed; never invent a value.\n"
        f"Its JSON Schema is:\n{json.dumps(schema(fields), ensure_ascii=False)}"
    )


def read(text: str, fields: Sequence[Field]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """(values, problems) of an answer. Every field has a value; None where it is null, missing or wrong.

    The object is found plain, in a code fence or among words. When several are there, one that is right in itself
    wins; two right ones that differ are a problem. Keys that nobody asked for are dropped.
    A problem is "code:field", or a code alone: "no_json", "several", "missing", "null", "wrong_type:field",
    "not_a_date", "too_large". Never raises.
    """
    names = {field.name for field in fields}
    candidates = deque((found for found in _objects(text[-_LONGEST_READ:]) if names & found.keys()), _MOST_CANDIDATES)
    judged = [(len(names & found.keys()), *_judged(found, fields)) for found in candidates]
    if not judged:
        return {field.name: None for field in fields}, ("no_json",)
    right = [values for _, values, wrong in judged if not wrong]
    if any(values != right[-1] for values in right):
        return right[-1], ("several",)
    if right:
        return right[-1], ()
    # The fullest is what was meant; of two alike it is the later one.
    _, values, wrong = max(reversed(judged), key=lambda each: each[0])
    return values, wrong


def problem_parts(problem: str) -> tuple[str, str]:
    """(code, name of the field) of a problem; the name is empty when it is about the whole answer."""
    code, _, name = problem.partition(":")
    return code, name


def repair_words(problems: Sequence[str], fields: Sequence[Field] = ()) -> str:
    """What the model is told, once, when its answer did not fill the fields."""
    types = {field.name: field.type for field in fields}
    lines = "\n".join(f"- {_complaint(*problem_parts(problem), types)}" for problem in problems)
    again = "Answer again with the one JSON object that was asked for, complete, and nothing else."
    return f"Your answer does not fill the fields:\n{lines}\n{again}" if lines else again


def _property(field: Field) -> dict[str, Any]:
    wanted = dict(_TYPES[field.type])
    if field.description.strip():
        wanted["description"] = field.description.strip()
    if not field.required:
        wanted["type"] = [wanted["type"], "null"]
    elif field.type == "text":
        wanted["minLength"] = 1
    return wanted


def _line(field: Field) -> str:
    described = f": {' '.join(field.description.split())}" if field.description.strip() else ""
    null = "" if field.required else ", or null"
    return f'- "{field.name}" ({_MEANT[field.type]}{null}){described}'


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """Every JSON object in `text` that is not inside another; what is none is stepped over, so many times at most."""
    decoder = json.JSONDecoder(parse_constant=_no_constant)
    at, failed = text.find("{"), 0
    while at >= 0 and failed < _MOST_TRIES:
        try:
            found, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            failed, end = failed + 1, at + 1
        else:
            yield found
        at = text.find("{", end)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _judged(found: Mapping[str, Any], fields: Sequence[Field]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The values as they are kept, and what is wrong with the object."""
    values: dict[str, Any] = {}
    wrong: list[str] = []
    for field in fields:
        values[field.name] = None
        problem = _problem(found, field)
        if problem:
            wrong.append(f"{problem}:{field.name}")
        else:
            values[field.name] = _kept(found.get(field.name), field)
    return values, tuple(wrong)


def _problem(found: Mapping[str, Any], field: Field) -> str | None:
    """What is wrong with one field: one that may be null may also be left out."""
    if field.name not in found:
        return "missing" if field.required else None
    value = found[field.name]
    if value is None:
        return "null" if field.required else None
    if field.required and isinstance(value, str) and not value.strip():
        return "missing"
    errors = {error.validator for error in _validator(field).iter_errors(value)}
    if errors:
        return "not_a_date" if errors == {"format"} else "wrong_type"
    return "too_large" if _is_too_large(value, field) else None


def _validator(field: Field) -> Draft202012Validator:
    return Draft202012Validator(_property(field), format_checker=_FORMATS)


def _is_too_large(value: Any, field: Field) -> bool:
    """Beyond what a column of whole numbers, or of floating-point ones, holds."""
    if isinstance(value, float) and not math.isfinite(value):
        return True
    whole = isinstance(value, int) or field.type == "integer"
    return whole and isinstance(value, int | float) and abs(value) > _LARGEST


def _kept(value: Any, field: Field) -> Any:
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, float) and field.type == "integer":
        return int(value)
    return value


def _clean(text: str) -> str:
    """Without NUL and halves of characters, which JSON can spell and a database or a file cannot hold."""
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return whole.replace("\x00", "")


def _complaint(code: str, name: str, types: Mapping[str, str]) -> str:
    match code:
        case "no_json":
            return "There is no complete JSON object in it."
        case "several":
            return "There is more than one JSON object in it."
        case "missing":
            return f'"{name}" is missing or empty.'
        case "null":
            return f'"{name}" must not be null.'
        case "too_large":
            return f'"{name}" is too large a number.'
        case "not_a_date":
            return f'"{name}" must be {_MEANT["date"]}.'
        case _:
            return f'"{name}" must be {_MEANT.get(types.get(name, ""), "of the wanted type")}.'
