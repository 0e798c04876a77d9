"""A request log is served whole at its own dates, or refused whole with one sentence."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tracemart.errors import BadInputError
from tracemart.standin.workloads import WorkloadSpec, load_workload, workload_projects
from tracemart.standin.workloads.truth import truth_of

from .azure_logs import azure_log

HEADER = "TIMESTAMP,ContextTokens,GeneratedTokens"


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_row_is_a_trace_with_one_generation_at_its_own_time(tmp_path: Path) -> None:
    log = write(tmp_path / "My Log.csv", HEADER, "2023-11-16 18:15:46.6805900,374,44")

    workload = load_workload(log)

    (project,) = workload.projects
    assert (project.id, project.name) == ("my-log", "My Log")
    assert workload_projects(WorkloadSpec(file=log)) == [project]
    assert workload.as_of == datetime(2023, 11, 17, tzinfo=UTC)
    (row,) = workload.rows["my-log"].observations
    assert row.start_ms == 1_700_158_546_680
    assert (row.type, row.is_root, row.model) == ("GENERATION", True, "gpt-4o")
    assert row.usage() == {"input": 374, "output": 44, "total": 418}
    assert Decimal(truth_of(workload)["totals"]["cost_usd"]) == Decimal("0.001375")


def test_optional_columns_are_read_in_any_order(tmp_path: Path) -> None:
    log = write(
        tmp_path / "log.csv",
        "Error,User,GeneratedTokens,TIMESTAMP,Department,Agent,ContextTokens,Model,LatencyMs,Ignored",
        '"Timeout, upstream",ada,0,2026-01-31T23:59:59.999Z,sales,bot,12,claude-sonnet-5,1500.4,x',
        "false,,1,2026-02-01 00:00:00,,,1,,,",
    )

    workload = load_workload(log)

    first, second = workload.rows["log"].observations
    assert (first.level, first.status_message) == ("ERROR", "Timeout, upstream")
    assert first.context.user_id == "ada"
    assert first.context.metadata.whole() == {"agent": "bot", "department": "sales"}
    assert (first.model, first.end_ms - first.start_ms) == ("claude-sonnet-5", 1500)
    assert (second.level, second.model, second.context.metadata.whole()) == ("DEFAULT", "gpt-4o", {})
    assert workload.as_of == datetime(2026, 2, 2, tzinfo=UTC)


def test_the_same_file_gives_the_same_rows(tmp_path: Path) -> None:
    log = write(tmp_path / "log.csv", HEADER, *["2026-01-01 10:00:00,5,5"] * 3)
    first, second = load_workload(log).rows["log"], load_workload(log).rows["log"]
    assert first == second
    assert len({row.context.trace_id for row in first.observations}) == 3


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([HEADER], "log.csv: it has a header but no rows"),
        (["TIMESTAMP,ContextTokens"], "line 1: the header has no column GeneratedTokens"),
        (["a;b;c", "1;2;3"], "line 1: the header has no column TIMESTAMP and no column ContextTokens"),
        ([HEADER + ",Model,Model"], "line 1, column Model: the header names this column twice"),
        ([HEADER, "2026-01-01 10:00:00,5,5", "2026-01-01 10:00:00,-5,5"], "line 3, column ContextTokens: '-5' is no"),
        ([HEADER, "2026-01-01 10:00:00,5,1.5"], "line 2, column GeneratedTokens: '1.5' is no whole number"),
        ([HEADER, "2026-01-01 10:00:00,,5"], "line 2, column ContextTokens: '' is no whole number"),
        ([HEADER, "2026-01-01 10:00:00,٣,5"], "line 2, column ContextTokens: '٣' is no whole number"),
        ([HEADER, "2026-01-01 10:00:00,999999999,5"], "line 2, column ContextTokens: 999999999 is more than"),
        ([HEADER, "2026-01-01 10:00:00,5," + "9" * 400], "line 2, column GeneratedTokens: 999"),
        ([HEADER, "2026-02-30 10:00:00,5,5"], "line 2, column TIMESTAMP: '2026-02-30 10:00:00' is no time"),
        ([HEADER, "yesterday,5,5"], "line 2, column TIMESTAMP: 'yesterday' is no time"),
        ([HEADER, "1763337600,5,5"], "line 2, column TIMESTAMP: '1763337600' is no time"),
        ([HEADER, "2026-01-01 10:00:00+03:00,5,5"], "line 2, column TIMESTAMP"),
        ([HEADER, "0001-01-01 10:00:00,5,5"], "line 2, column TIMESTAMP: '0001-01-01 10:00:00' is not between"),
        ([HEADER, "2026-01-01 10:00:00,5"], "line 2: the row has 2 values where the header has 3"),
        ([HEADER, "2026-01-01 10:00:00,5,5,5"], "line 2: the row has 4 values where the header has 3"),
        ([HEADER, '2026-01-01 10:00:00,5,"5'], "not readable as CSV"),
        ([HEADER + ",LatencyMs", "2026-01-01 10:00:00,5,5,nan"], "line 2, column LatencyMs: 'nan' is no duration"),
        ([HEADER + ",LatencyMs", "2026-01-01 10:00:00,5,5,-1"], "line 2, column LatencyMs: '-1' is no duration"),
        ([HEADER + ",User", "2026-01-01 10:00:00,5,5," + "u" * 501], "line 2, column User: the value is longer"),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_whole_with_its_place(tmp_path: Path, lines: list[str], says: str) -> None:
    log = write(tmp_path / "log.csv", *lines)
    with pytest.raises(BadInputError) as caught:
        load_workload(log)
    message = str(caught.value)
    assert says in message
    assert message.startswith(str(log))
    assert message.endswith(".")
    assert "\n" not in message


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the file is empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "not UTF-8"),
        (b"PK\x03\x04\x00\x00abc\n1", "binary file"),
        (HEADER.encode() + b"\n2026-01-01 10:00:00,5,5\n2026-01-01 10:00:00,\xff,5\n", "not UTF-8"),
        (HEADER.encode("utf-16"), "not UTF-8"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    log = tmp_path / "log.csv"
    log.write_bytes(content)
    with pytest.raises(BadInputError, match=says):
        load_workload(log)


def test_a_file_that_is_not_there_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.csv", tmp_path):
        with pytest.raises(BadInputError, match="cannot be read"):
            load_workload(path)


@pytest.mark.parametrize("prefix", ["", "\ufeff"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_byte_order_marks_and_windows_line_ends_are_welcome(tmp_path: Path, prefix: str, newline: str) -> None:
    log = tmp_path / "log.csv"
    log.write_bytes((prefix + newline.join([HEADER, "2026-01-01 10:00:00,5,6", ""])).encode())
    assert truth_of(load_workload(log))["totals"]["tokens"] == {"input": 5, "output": 6, "total": 11}


FIRST, LAST = datetime(2001, 1, 1), datetime(2099, 1, 1)  # noqa: DTZ001
REQUESTS = st.lists(
    st.tuples(st.datetimes(FIRST, LAST), st.integers(0, 10**6), st.integers(0, 10**6)),
    min_size=1, max_size=30,
)  # fmt: skip


@given(REQUESTS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
def test_no_request_and_no_token_is_lost(tmp_path: Path, requests: list[tuple[datetime, int, int]]) -> None:
    log = write(tmp_path / "log.csv", HEADER, *(f"{moment},{prompt},{answer}" for moment, prompt, answer in requests))

    workload = load_workload(log)

    totals = truth_of(workload)["totals"]
    assert totals["calls"] == len(requests)
    assert totals["tokens"]["input"] == sum(request[1] for request in requests)
    assert totals["tokens"]["output"] == sum(request[2] for request in requests)
    last = max(request[0] for request in requests)
    assert workload.as_of.date().toordinal() == last.date().toordinal() + 1


@given(st.binary(max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80)
def test_any_bytes_are_served_or_refused_but_never_crash(tmp_path: Path, content: bytes) -> None:
    log = tmp_path / "log.csv"
    log.write_bytes(content)
    with pytest.raises(BadInputError):
        load_workload(log)


@pytest.mark.parametrize(
    ("name", "calls", "prompts", "answers"),
    [("conv", 19_366, 22_361_870, 4_088_665), ("code", 8_819, 18_059_974, 245_896)],
)
def test_the_azure_logs_have_their_known_totals(name: str, calls: int, prompts: int, answers: int) -> None:
    workload = load_workload(azure_log(name))
    totals = truth_of(workload)["totals"]
    assert (totals["calls"], totals["tokens"]["input"], totals["tokens"]["output"]) == (calls, prompts, answers)
    assert workload.as_of == datetime(2023, 11, 17, tzinfo=UTC)
