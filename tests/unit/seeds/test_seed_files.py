"""Each file of a team is refused whole for its first bad row, which the message names."""

from datetime import date
from pathlib import Path

import pytest

from tracemart.errors import BadInputError
from tracemart.seeds import SEEDS
from tracemart.seeds.attribution import check_attribution
from tracemart.seeds.budgets import check_budgets
from tracemart.seeds.commitments import check_commitments
from tracemart.seeds.quality import check_quality_scores
from tracemart.seeds.rates import check_rates, first_day_without_rate

HEADS = {
    name: (SEEDS / f"{name}.csv").read_text().splitlines()[0]
    for name in ("attribution_mapping", "quality_scores", "budgets", "commitments", "exchange_rates")
}
KNOWN = {"department": {"Sales", "Legal", "Support"}}
CHECKS = {
    "attribution_mapping": check_attribution,
    "quality_scores": check_quality_scores,
    "budgets": lambda file: check_budgets(file, KNOWN),
    "commitments": check_commitments,
    "exchange_rates": check_rates,
}


def seed(folder: Path, name: str, *lines: str) -> Path:
    file = folder / "seeds" / f"{name}.csv"
    file.parent.mkdir(exist_ok=True)
    file.write_text("\n".join([HEADS[name], *lines]) + "\n")
    return file


@pytest.mark.parametrize("name", CHECKS)
def test_the_seeds_that_come_with_the_project_are_good(name: str) -> None:
    CHECKS[name](SEEDS / f"{name}.csv")


@pytest.mark.parametrize(
    ("name", "lines", "says"),
    [
        ("attribution_mapping", ["department,user_id,ann,Sales,", "department,user_id,ann,Legal,"],
         "line 3: user_id 'ann' has the department 'Legal' here and 'Sales' in line 2, both always; keep one"),
        ("attribution_mapping", ["team,trace_name,a,x,2026-01-01", "team,trace_name,a,x,2026-01-01"],
         "line 3: trace_name 'a' has the team 'x' here and 'x' in line 2, both from 2026-01-01"),
        ("attribution_mapping", ["cost center,user_id,ann,Sales,"],
         "line 2: dimension is 'cost center'; write department, team, agent or feature"),
        ("attribution_mapping", ["team,user_id,ann,x,01/02/2026"],
         "line 2: valid_from is '01/02/2026', which is no date; write it as 2026-01-31"),
        ("attribution_mapping", ["team,user_id,ann"], "line 2: it has 3 values for 5 columns"),
        ("quality_scores", ["q,1,0,higher,1,"], "line 2: minimum 1 is not below maximum 0"),
        ("quality_scores", ["q,0,1,higher,-1,"], "line 2: weight is -1; it must be 0 or more"),
        ("quality_scores", ["q,0,1,higher,1,2"], "line 2: success_at 2 lies outside of 0 to 1"),
        ("quality_scores", ["q,0,1,higher,1,", "q,0,1,lower,1,"], "line 3: it tells the score of line 2 again"),
        ("budgets", ["b,department,sale,month,5,2026-01-01,,,"],
         "line 2: there is no department 'sale': did you mean 'Sales'?"),
        ("budgets", ["b,department,xyz,month,5,2026-01-01,,,"], "known are Legal, Sales, Support?"),
        ("budgets", ["b,all,,month,-5,2026-01-01,,,"], "line 2: limit_usd is -5; it must be more than 0"),
        ("budgets", ["b,all,,month,\"1,000\",2026-01-01,,,"], "line 2: limit_usd is '1,000', which is no number"),
        ("budgets", ["b,all,,month,NaN,2026-01-01,,,"], "line 2: limit_usd is 'NaN', which is no number"),
        ("budgets", ["b,all,,week,5,2026-01-01,,,"], "line 2: period is 'week'; write month, quarter, year,"),
        ("budgets", ["b,all,,month,5,2026-02-01,2026-01-01,,"], "line 2: last_date 2026-01-01 lies before first_date"),
        ("budgets", ["b,all,,month,5,2026-01-01,,80,"], "line 2: warn_at is 80; write a share of the limit"),
        ("budgets", ["b,all,,month,5,2026-01-01,,,", "b,all,,month,6,2026-03-01,,,"],
         "line 3: the budget 'b' of line 2 still holds on 2026-03-01; end that one the day before"),
        ("commitments", ["c,,,v,m,d,t,a,2026-01-01,,5,day"], "line 2: last_date is empty; fill it in"),
        ("commitments", ["c,,,v,m,d,t,a,2026-01-01,2026-02-30,5,day"], "'2026-02-30', which is no date"),
        ("commitments", ["c,,,v,m,d,t,a,2026-01-01,2026-01-31,-5,day"], "line 2: cost_usd is -5; it must be 0 or more"),
        ("commitments", ["c,,,v,m,d,t,a,2026-01-01,2026-01-31,5,week"], "is 'week'; write period, day or hour"),
        ("commitments", 2 * ["c,,,v,m,d,t,a,2026-01-01,2026-01-31,5,day"],
         "line 3: it has commitment and first_date of line 2 again"),
        ("exchange_rates", ["2026-01-01,EUR,0"], "line 2: units_per_usd is 0; it must be more than 0"),
        ("exchange_rates", ["2026-01-01,EUR,0.9", "2026-01-01,EUR,0.8"],
         "line 3: it has currency and rate_date of line 2 again"),
        ("exchange_rates", ["2026-01-01,eur,0.9"], "line 2: currency is 'eur'; write its three letters"),
        ("exchange_rates", ["2026-01-01,EUR,0,92"], "line 2: it has 4 values for 3 columns"),
    ],
)  # fmt: skip
def test_a_bad_row_is_named(tmp_path: Path, name: str, lines: list[str], says: str) -> None:
    with pytest.raises(BadInputError) as raised:
        CHECKS[name](seed(tmp_path, name, *lines))
    assert str(raised.value).startswith(f"seeds/{name}.csv, line ")
    assert says in str(raised.value)


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    file = tmp_path / "exchange_rates.csv"
    with pytest.raises(BadInputError, match="is missing; put it back, its first line is rate_date,currency"):
        check_rates(file)
    file.write_text("day,currency,rate\n")
    with pytest.raises(BadInputError, match="line 1: the columns are day,currency,rate; write rate_date,currency,"):
        check_rates(file)
    file.write_bytes("rate_date,currency,units_per_usd\n2026-01-01,\xc4,1\n".encode("latin-1"))
    with pytest.raises(BadInputError, match="not written in UTF-8"):
        check_rates(file)


def test_a_spreadsheet_s_mark_and_empty_lines_do_no_harm(tmp_path: Path) -> None:
    file = tmp_path / "exchange_rates.csv"
    file.write_text("\ufeffcurrency,rate_date,units_per_usd\r\n\r\nEUR, 2026-01-02 ,0.9\r\n,,\r\n")
    assert check_rates(file) == {"EUR": [date(2026, 1, 2)]}


def test_budgets_may_name_anything_while_nothing_is_known(tmp_path: Path) -> None:
    check_budgets(seed(tmp_path, "budgets", "b,department,anyone,month,5,2026-01-01,,,"), {})


def test_a_budget_may_follow_another_of_its_name(tmp_path: Path) -> None:
    lines = ["b,all,,month,6,2026-03-01,,0.7,0.9", "b,all,,month,5,2026-01-01,2026-02-28,,"]
    check_budgets(seed(tmp_path, "budgets", *lines), KNOWN)


def test_a_rate_covers_as_many_days_as_it_may() -> None:
    friday, monday = date(2026, 11, 20), date(2026, 11, 23)
    needed = {date(2026, 11, day) for day in range(20, 26)}
    assert first_day_without_rate(needed, [friday, monday], 0) == date(2026, 11, 21)
    assert first_day_without_rate(needed, [friday, monday], 2) is None
    assert first_day_without_rate(needed, [monday], 2) == friday
