"""An answer must fill the wanted fields; what it says beside them, and how, is not trusted."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from lib.attachments.batch_fields import (
    MOST_FIELDS,
    field_problem,
    instruction,
    problem_parts,
    read,
    repair_words,
    schema,
)
from lib.batch import Field, FieldType

FIELDS = (
    Field("vendor", "text", "Who sent the invoice"),
    Field("total", "number"),
    Field("pages", "integer", required=False),
    Field("paid", "yes_no", required=False),
    Field("due", "date", required=False),
    Field("items", "list", required=False),
)
GOOD: dict[str, Any] = {
    "vendor": "Müller & Co",
    "total": 12.5,
    "pages": 2,
    "paid": False,
    "due": "2026-11-20",
    "items": ["pen", "ink"],
}
TOTAL = (Field("total", "number"),)


@pytest.mark.parametrize(
    "around",
    [
        "{}",
        "  \n{}\n",
        "```json\n{}\n```",
        "Here it is:\n```\n{}\n```\nAnything else?",
        "I looked at {{this}} and {{ that: }} first. {} Done.",
        "[{}]",
        "<think>The total {{12.50}} is clear.</think>{}",
    ],
)
def test_the_object_is_found_wherever_it_stands(around: str) -> None:
    answer = around.replace("{{", "\0").replace("}}", "\1").replace("{}", json.dumps(GOOD))
    assert read(answer.replace("\0", "{").replace("\1", "}"), FIELDS) == (GOOD, ())


@pytest.mark.parametrize(
    "answer", ["", "no", "{", '{"total": 1,}', "{'total': 1}", '{"total": NaN}', "null", "[1]", "{}"]
)
def test_an_answer_without_an_object_is_a_problem(answer: str) -> None:
    assert read(answer, TOTAL) == ({"total": None}, ("no_json",))


@pytest.mark.parametrize(
    ("kind", "value", "problem"),
    [
        ("number", "12.50", "wrong_type"),
        ("number", True, "wrong_type"),
        ("integer", 1.5, "wrong_type"),
        ("integer", "3", "wrong_type"),
        ("integer", 2**63, "too_large"),
        ("integer", 1e300, "too_large"),
        ("number", 10**400, "too_large"),
        ("yes_no", "yes", "wrong_type"),
        ("yes_no", 1, "wrong_type"),
        ("date", "20.11.2026", "not_a_date"),
        ("date", "2026-02-30", "not_a_date"),
        ("date", "20261120", "not_a_date"),
        ("date", "2026-11-20T10:00:00Z", "not_a_date"),
        ("date", 2026, "wrong_type"),
        ("list", "a, b", "wrong_type"),
        ("list", ["a", 1], "wrong_type"),
        ("text", 5, "wrong_type"),
        ("text", {"a": 1}, "wrong_type"),
        ("text", " ", "missing"),
        ("text", None, "null"),
    ],
)
def test_a_value_of_another_type_is_a_problem_and_not_read_into(kind: FieldType, value: Any, problem: str) -> None:
    assert read(json.dumps({"x": value}), (Field("x", kind),)) == ({"x": None}, (f"{problem}:x",))


def test_a_number_beyond_all_numbers_is_too_large() -> None:
    assert read('{"total": 1e999}', TOTAL)[1] == ("too_large:total",)


def test_the_good_fields_stay_beside_the_bad_one() -> None:
    values, wrong = read(json.dumps({**GOOD, "total": "12.50", "vendor": None}), FIELDS)
    assert values == {**GOOD, "total": None, "vendor": None}
    assert wrong == ("null:vendor", "wrong_type:total")


def test_what_is_not_required_may_be_null_or_left_out() -> None:
    values, wrong = read('{"vendor": "A", "total": 1, "paid": null}', FIELDS)
    assert wrong == () and values == {**dict.fromkeys(GOOD), "vendor": "A", "total": 1}
    assert read('{"vendor": "A"}', FIELDS)[1] == ("missing:total",)


def test_keys_that_nobody_asked_for_are_dropped() -> None:
    assert read('{"total": 1, "note": {"deep": [1]}, "__proto__": {}}', TOTAL) == ({"total": 1}, ())


def test_a_whole_number_with_a_point_is_whole() -> None:
    values, wrong = read('{"n": 3.0}', (Field("n", "integer"),))
    assert wrong == () and values["n"] == 3 and type(values["n"]) is int


def test_the_right_object_wins_over_a_sketch_of_it() -> None:
    sketch = '{"vendor": "…", "total": "number"}'
    assert read(f"Format: {sketch}\nAnswer: {json.dumps(GOOD)}", FIELDS) == (GOOD, ())
    assert read(f"{json.dumps(GOOD)} {json.dumps(GOOD)}", FIELDS) == (GOOD, ())


def test_two_right_answers_that_differ_are_a_problem() -> None:
    assert read('[{"total": 1}, {"total": 2}]', TOTAL)[1] == ("several",)


def test_the_fullest_of_wrong_objects_is_complained_about() -> None:
    assert read('{"vendor": 5, "total": 3} and {"total": "x"}', FIELDS)[1] == ("wrong_type:vendor",)


def test_of_two_wrong_objects_alike_the_later_one_is_complained_about() -> None:
    assert read('{"total": "a"} {"total": null}', TOTAL)[1] == ("null:total",)


def test_only_the_last_twenty_objects_are_looked_at() -> None:
    assert read('{"total": 1}' + '{"total": 2}' * 20, TOTAL) == ({"total": 2}, ())


def test_halves_of_characters_and_nul_do_not_get_out() -> None:
    values, wrong = read('{"t": "a\\ud800b\\u0000c", "l": ["\\u0000x"]}', (Field("t"), Field("l", "list")))
    assert wrong == () and values == {"t": "a\ufffdbc", "l": ["x"]}


@pytest.mark.parametrize(
    "hostile",
    [
        "{" * 100_000,
        '{"total":' * 50_000,
        '{"total":[' * 20_000 + "]}" * 20_000,
        "[" * 100_000 + "]" * 100_000,
        '{"total": 1' + "0" * 5000 + "}",
        '{"total":"x"}' * 15_000,
        '{"a":1}' * 28_000,
        '{"total": "' + "a" * 300_000,
    ],
    ids=range(8),
)
def test_hostile_answers_end_soon_and_with_a_problem(hostile: str) -> None:
    start = time.perf_counter()
    assert read(hostile, (*FIELDS, *TOTAL))[1]
    assert time.perf_counter() - start < 3


def test_of_an_endless_answer_the_end_counts() -> None:
    assert read("blah " * 100_000 + '{"total": 7}', TOTAL) == ({"total": 7}, ())


def test_the_schema_is_a_schema_and_takes_what_is_right() -> None:
    Draft202012Validator.check_schema(schema(FIELDS))
    judge = Draft202012Validator(schema(FIELDS))
    assert judge.is_valid(GOOD) and judge.is_valid({**dict.fromkeys(GOOD), "vendor": "A", "total": 1})
    assert not judge.is_valid({**GOOD, "extra": 1}) and not judge.is_valid({**GOOD, "vendor": ""})
    assert schema(FIELDS)["properties"]["vendor"]["description"] == "Who sent the invoice"


def test_the_instruction_names_every_field_and_carries_the_schema() -> None:
    words = instruction(FIELDS)
    assert '- "vendor" (a text): Who sent the invoice' in words
    assert '- "due" (a date as YYYY-MM-DD, or null)' in words
    assert json.loads(words.rpartition("\n")[2]) == schema(FIELDS)
    assert instruction(()) == ""


def test_the_repair_names_what_is_wrong_and_asks_for_all_of_it_again() -> None:
    words = repair_words(("missing:vendor", "wrong_type:total", "not_a_date:due", "null:x", "too_large:n"), FIELDS)
    assert '"vendor" is missing' in words and '"total" must be a number, not in quotes' in words
    assert '"due" must be a date as YYYY-MM-DD' in words and "Answer again" in words
    assert "no complete JSON object" in repair_words(("no_json",))
    assert "more than one" in repair_words(("several",))


def test_a_problem_splits_into_its_code_and_its_field() -> None:
    assert problem_parts("missing:Total (EUR)") == ("missing", "Total (EUR)")
    assert problem_parts("no_json") == ("no_json", "")


@pytest.mark.parametrize(
    ("name", "others", "problem"),
    [
        ("Total", (), None),
        ("Größe in m", ("Total",), None),
        ("合計", (), None),
        ("Net (EUR) 19%", (), None),
        ("", (), "empty"),
        ("  ", (), "empty"),
        ("x" * 61, (), "too_long"),
        (" total", (), "bad_letter"),
        ('a"b', (), "bad_letter"),
        ("a:b", (), "bad_letter"),
        ("a\nb", (), "bad_letter"),
        ("=1+1", (), "bad_letter"),
        ("total", ("Total",), "twice"),
        ("one more", tuple(map(str, range(MOST_FIELDS))), "too_many"),
    ],
)
def test_names_of_fields_are_plain_and_unlike(name: str, others: tuple[str, ...], problem: str | None) -> None:
    assert field_problem(name, others) == problem


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*GOOD, "other"]), inner, max_size=4),
    max_leaves=8,
)


@given(st.text(max_size=80), JSON, st.text(max_size=80))
@settings(max_examples=150)
def test_any_answer_gives_every_field_and_valid_values(before: str, value: Any, after: str) -> None:
    values, wrong = read(before + json.dumps(value) + after, FIELDS)
    assert list(values) == list(GOOD)
    json.dumps(values, allow_nan=False).encode()
    if not wrong:
        assert Draft202012Validator(schema(FIELDS)).is_valid(values)
    repair_words(wrong, FIELDS)


@given(
    st.fixed_dictionaries(
        {
            "vendor": st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1).filter(str.strip),
            "total": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**63) + 1, 2**63 - 1),
            "pages": st.none() | st.integers(-(2**63) + 1, 2**63 - 1),
            "paid": st.none() | st.booleans(),
            "due": st.none() | st.dates().map(str),
            "items": st.none() | st.lists(st.text(st.characters(blacklist_categories=("Cs", "Cc"))), max_size=3),
        }
    )
)
@settings(max_examples=100)
def test_every_right_answer_comes_back_as_it_was(answer: dict[str, Any]) -> None:
    assert read(f"```json\n{json.dumps(answer, indent=1)}\n```", FIELDS) == (answer, ())
