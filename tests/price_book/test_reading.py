"""Price lists as people have them: pasted from a page, saved from a spreadsheet, written as TOML."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.cards import Prices
from lib.errors import BadInput
from lib.price_book.reading import Listed, prices_of, read_prices

ONE = Prices(2_500_000, 15_000_000, currency="USD")

SAME_LIST = [
    "model,input,output\ngpt-5.4,2.5,15\n",
    "Model\tInput ($/1M)\tOutput ($/1M)\ngpt-5.4\t$2.50\t$15.00",
    "Modell;Eingabe;Ausgabe\ngpt-5.4;2,50;15,00\n",
    "| Model | Input | Output |\n|:------|------:|-------:|\n| `gpt-5.4` | $2.50 / 1M tokens | $15 / 1M tokens |\n",
    "gpt-5.4  2.5  15",
    "gpt-5.4 2.5 15",
    '"output_price","id","prompt"\r\n"15","gpt-5.4","2.5"\r\n',
    "[gpt-5.4]\ninput = 2.5\noutput = 15\n".replace("[gpt-5.4]", '["gpt-5.4"]'),
    '"gpt-5.4" = { input = 2.50, output = "15" }\n',
    '[[models]]\nid = "gpt-5.4"\ninput = 2.5\noutput = 15.0\n',
    "\ufeffmodel,input,output\ngpt-5.4,2.5,15\n".encode(),
    "model\tinput\toutput\ngpt-5.4\t2.5\t15\n".encode("utf-16"),
    "模型,输入,输出\ngpt-5.4,2.5,15\n".encode("gb18030"),
]


@pytest.mark.parametrize("text", SAME_LIST)
def test_the_same_list_in_any_dress_is_the_same_price(text: str | bytes) -> None:
    found = read_prices(text)
    assert found.troubles == ()
    assert [prices_of(row, row.tokens or 10**6) for row in found.rows] == [ONE]


def test_a_dotted_toml_table_is_one_model_id() -> None:
    assert [row.model for row in read_prices("[gpt-5.4]\ninput = 1\n").rows] == ["gpt-5.4"]


@pytest.mark.parametrize(
    ("text", "tokens", "cents", "currency"),
    [
        ("model,input per 1K tokens,output\nm,0.0025,0.015", 1000, False, None),
        ("model,prompt_price_per_token,completion\nm,0.0000025,0.000015", 1, False, None),
        ("model,input,output,unit,currency\nm,2.5,15,per 1M,EUR", 10**6, False, "EUR"),
        ("model,input (cents / 1M),output\nm,250,1500", 10**6, True, None),
        ("model,input,output\nm,¥16/M,¥64/M", 10**6, False, "CNY"),
        ("model,input,output\nm,2.5,15", None, False, None),
        ("model,input (neural voices),output\nm,2.5,15", None, False, None),
        ("model,input_price_eur,output\nm,2.5,15", None, False, "EUR"),
    ],
)
def test_the_unit_is_what_the_list_says(text: str, tokens: int | None, cents: bool, currency: str | None) -> None:
    (row,) = read_prices(text).rows
    assert (row.tokens, row.cents, row.currency) == (tokens, cents, currency)


def test_cached_tokens_have_columns_of_their_own() -> None:
    text = "model,input,cached input,cache write,cache write 1h,output\nm,3,0.3,3.75,6,15"
    (row,) = read_prices(text).rows
    assert prices_of(row, 10**6) == Prices(3_000_000, 15_000_000, 300_000, 3_750_000, 6_000_000)


def test_rows_with_trouble_are_listed_with_their_line_and_the_others_kept() -> None:
    text = "model,input,output\n\ngood,1,2\n,1,2\nwords,soon,2\nless,-1,2\nnothing,-,n/a\ngood,5,2\ngood,1,2\nfree,0,free\n"
    found = read_prices(text)
    assert [row.model for row in found.rows] == ["good", "free"]
    assert [(one.line, one.code) for one in found.troubles] == [
        (4, "no_model"),
        (5, "no_number"),
        (6, "negative"),
        (7, "no_price"),
        (8, "twice"),
    ]
    assert found.rows[1].numbers == {"input": Decimal(0), "output": Decimal(0)}


def test_a_comma_that_may_mean_two_things_is_not_guessed() -> None:
    (trouble,) = read_prices("model;input\nm;1,250").troubles
    assert trouble.code == "ambiguous"
    assert [row.input for row in read_prices("model;input\nm;1,250\nn;2,5").rows] == [Decimal("1.250"), Decimal("2.5")]


def test_units_that_differ_within_a_row_are_a_trouble() -> None:
    (trouble,) = read_prices("model\tinput\toutput\nm\t$2 / 1M\t$0.01 / 1K").troubles
    assert trouble.code == "units_differ"


@pytest.mark.parametrize(
    "text",
    [
        "model,input,output\nm,250¢,$10",
        "model,input (USD cents / 1M),output (USD / 1M)\nm,250,10",
        '[m]\ninput = "250 cents"\noutput = "$10"\n',
        "[m]\ninput_per_1k = 0.0025\noutput_per_1m = 10\n",
        '[m]\ninput = "$2 / 1M"\noutput = "¥10 / 1M"\n',
    ],
)
def test_cents_thousands_and_currencies_are_not_carried_over_to_a_price_that_says_another(text: str) -> None:
    found = read_prices(text)
    assert found.rows == () and [one.code for one in found.troubles] == ["units_differ"]


def test_the_same_numbers_in_another_currency_are_another_price() -> None:
    found = read_prices("model,input,output\nm,$2,$8\nm,$2,$8\nm,¥2,¥8\nm,$2 / 1K,$8 / 1K")
    assert [row.currency for row in found.rows] == ["USD"]
    assert [(one.line, one.code) for one in found.troubles] == [(4, "twice"), (5, "twice")]


def test_columns_can_be_named_by_hand() -> None:
    found = read_prices("a,b,c\nm,15,2.5", columns={"model": 0, "output": 1, "input": 2})
    assert (found.troubles, found.rows[0].input, found.rows[0].output) == ((), Decimal("2.5"), Decimal(15))
    without = read_prices("m,15,2.5", columns={"model": 0, "output": 1, "input": 2})
    assert without.rows[0].numbers == found.rows[0].numbers


def test_what_is_no_list_says_so() -> None:
    assert read_prices("").rows == ()
    assert read_prices("just some words").troubles[0].code == "no_columns"
    assert read_prices("a = [1,\nb = 2", "toml").troubles[0].code == "not_toml"
    with pytest.raises(BadInput):
        read_prices("x" * 2_000_001)
    with pytest.raises(BadInput):
        read_prices(b"PK\x03\x04\0\0\0")


def test_hostile_names_lose_what_cannot_be_seen() -> None:
    (row,) = read_prices("model,input\ngpt\u202e-5\x07,1").rows
    assert row.model == "gpt-5"


def test_a_price_beyond_one_unit_per_token_is_refused() -> None:
    with pytest.raises(BadInput):
        prices_of(Listed(1, "m", Decimal(3)), 1)


@given(st.decimals("0", "999", places=6), st.sampled_from([1, 10**3, 10**6]), st.booleans())
@settings(max_examples=60)
def test_a_number_becomes_exact_pico_units(number: Decimal, tokens: int, cents: bool) -> None:
    try:
        prices = prices_of(Listed(1, "m", number), tokens, cents=cents)
    except BadInput:
        assert number / (100 if cents else 1) > tokens
    else:
        assert prices.input is not None
        assert abs(Decimal(prices.input) * tokens * (100 if cents else 1) - number * 10**12) <= tokens * 50


@given(st.text(max_size=300))
@settings(max_examples=150)
def test_any_text_is_read_or_has_troubles(text: str) -> None:
    try:
        found = read_prices(text)
    except BadInput:
        return
    for row in found.rows:
        assert row.model
        assert all(number >= 0 for number in row.numbers.values())
