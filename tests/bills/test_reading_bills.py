"""Bills as gateways export them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.bills.line import BillLine
from lib.bills.reading import MAX_LINES, read_bill
from lib.errors import BadInput

NEW_API = """id,user_id,created_at,type,content,username,token_name,model_name,quota,prompt_tokens,completion_tokens,request_id
901,7,1790000000,2,"ratio 1.25, group 1",me,chat,gpt-5.4-hc,3750,1200,300,req-1
902,7,1790000100,1,top-up,me,,,500000,0,0,
903,7,1790000200,5,error,me,chat,gpt-5.4,0,0,0,req-2
904,7,1790000300,6,refund,me,chat,gpt-5.4-hc,750,0,0,req-1b
905,7,1790000400,2,,me,chat,claude-opus-4-7,,10,20,req-3
"""

OPENROUTER = """generation_id,created_at,cost_total,cost_web_search,cost_cache,tokens_prompt,tokens_completion,tokens_reasoning,tokens_cached,model_permaslug,provider_name,variant,cancelled
gen-1,2026-10-03 12:00:00.250,0.007500,0,0,1200,300,0,400,openai/gpt-5.4-2026-03-05,OpenAI,standard,false
gen-2,2026-10-03T12:01:00Z,1.2e-05,0,-0.001,5,1,0,0,anthropic/claude-opus-4-7,Anthropic,standard,true
"""


def test_new_api_bills_in_points() -> None:
    bill = read_bill(NEW_API)
    assert bill.form == "new-api"
    assert bill.lines == (
        BillLine(2, 1_790_000_000_000, "gpt-5.4-hc", 1200, 300, 7_500_000, "USD", ("req-1",)),
        BillLine(5, 1_790_000_300_000, "gpt-5.4-hc", 0, 0, -1_500_000, "USD", ("req-1b",)),
    )
    assert bill.skipped == 2
    assert [(one.line, one.code) for one in bill.troubles] == [(6, "no_amount")]


def test_a_gateway_may_have_other_points() -> None:
    (first, _) = read_bill(NEW_API, points_per_unit=1_000_000, currency="CNY").lines
    assert (first.nano, first.currency) == (3_750_000, "CNY")
    with pytest.raises(BadInput):
        read_bill(NEW_API, points_per_unit=0)


def test_openrouter_bills_in_dollars_and_utc() -> None:
    bill = read_bill(OPENROUTER.encode())
    assert bill.form == "openrouter"
    assert bill.lines[0] == BillLine(
        2, 1_791_028_800_250, "openai/gpt-5.4-2026-03-05", 1200, 300, 7_500_000, "USD", ("gen-1",), 400
    )
    assert (bill.lines[1].nano, bill.lines[1].at_ms) == (12_000, 1_791_028_860_000)


def test_any_table_can_be_mapped() -> None:
    text = "wann;was;rein;raus;kosten\n03.10.2026 14:00:00;gpt-5.4;1.200;300;0,0075 €\n"
    columns = {"time": 0, "model": 1, "tokens_in": 2, "tokens_out": 3, "amount": 4}
    bill = read_bill(text, columns=columns, zone="Europe/Berlin")
    assert bill.lines == (BillLine(2, 1_791_028_800_000, "gpt-5.4", 1200, 300, 7_500_000, "EUR"),)


def test_headings_are_guessed_in_words_and_languages() -> None:
    bill = read_bill("时间,模型,提示,补全,花费\n2026/10/03 20:00:00,gpt-5.4,1200,300,$0.0075\n", zone="Asia/Shanghai")
    assert bill.lines[0].at_ms == 1_791_028_800_000
    assert bill.lines[0].nano == 7_500_000
    assert read_bill(
        "Timestamp,Model Name,Input tokens (total),Output tokens,Cost (USD),Currency\n,m,1,2,3,rmb\n"
    ).lines == (BillLine(2, None, "m", 1, 2, 3 * 10**9, "CNY"),)


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ("soon,m,1,2,3", "no_time"),
        ("03/05/2026 10:00,m,1,2,3", "no_time"),
        ("99999999999999999999999999,m,1,2,3", "no_time"),
        ("0001-01-01T00:00:00+14:00,m,1,2,3", "no_time"),
        (",m,-1,2,3", "negative_tokens"),
        (",m,1.5,2,3", "negative_tokens"),
        (",m,1,2,", "no_amount"),
        (",m,1,2,nothing", "no_amount"),
        (",m,1,2,99999999999", "no_amount"),
    ],
)
def test_a_line_that_cannot_be_read_is_listed_and_the_others_kept(cells: str, code: str) -> None:
    bill = read_bill(f"time,model,input,output,cost\n{cells}\n,good,1,2,0.5\n")
    assert [line.model for line in bill.lines] == ["good"]
    assert [(one.line, one.code) for one in bill.troubles] == [(2, code)]


def test_a_comma_that_may_mean_two_things_is_not_guessed() -> None:
    bill = read_bill("model;cost\nm;1,250\n")
    assert [one.code for one in bill.troubles] == ["ambiguous"]
    assert [line.nano for line in read_bill("model;cost\nm;1,250\nn;0,5\n").lines] == [1_250_000_000, 500_000_000]


@pytest.mark.parametrize(
    ("text", "nano", "currency"),
    [
        ("model,cost\nm,-$0.50", -500_000_000, "USD"),
        ("model,cost\nm,(0.50)", -500_000_000, "USD"),
        ("model,cost\nm,50¢", 500_000_000, "USD"),
        ("model,cost (cents)\nm,5", 50_000_000, "USD"),
        ("model,cost (cents)\nm,$5", 5_000_000_000, "USD"),
        ("model,cost (CNY)\nm,5", 5_000_000_000, "CNY"),
        ("model,cost (CNY),currency\nm,5,EUR", 5_000_000_000, "EUR"),
        ("model,cost,currency\nm,5,￥", 5_000_000_000, "CNY"),
        ("model_name,quota\nm,500000", 1_000_000_000, "USD"),
        ("model_name,quota\nm,$0.500000", 500_000_000, "USD"),
    ],
)
def test_an_amount_is_what_the_cell_its_heading_and_its_sign_say(text: str, nano: int, currency: str) -> None:
    (line,) = read_bill(text).lines
    assert (line.nano, line.currency) == (nano, currency)


def test_points_that_were_chosen_are_not_cents_too() -> None:
    (line,) = read_bill("model,cost (cents)\nm,50", points_per_unit=100).lines
    assert line.nano == 500_000_000


@pytest.mark.parametrize("cells", ["¥5,USD", "5,shells"])
def test_a_line_in_two_currencies_or_an_unknown_one_is_listed(cells: str) -> None:
    assert [one.code for one in read_bill(f"model,cost,currency\nm,{cells}\n").troubles] == ["currency"]


def test_what_is_no_bill_says_so() -> None:
    assert [one.code for one in read_bill("").troubles] == ["no_columns"]
    assert [one.code for one in read_bill("name,colour\na,b").troubles] == ["no_columns"]
    daily = "date,model,requests,prompt_tokens,completion_tokens,usage\n2026-10-03,m,5,1,1,0.1\n"
    assert [one.code for one in read_bill(daily).troubles] == ["aggregated"]
    with pytest.raises(BadInput):
        read_bill("a,cost\nb,1", zone="Not/AZone")


def test_hostile_cells_are_only_text() -> None:
    (line,) = read_bill("id,model,cost\n=cmd()\x07,<script>\u202e,1\n").lines
    assert (line.ids, line.model) == (("=cmd()",), "<script>")


def test_a_bill_is_bounded() -> None:
    bill = read_bill("model,cost\n" + "m,1\n" * (MAX_LINES + 5))
    assert len(bill.lines) == MAX_LINES
    assert [one.code for one in bill.troubles] == ["too_many"]


@given(st.text(max_size=200), st.sampled_from(["id,time,model,input,output,cost\n", "", "model;quota;prompt_tokens\n"]))
@settings(max_examples=120)
def test_any_text_is_read_or_has_troubles(text: str, head: str) -> None:
    try:
        bill = read_bill(head + text)
    except BadInput as error:
        assert error.reason == "too_large"
    else:
        assert all(line.nano is not None for line in bill.lines)
