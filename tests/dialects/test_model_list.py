"""Model lists of any gateway: prices in pico-units per token, sizes, abilities; unknown stays unknown."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.cards import ListedModel
from lib.dialects.model_list import as_plain, read_model_list
from lib.errors import GatewayError


def one(**row: Any) -> ListedModel:
    (model,) = read_model_list(200, json.dumps({"data": [{"id": "m", **row}]}).encode())
    return model


def test_rows_are_found_under_several_names() -> None:
    row = {"id": "m"}
    for answer in (
        [row],
        {"data": [row]},
        {"models": [row]},
        {"result": [row]},
        {"items": [row]},
        {"data": {"models": [row]}},
    ):
        assert [model.id for model in read_model_list(200, json.dumps(answer).encode())] == ["m"]
    assert read_model_list(200, b'{"object":"list","data":[]}') == []


def test_ids_come_from_several_fields_and_the_first_of_duplicates_wins() -> None:
    rows = [
        "a",
        {"model_name": "b"},
        {"model": "c"},
        {"name": "models/d"},
        {"slug": "e"},
        {"id": ""},
        {},
        None,
        5,
        "a",
        {"id": " f\n"},
    ]
    models = read_model_list(200, json.dumps(rows).encode())
    assert [model.id for model in models] == ["a", "b", "c", "d", "e", "f"]


@pytest.mark.parametrize(
    ("row", "micro"),
    [
        ({"pricing": {"prompt": "0.000003"}}, 3_000_000),
        ({"pricing": {"input": 3}}, 3_000_000),
        ({"pricing": {"input": "3"}}, 3_000_000),
        ({"input_price": 3e-06}, 3_000_000),
        ({"input_cost_per_token": 3e-06}, 3_000_000),
        ({"model_info": {"input_cost_per_token": 1.5e-07}}, 150_000),
        ({"input_price_per_1m": 0.15}, 150_000),
        ({"input_price_per_1m_tokens": "0.15"}, 150_000),
        ({"input_per_million": 0.0001}, 100),
        ({"prompt_per_1k": 0.003}, 3_000_000),
        ({"pricing": {"input_price_per_1k": "0.0005"}}, 500_000),
        ({"inputPricePer1M": 2.5}, 2_500_000),
        ({"inputCostPer1MTokens": 2.5}, 2_500_000),
        ({"promptPrice": 2.5}, 2_500_000),
        ({"pricing": {"unit": "1K tokens", "prompt": 0.003}}, 3_000_000),
        ({"pricing": {"unit": "per_token", "prompt": 0.003}}, 3_000_000_000),
        ({"pricing": {"unit": "1M", "prompt": 0.0003}}, 300),
        ({"price": {"input": "$2 / 1M tokens"}}, 2_000_000),
        ({"price": {"input": "¥2 / 1M tokens"}}, 2_000_000),
        ({"price": {"input": "2元/百万tokens"}}, 2_000_000),
        ({"price": {"input": "0.002元/千tokens"}}, 2_000_000),
        ({"price": {"input": "$1,000.50 per million"}}, 1_000_500_000),
        ({"pricing": {"prompt": "0"}}, 0),
        ({"pricing": {"prompt": 0}}, 0),
        ({"pricing": {"prompt": "-1"}}, None),
        ({"pricing": {"prompt": None}}, None),
        ({"pricing": {"prompt": ""}}, None),
        ({"pricing": {"prompt": "free"}}, None),
        ({"pricing": {"prompt": True}}, None),
        ({"pricing": {"prompt": "1e400"}}, None),
        ({"pricing": {"prompt": 10**30}}, None),
        ({"pricing": []}, None),
        ({}, None),
    ],
)
def test_the_input_price_is_found_and_its_unit_told(row: dict[str, Any], micro: int | None) -> None:
    assert one(**row).prices.input == micro


def test_a_price_of_many_digits_is_exact() -> None:
    assert one(pricing={"prompt": "0.000000123456"}).prices.input == 123_456
    assert one(input_price_per_1m=0.1).prices.input == 100_000


@given(st.integers(0, 10**9 - 1))
def test_every_price_per_million_comes_back_as_it_was(micro: int) -> None:
    text = f"{micro // 10**6}.{micro % 10**6:06d}"
    assert one(input_price_per_1m=text).prices.input == micro
    assert one(pricing={"prompt": f"0.{micro:012d}"}).prices.input == micro


def test_one_told_unit_holds_for_the_prices_beside_it() -> None:
    prices = one(input_price_per_1m=0.05, output_price_per_1m=0.4, cached_price=0.0005).prices
    assert (prices.input, prices.output, prices.cache_read) == (50_000, 400_000, 500)
    assert one(prompt_per_1k=0.003, cached_price=0.0003).prices.cache_read == 300_000


def test_magnitude_is_told_by_the_largest_price_of_a_model() -> None:
    prices = one(pricing={"input": 0.3, "output": 1.2, "input_cache_read": 0.0005}).prices
    assert prices.cache_read == 500
    prices = one(pricing={"input": "0.0000001", "output": "0.0004", "input_cache_write": "0.0000002"}).prices
    assert (prices.input, prices.output, prices.cache_write_5m) == (100_000, 400_000_000, 200_000)


@pytest.mark.parametrize(
    ("row", "currency"),
    [
        ({"pricing": {"prompt": 1, "currency": "cny"}}, "CNY"),
        ({"pricing": {"prompt": 1}, "currency": "EUR"}, "EUR"),
        ({"pricing": {"prompt": "￥1"}}, "CNY"),
        ({"pricing": {"prompt": "$1"}}, "USD"),
        ({"input_price": 1, "owned_by": "neural", "description": "costs ¥1"}, "USD"),
        ({"pricing": {"prompt": 1, "currency": "RMB"}}, "CNY"),
    ],
)
def test_the_currency_is_a_code_or_a_sign_beside_a_price(row: dict[str, Any], currency: str) -> None:
    assert one(**row).prices.currency == currency


@pytest.mark.parametrize(
    ("value", "size"),
    [
        (128000, 128000),
        ("128000", 128000),
        ("128K", 128000),
        ("1M", 10**6),
        ("1.5m", 1_500_000),
        ("131,072", 131072),
        (0, None),
        (-1, None),
        ("much", None),
        (None, None),
        (True, None),
    ],
)
def test_sizes_may_have_suffixes(value: Any, size: int | None) -> None:
    assert one(context_length=value).context == size


def test_max_tokens_is_the_output_cap_only_when_nothing_else_says_it() -> None:
    assert one(max_tokens=5, max_output_tokens=7).max_output == 7
    assert one(max_tokens=5).max_output == 5
    assert one(max_tokens=5, top_provider={"max_completion_tokens": 9}).max_output == 9
    assert one(max_input_tokens=100, max_tokens=5).context == 100


@pytest.mark.parametrize(
    ("row", "image", "video"),
    [
        ({"architecture": {"input_modalities": ["text", "image"]}}, True, False),
        ({"input_modalities": ["TEXT", "VIDEO"]}, False, True),
        ({"modalities": {"input": ["image"]}}, True, False),
        ({"supports_vision": False}, False, None),
        ({"tags": ["vision"]}, True, None),
        ({"capabilities": {"image_input": {"supported": True}}}, True, None),
        ({"model_info": {"supports_vision": True, "supports_video_input": False}}, True, False),
        ({"capabilities": "all", "tags": "vision"}, None, None),
        ({}, None, None),
    ],
)
def test_abilities_are_listed_marked_or_unknown(row: dict[str, Any], image: bool | None, video: bool | None) -> None:
    model = one(**row)
    assert (model.image, model.video) == (image, video)


def test_a_price_per_call_is_no_price_per_token() -> None:
    row = {"model_name": "m", "quota_type": 1, "model_ratio": 0, "model_price": 0.1, "completion_ratio": 1}
    (model,) = read_model_list(200, json.dumps({"data": [row]}).encode())
    assert not model.prices.known


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (
            200,
            b'{"success":false,"message":"\xe6\x97\xa0\xe6\x95\x88\xe7\x9a\x84\xe4\xbb\xa4\xe7\x89\x8c","data":null}',
            "auth",
        ),
        (200, b'{"error":{"message":"x","code":"invalid_api_key"},"data":[]}', "auth"),
        (200, b"<!doctype html><title>Console</title>", "not_json"),
        (200, b"", "empty"),
        (200, b"{}", "empty"),
        (200, b"not json", "not_json"),
        (200, b'{"detail":"Unauthorized"}', "auth"),
        (404, b"", "not_found"),
        (401, b'{"error":{"message":"x"}}', "auth"),
        (301, b"", "redirect"),
    ],
)
def test_what_is_no_list_is_an_error(status: int, body: bytes, kind: str) -> None:
    with pytest.raises(GatewayError) as caught:
        read_model_list(status, body)
    assert caught.value.kind == kind


def test_a_model_as_plain_values_has_prices_per_million() -> None:
    plain = as_plain(one(pricing={"prompt": "0.0000025", "completion": "0.000015"}, owned_by="o", context_length="1M"))
    assert plain == {
        "id": "m",
        "input_per_m": 2.5,
        "output_per_m": 15,
        "cache_read_per_m": None,
        "context": 1_000_000,
        "max_output": None,
        "owned_by": "o",
        "image": None,
        "video": None,
    }
