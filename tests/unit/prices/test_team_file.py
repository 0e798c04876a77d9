"""The team's price file: what it says, and what is refused."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracemart.errors import BadInputError
from tracemart.prices.pieces import ALWAYS, FOREVER, Piece
from tracemart.prices.team import pattern, team_pieces
from tracemart.prices.team_file import COLUMNS, MODEL_PRICES
from tracemart.settings import PROJECT_ROOT

HEADER = ",".join(COLUMNS)


def write(folder: Path, *lines: str) -> Path:
    file = folder / "seeds" / "model_prices.csv"
    file.parent.mkdir(exist_ok=True)
    file.write_text("\n".join([HEADER, *lines, ""]))
    return file


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_the_file_ships_with_its_header_alone() -> None:
    assert MODEL_PRICES.read_text() == HEADER + "\n"
    assert team_pieces(MODEL_PRICES) == []


def test_aliases_may_name_who_else_serves(tmp_path: Path) -> None:
    file = write(tmp_path, "Basement,,,,,,0.1,,,,")
    assert {piece.served_by for piece in team_pieces(file, frozenset({"basement"}))} == {"basement"}


def test_lines_of_one_entry_are_cut_where_any_of_them_begins_or_ends(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        "openai,gpt-4o,,input,2.00,,,,2026-01-01,2026-06-30,",
        "openai,gpt-4o,,input,1.80,,,,2026-07-01,,",
        "openai,gpt-4o,,output,8,,0.1,,2026-04-01,,",
    )
    pieces = team_pieces(file)
    assert [(piece.valid_from, piece.valid_until) for piece in pieces] == [
        (day("2026-01-01"), day("2026-04-01")),
        (day("2026-04-01"), day("2026-07-01")),
        (day("2026-07-01"), FOREVER),
    ]
    assert [dict(piece.prices) for piece in pieces] == [
        {"input": Decimal("0.000002")},
        {"input": Decimal("0.000002"), "output": Decimal("0.000008")},
        {"input": Decimal("0.0000018"), "output": Decimal("0.000008")},
    ]
    assert [piece.discount for piece in pieces] == [None, Decimal("0.1"), Decimal("0.1")]
    assert {(piece.served_by, piece.model, piece.service_tier, piece.cost_basis) for piece in pieces} == {
        ("openai", "gpt-4o", "standard", "negotiated")
    }


def test_the_example_of_the_runbook_is_a_good_file(tmp_path: Path) -> None:
    (example,) = re.findall(
        rf"^```\n({HEADER}\n.*?)^```$", (PROJECT_ROOT / "docs" / "runbook.md").read_text(), re.S | re.M
    )
    pieces = team_pieces(write(tmp_path, *example.splitlines()[1:]))
    assert {piece.discount for piece in pieces} == {Decimal("0.15"), None}
    assert {piece.cost_basis for piece in pieces if piece.prices} == {"self_hosted"}


def test_a_discount_alone_holds_for_every_tier(tmp_path: Path) -> None:
    pieces = team_pieces(write(tmp_path, "openai,,,,,,0.15,,2026-07-01,,"))
    assert [piece.service_tier for piece in pieces] == ["standard", "batch", "flex", "priority", "fast"]
    assert {(piece.discount, len(piece.prices), piece.model) for piece in pieces} == {(Decimal("0.15"), 0, None)}


def test_tiers_take_the_highest_that_is_reached(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        ",gemini-2.5-pro,,input,1,,,,,,",
        ",gemini-2.5-pro,,input,2,,,,,,200000",
        ",gemini-2.5-pro,,output,9,,,,,,",
    )
    low, high = team_pieces(file)
    assert (low.above_input_tokens, low.up_to_input_tokens) == (-1, 200000)
    assert (high.above_input_tokens, high.up_to_input_tokens) == (200000, None)
    assert (low.prices["input"], high.prices["input"]) == (Decimal("0.000001"), Decimal("0.000002"))
    assert low.prices["output"] == high.prices["output"]


def test_a_star_stands_for_anything_and_nothing_else_does(tmp_path: Path) -> None:
    (piece,) = team_pieces(write(tmp_path, ",House.Llama-*,,request,,0.002,,self_hosted,,,"))
    assert (piece.model, piece.model_pattern, piece.cost_basis) == (None, r"^house\.llama-.*$", "self_hosted")
    assert (piece.valid_from, piece.valid_until) == (ALWAYS, FOREVER)
    assert re.search(pattern("a.b*"), "a.bcd")
    assert not re.search(pattern("a.b*"), "axbcd")


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("openai,gpt-4o,,input,-1,,,,,,", "usd_per_million_tokens is -1; it must be 0 or more"),
        ("openai,gpt-4o,,input,2 dollars,,,,,,", "usd_per_million_tokens is '2 dollars', which is no number"),
        ('openai,gpt-4o,,input,"1,5",,,,,,', "usd_per_million_tokens is '1,5', which is no number"),
        (
            "openai,gpt-4o,,web_search,10,,,,,,",
            "web_search is not counted in tokens; write its price into usd_per_unit",
        ),
        ("openai,gpt-4o,,tokens,10,,,,,,", "usage_type is 'tokens'; write input, cached_input"),
        ("openai,gpt-4o,cheap,input,1,,,,,,", "service_tier is 'cheap'; write standard, batch, flex, priority or fast"),
        ("openai,gpt-4o,,input,1,,1.5,,,,", "discount is 1.5; write a share from 0 to 1"),
        ("openai,gpt-4o,,input,1,,-0.1,,,,", "discount is -0.1; write a share from 0 to 1"),
        ("openai,gpt-4o,,input,1,,,list,,,", "cost_basis is 'list'; write negotiated or self_hosted"),
        ("openai,gpt-4o,,input,1,,,,2026-02-30,,", "valid_from is '2026-02-30', which is no date"),
        (
            "openai,gpt-4o,,input,1,,,,2026-03-02,2026-03-01,",
            "valid_until 2026-03-01 lies before valid_from 2026-03-02",
        ),
        ("openai,gpt-4o,,input,1,,,,,,1.5", "above_input_tokens is 1.5; write a whole number of tokens"),
        ("openai,gpt-4o,,input,1,2,,,,,", "usd_per_million_tokens and usd_per_unit are both filled in; keep one"),
        ("openai,gpt-4o,,input,,,0.1,,,,", "a discount holds for all usage types; leave usage_type empty"),
        ("openai,gpt-4o,,,1,,,,,,", "usage_type is empty beside a price"),
        ("openai,gpt-4o,,input,,,,,,,", "it gives neither a price nor a discount"),
        (",,,input,1,,,,,,", "served_by and model are both empty"),
        ("opnai,,,,,,0.1,,,,", "nobody is known to serve models as 'opnai': did you mean 'openai'?"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, sentence: str) -> None:
    file = write(tmp_path, "openai,gpt-4o-mini,,input,1,,,,,,", line)
    with pytest.raises(BadInputError) as refused:
        team_pieces(file)
    assert str(refused.value).startswith(f"seeds/model_prices.csv, line 3: {sentence}")


@pytest.mark.parametrize(
    ("first", "second", "sentence"),
    [
        ("openai,gpt-4o,,input,2,,,,,2026-06-30,", "OpenAI,GPT-4o,,input,1,,,,2026-06-30,,", "the input price"),
        ("openai,,,,,,0.1,,,,", "openai,,batch,,,,0.2,,,,", "the discount of the same models holds at the same time"),
        (",m,,input,1,,0.1,,,,", ",m,,output,1,,0.2,,,,", "discount 0.2 and that of line 2, 0.1, hold"),
        (",m,,input,1,,,self_hosted,,,", ",m,,output,1,,,,,,", "cost_basis is negotiated and self_hosted in line 2"),
    ],
)  # fmt: skip
def test_lines_that_contradict_each_other_are_refused(tmp_path: Path, first: str, second: str, sentence: str) -> None:
    with pytest.raises(BadInputError) as refused:
        team_pieces(write(tmp_path, first, second))
    assert str(refused.value).startswith("seeds/model_prices.csv, line 3: ")
    assert sentence in str(refused.value)


def test_neighbouring_periods_and_other_tiers_do_not_overlap(tmp_path: Path) -> None:
    pieces = team_pieces(
        write(
            tmp_path,
            "openai,gpt-4o,,input,2,,,,,2026-06-30,",
            "openai,gpt-4o,,input,1,,,,2026-07-01,,",
            "openai,gpt-4o,batch,input,1,,,,,,",
            "azure,gpt-4o,,input,3,,,,,,",
        )
    )
    assert len(pieces) == 4


days = st.dates(datetime(2026, 1, 1, tzinfo=UTC).date(), datetime(2026, 12, 31, tzinfo=UTC).date())


@given(
    st.lists(
        st.tuples(days, days, st.sampled_from(["input", "output"]), st.sampled_from([0, 1000, 200000])), max_size=8
    )
)
def test_pieces_of_any_accepted_file_are_disjoint(
    tmp_path_factory: pytest.TempPathFactory, lines: list[tuple[object, object, str, int]]
) -> None:
    folder = tmp_path_factory.mktemp("prices")
    file = write(folder, *(f",m,,{kind},1,,,,{first},{last},{above}" for first, last, kind, above in lines))
    try:
        pieces = team_pieces(file)
    except BadInputError:
        return
    assert not any(_overlap(one, other) for one, other in combinations(pieces, 2))
    covered = sum((piece.valid_until - piece.valid_from for piece in pieces), timedelta())
    assert (covered > timedelta()) == bool(lines)


def _overlap(one: Piece, other: Piece) -> bool:
    return (
        one.service_tier == other.service_tier
        and one.valid_from < other.valid_until
        and other.valid_from < one.valid_until
        and (one.up_to_input_tokens is None or other.above_input_tokens < one.up_to_input_tokens)
        and (other.up_to_input_tokens is None or one.above_input_tokens < other.up_to_input_tokens)
    )
