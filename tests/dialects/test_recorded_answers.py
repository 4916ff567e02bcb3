"""Every recorded answer, under every chunking: the contract of all dialects."""

from __future__ import annotations

from typing import Any

import pytest

from lib.dialects.faults import error_from_response
from lib.dialects.model_list import as_plain, read_model_list
from lib.dialects.verdict import error_as_plain, outcome
from lib.errors import GatewayError
from lib.events import Failed, Finished
from tests.dialects.recorded import (
    ANSWERS,
    CUT,
    MODEL_LISTS,
    REFUSALS,
    Case,
    as_recorded,
    chunkings,
    dialect_of,
    events_of,
    gathered,
    joined,
)

NOT_IN_OUTCOMES = ("signature", "redacted_thinking")


def by_id(case: Case) -> str:
    return case.id


def assert_error(found: dict[str, Any] | None, expected: dict[str, Any]) -> None:
    assert found is not None
    expected = dict(expected)
    assert expected.pop("message_contains", "") in found["message"]
    assert {name: found[name] for name in expected} == expected


def assert_outcome(found: dict[str, Any], expected: dict[str, Any]) -> None:
    expected = {name: value for name, value in expected.items() if name not in NOT_IN_OUTCOMES}
    for call, wanted in zip(found["tool_calls"], expected["tool_calls"], strict=True):
        if wanted["id"] == "*":
            assert call["id"]
            call["id"] = "*"
    if expected["error"] is not None:
        assert_error(found["error"], expected["error"])
        found, expected = {**found, "error": None}, {**expected, "error": None}
    assert found == expected


@pytest.mark.parametrize("case", ANSWERS, ids=by_id)
def test_a_recorded_answer_is_read_as_expected(case: Case) -> None:
    events = events_of(dialect_of(case), as_recorded(case), CUT if case.reset else None)
    sum_of = gathered(events)
    assert_outcome(outcome(sum_of), case.expect)
    if "signature" in case.expect:
        assert (sum_of.signature, sum_of.redacted) == (case.expect["signature"], case.expect["redacted_thinking"])


@pytest.mark.parametrize("case", ANSWERS, ids=by_id)
def test_the_events_are_the_same_however_the_bytes_are_cut(case: Case) -> None:
    cut = CUT if case.reset else None
    whole = joined(events_of(dialect_of(case), [case.body], cut))
    assert sum(isinstance(event, Finished | Failed) for event in whole) >= 1
    for pieces in chunkings(case):
        assert joined(events_of(dialect_of(case), pieces, cut)) == whole


@pytest.mark.parametrize("case", REFUSALS, ids=by_id)
def test_a_recorded_refusal_is_classified_as_expected(case: Case) -> None:
    error = error_from_response(case.status, case.headers, case.body)
    assert_error(error_as_plain(error), case.expect["error"])


@pytest.mark.parametrize("case", MODEL_LISTS, ids=by_id)
def test_a_recorded_model_list_is_normalised_as_expected(case: Case) -> None:
    if "error" in case.expect:
        with pytest.raises(GatewayError) as caught:
            read_model_list(case.status, case.body)
        assert_error(error_as_plain(caught.value), case.expect["error"])
    else:
        assert [as_plain(model) for model in read_model_list(case.status, case.body)] == case.expect["models"]
