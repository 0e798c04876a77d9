"""Exports as providers write them: their headers, their words, and what is refused."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tracemart.errors import BadInputError
from tracemart.reconcile.bills.file import BillFile, read_bill
from tracemart.reconcile.bills.openai import parse_line_item
from tracemart.reconcile.bills.vocabulary import tier_of, unit_factor, usage_type_of

ANTHROPIC_COST = (
    "usage_date_utc,model,workspace,api_key,usage_type,context_window,token_type,cost_usd,list_price_usd,cost_type,"
    "inference_geo,speed,api_key_id,api_key_status\n"
)
ANTHROPIC_USAGE = (
    "usage_date_utc,model_version,api_key,workspace,usage_type,context_window,usage_input_tokens_no_cache,"
    "usage_input_tokens_cache_write_5m,usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,"
    "usage_output_tokens,web_search_count,inference_geo,speed\n"
)
OPENAI_COST = (
    "start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,quantity,quantity_unit,line_item,"
    "user_id,api_key_id,project_id,organization_id,project_name,organization_name,user_email,api_source\n"
)
OPENAI_COST_BEFORE = (
    "start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,line_item,project_id,"
    "organization_id,organization_name\n"
)
OPENAI_USAGE = (
    "start_time,end_time,start_time_iso,end_time_iso,project_id,num_model_requests,user_id,api_key_id,model,batch,"
    "service_tier,input_tokens,output_tokens,input_cached_tokens,input_uncached_tokens,input_text_tokens,"
    "output_text_tokens,input_cached_text_tokens,input_audio_tokens,input_cached_audio_tokens,output_audio_tokens,"
    "input_image_tokens,input_cached_image_tokens,output_image_tokens\n"
)
FOCUS = (
    "BilledCost,BillingAccountId,BillingCurrency,BillingPeriodEnd,BillingPeriodStart,ChargeCategory,ChargeDescription,"
    "ChargePeriodEnd,ChargePeriodStart,ConsumedQuantity,ConsumedUnit,ProviderName,ServiceName,SkuId,SkuMeter,"
    "SkuPriceDetails\n"
)
A_ROW = "2026-11-01,Claude,D,k,message,,output,"
REST = ",1,token,,,a,b\n"
D1, D2 = "1793491200,1793577600,2026-11-01T00:00:00+00:00,2026-11-02T00:00:00+00:00", "1793577600,1793664000,,"


def read(folder: Path, text: str, **given: str) -> BillFile:
    path = folder / "bill.csv"
    path.write_text(text, encoding="utf-8-sig")
    return read_bill(path, **given)


def told(bill: BillFile) -> list[tuple[object, ...]]:
    return [(line.model, line.usage_type, line.service_tier, line.units, line.cost_usd) for line in bill.lines]


def test_anthropic_s_costs(tmp_path: Path) -> None:
    bill = read(
        tmp_path,
        ANTHROPIC_COST
        + "2026-11-01,Claude Haiku 4.5,Default,key,message,≤ 200k,input_no_cache,0.05,0.05,token,none,,a,active\n"
        + "2026-11-02,Claude Haiku 4.5,Default,key,message_batch,≤ 200k,output,0.020,0.04,token,global,,a,active\n"
        + "2026-11-03,,Default,key,,,,0.10,0.10,web_search,,,a,active\n",
    )
    assert bill.format.name == "anthropic_cost"
    assert (bill.first_date, bill.last_date) == (date(2026, 11, 1), date(2026, 11, 3))
    assert told(bill) == [
        ("Claude Haiku 4.5", "input", "standard", None, Decimal("0.05")),
        ("Claude Haiku 4.5", "output", "batch", None, Decimal("0.020")),
        ("web_search", "web_search", "standard", None, Decimal("0.10")),
    ]
    assert [line.cost_decimals for line in bill.lines] == [2, 3, 2]
    assert {(line.provider, line.account) for line in bill.lines} == {("anthropic", "")}


def test_anthropic_s_usage(tmp_path: Path) -> None:
    row = "2026-11-01,claude-haiku-4-5-20251001,key,Default,standard,≤ 200k,46981,15969,31,7,16932,2,global,\n"
    bill = read(tmp_path, ANTHROPIC_USAGE + row)
    model = "claude-haiku-4-5-20251001"
    assert told(bill) == [
        (model, "input", "standard", 46981, None),
        (model, "cache_write", "standard", 15969, None),
        (model, "cache_write", "standard", 31, None),
        (model, "cached_input", "standard", 7, None),
        (model, "output", "standard", 16932, None),
        (model, "web_search", "standard", 2, None),
    ]


def test_openai_s_costs_with_and_without_line_items(tmp_path: Path) -> None:
    bill = read(
        tmp_path,
        OPENAI_COST
        + f"{D1},,,,,,,,,,,,,\n"
        + f'{D2},0.003835980000000000000000,usd,12,1K tokens,"gpt-5-nano, cached input",,k,p,org-1,P,Acme,a@b.c,\n'
        + f'{D2},1.5,usd,3,requests,web search tool calls,,k,p,org-1,P,Acme,a@b.c,\n',
    )  # fmt: skip
    assert (bill.first_date, bill.last_date, bill.lines[0].account) == (date(2026, 11, 1), date(2026, 11, 2), "org-1")
    assert told(bill) == [
        ("gpt-5-nano", "cached_input", "standard", 12000, Decimal("0.00383598")),
        ("web search tool calls", "other", "standard", 3, Decimal("1.5")),
    ]
    assert "a@b.c" not in repr(bill.lines)
    before = read(tmp_path, OPENAI_COST_BEFORE + f"{D1},0.8958740000000000,usd,,,org-2,Personal\n")
    assert told(before) == [(None, None, None, None, Decimal("0.895874"))]


def test_openai_s_usage_is_taken_apart_once(tmp_path: Path) -> None:
    row = f"{D1},p,9,u,k,gpt-audio-mini-2025-12-15,true,,1000,300,400,600,800,200,350,200,50,100,0,0,0\n"
    bill = read(tmp_path, OPENAI_USAGE + row)
    units = {line.usage_type: line.units for line in bill.lines}
    assert units == {
        "input": 450, "cached_input": 350, "output": 200, "audio_input": 150, "cached_audio_input": 50,
        "audio_output": 100,
    }  # fmt: skip
    assert sum(units.values()) == 1300
    assert {(line.service_tier, line.requests) for line in bill.lines} == {("batch", 9)}


def test_focus(tmp_path: Path) -> None:
    period = "2026-12-01T00:00:00Z,2026-11-01T00:00:00Z"
    day = "2026-11-03T00:00:00Z,2026-11-02T00:00:00Z"
    bill = read(
        tmp_path,
        FOCUS
        + f'0.25,acme,USD,{period},Usage,"gpt-4o, input",{day},100,1K tokens,OpenAI,API,sku,,\n'
        + f"1.5,acme,USD,{period},Usage,Claude,{day},2,Tokens,Anthropic,API,s,Output Tokens,"
        + '"{""x_Model"": ""claude-opus-4-1"", ""x_ServiceTier"": ""batch""}"\n'
        + f"-3,acme,USD,{period},Credit,Goodwill,{day},,,OpenAI,API,,,\n",
    )
    assert [(line.provider, line.account) for line in bill.lines] == [
        ("openai", "acme"), ("anthropic", "acme"), ("openai", "acme"),
    ]  # fmt: skip
    assert told(bill) == [
        ("gpt-4o", "input", "standard", 100_000, Decimal("0.25")),
        ("claude-opus-4-1", "output", "batch", 2, Decimal("1.5")),
        ("Credit", "credit", None, None, Decimal(-3)),
    ]


def test_who_billed_can_be_said(tmp_path: Path) -> None:
    row = "2026-11-01,Claude Haiku 4.5,Default,key,message,,output,0.05,0.05,token,,,a,active\n"
    bill = read(tmp_path, ANTHROPIC_COST + row, provider="AWS", account="prod")
    assert (bill.lines[0].provider, bill.lines[0].account) == ("aws", "prod")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gpt-5.5-2026-04-23, input", ("gpt-5.5-2026-04-23", "input", "standard")),
        ("ft:gpt-4o-mini-2024-07-18:acme::abc, output", ("ft:gpt-4o-mini-2024-07-18:acme::abc", "output", "standard")),
        ("priority | gpt-5.6-sol, output, long context", ("gpt-5.6-sol", "output", "priority")),
        ("gpt-4o-2024-08-06, batch input", ("gpt-4o-2024-08-06", "input", "batch")),
        ("gpt-audio-2025-12-15 audio, cached input", ("gpt-audio-2025-12-15", "cached_audio_input", "standard")),
        ("gpt-image-2.5-sunburst text, cached input", ("gpt-image-2.5-sunburst", "cached_input", "standard")),
        ("gpt-5-nano, input_tokens", ("gpt-5-nano", "input", "standard")),
        ("Vector storage", ("Vector storage", "other", "standard")),
    ],
)  # fmt: skip
def test_line_items(text: str, expected: tuple[str, str, str]) -> None:
    assert parse_line_item(text) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no line below it"),
        (ANTHROPIC_COST, "no line below it"),
        ("date,amount\n2026-11-01,1\n", "line 1: its columns are those of no bill that Tracemart knows"),
        (ANTHROPIC_COST + A_ROW + "1,1,token\n", "line 2: 10 fields where the header has 14"),
        (ANTHROPIC_COST + f"Nov{A_ROW[10:]}1{REST}", "line 2: usage_date_utc is 'Nov'"),
        (f"{ANTHROPIC_COST}{A_ROW}1{REST}{A_ROW}much{REST}", "line 3: cost_usd is 'much'; it must be a number"),
        (f"{ANTHROPIC_COST}{A_ROW}NaN{REST}", "line 2: cost_usd is 'NaN'"),
        (f"{ANTHROPIC_COST}{A_ROW}{REST}", "line 2: cost_usd is empty"),
        (ANTHROPIC_USAGE + "2026-11-01,claude,k,D,standard,,-1,0,0,0,0,0,,\n", "usage_input_tokens_no_cache is -1"),
        (OPENAI_COST_BEFORE + f"{D1},0.8,eur,,,org,P\n", "line 2: amount_currency is eur; a bill is compared"),
        (OPENAI_COST_BEFORE + "1793491200,1799999999,,,0.8,usd,,,org,P\n", "different months; export the costs by day"),
        (OPENAI_COST_BEFORE + f"{D1},,,,,,\n", "bills nothing on any of its 1 lines"),
        (OPENAI_USAGE + f"{D1},p,9,u,k,,,,1000,300,400,600,,,,,,,,,\n", "line 2: model is empty; group the export"),
        (OPENAI_USAGE + f"{D1},p,9,u,k,m,,,100,300,400,0,,,,,,,,,\n", "its parts are more than its input"),
        ('usage_date_utc,model,token_type,cost_usd\n2026-11-01,"Claude,output,1\n', "this is no CSV"),
        ("usage_date_utc,model,model,token_type,cost_usd\n2026-11-01,a,b,output,1\n", "model stands there twice"),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(BadInputError) as caught:
        read(tmp_path, text)
    assert said in str(caught.value)
    assert str(tmp_path / "bill.csv") in str(caught.value)


def test_a_file_that_is_no_text_or_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "bill.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInputError, match="no text in UTF-8"):
        read_bill(tmp_path / "bill.csv")
    with pytest.raises(BadInputError, match="cannot be read"):
        read_bill(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("unit", "factor"),
    [("Tokens", 1), ("1K tokens", 1000), ("1M Tokens", 1_000_000), ("Million Tokens", 1_000_000), ("1000 tokens", 1000),
     (None, 1), ("Requests", 1)],
)  # fmt: skip
def test_units(unit: str | None, factor: int) -> None:
    assert unit_factor(unit) == factor


def test_words_of_providers() -> None:
    assert [usage_type_of(word) for word in ("cached input", "input_cache_write_1h", "reasoning", "rainfall")] == [
        "cached_input", "cache_write", "output", "rainfall",
    ]  # fmt: skip
    assert [tier_of(word) for word in ("message_batch", "service tier: Flex", None)] == ["batch", "flex", "standard"]
