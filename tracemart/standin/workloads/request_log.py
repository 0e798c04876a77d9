"""A workload from a request log in CSV: each row one trace with one generation, at its own date.

Columns `TIMESTAMP,ContextTokens,GeneratedTokens`, optional `Model,Agent,Department,User,LatencyMs,Error`,
in any order; other columns are not read. A file with anything wrong in it is refused whole.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

from tracemart.errors import BadInputError
from tracemart.standin.prices import PriceBook, cost_of
from tracemart.standin.rows import Metadata, Observation, TraceContext
from tracemart.standin.timestamps import from_datetime, to_datetime
from tracemart.standin.workloads.workload import ProjectRows, Workload, WorkloadProject

REQUIRED = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")
OPTIONAL = ("Model", "Agent", "Department", "User", "LatencyMs", "Error")
DEFAULT_MODEL = "gpt-4o"

MAXIMUM_TOKENS = 100_000_000
MAXIMUM_LATENCY_MS = 7 * 86_400_000
_LONGEST_TEXT = 500
_EARLIEST, _LATEST = 2000, 2099
_TIMESTAMP = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?\s*(?:Z|UTC|\+00:?00)?\Z", re.ASCII
)
_WHOLE = re.compile(r"\d+\Z", re.ASCII)
_NO_ERROR = {"", "0", "false", "no", "none"}
_BARE_ERROR = {"1", "true", "yes", "error"}

# A pace for logs without `LatencyMs`: time to read the prompt, then a token at a time.
_FIRST_TOKEN_MS, _PER_PROMPT_TOKEN_MS, _PER_TOKEN_MS = 180, 0.06, 18


@dataclass(frozen=True)
class _Request:
    line: int
    start_ms: int
    prompt: int
    answer: int
    model: str
    agent: str
    department: str
    user: str
    latency_ms: int | None
    error: str


def project_of_log(path: Path) -> WorkloadProject:
    """The one project a log is served as, named after the file; the file is not opened."""
    slug = re.sub(r"[^a-z0-9]+", "-", path.stem.lower()).strip("-") or "request-log"
    return WorkloadProject(slug, path.stem)


def load_workload(path: Path) -> Workload:
    """Read a log; `as_of` is the first midnight UTC after its last row.

    Raises BadInputError, one sentence with file, line and column, for anything that is not such a log. Ids
    come from the file's project and the row's line, so the same file gives the same rows.
    """
    requests = list(_read(path))
    if not requests:
        _refuse(path, "it has a header but no rows; add at least one request")
    project = project_of_log(path)
    prices = PriceBook()
    contexts = _Contexts()
    observations = [_observation(project.id, request, prices, contexts) for request in requests]
    last = to_datetime(max(request.start_ms for request in requests))
    as_of = last.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return Workload(path.stem, as_of, {project.id: ProjectRows(project, observations)})


def _refuse(path: Path, problem: str, line: int | None = None, column: str | None = None) -> NoReturn:
    place = f"{path}" + (f", line {line}" if line else "") + (f", column {column}" if column else "")
    raise BadInputError(f"{place}: {problem}.")


def _read(path: Path) -> Iterator[_Request]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, strict=True)
            header = next(rows, None)
            if header is None:
                _refuse(path, "the file is empty; it needs a header and at least one request")
            places = _places(path, header)
            for row in rows:
                if row:
                    yield _request(path, rows.line_num, row, header, places)
    except UnicodeDecodeError:
        _refuse(path, "this is not UTF-8 text; save the log as a CSV in UTF-8")
    except csv.Error as error:
        _refuse(path, f"this is not readable as CSV ({error}); check its quotes and line ends", rows.line_num)
    except OSError as error:
        _refuse(path, f"the file cannot be read ({error.strerror}); check its name and permissions")


def _places(path: Path, header: list[str]) -> dict[str, int]:
    names = [name.strip() for name in header]
    if any("\0" in name for name in names):
        _refuse(path, "this is a binary file; a request log is a CSV text", 1)
    for name in (*REQUIRED, *OPTIONAL):
        if names.count(name) > 1:
            _refuse(path, "the header names this column twice; keep one of them", 1, name)
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        _refuse(path, f"the header has no column {' and no column '.join(missing)}; it needs {','.join(REQUIRED)}", 1)
    return {name: names.index(name) for name in (*REQUIRED, *OPTIONAL) if name in names}


def _request(path: Path, line: int, row: list[str], header: list[str], places: dict[str, int]) -> _Request:
    if len(row) != len(header):
        _refuse(path, f"the row has {len(row)} values where the header has {len(header)}", line)
    values = {name: row[place].strip() for name, place in places.items()}
    for name, value in values.items():
        if "\0" in value:
            _refuse(path, "there is a NUL byte, so this is no text file", line, name)
        if len(value) > _LONGEST_TEXT:
            _refuse(path, f"the value is longer than {_LONGEST_TEXT} characters", line, name)
    start_ms = _start(path, line, values["TIMESTAMP"])
    error = values.get("Error", "")
    if error.lower() in _NO_ERROR:
        error = ""
    elif error.lower() in _BARE_ERROR:
        error = "error"
    return _Request(
        line, start_ms,
        _count(path, line, "ContextTokens", values["ContextTokens"], MAXIMUM_TOKENS),
        _count(path, line, "GeneratedTokens", values["GeneratedTokens"], MAXIMUM_TOKENS),
        values.get("Model") or DEFAULT_MODEL,
        values.get("Agent", ""), values.get("Department", ""), values.get("User", ""),
        _latency(path, line, values.get("LatencyMs", "")), error,
    )  # fmt: skip


def _start(path: Path, line: int, text: str) -> int:
    found = _TIMESTAMP.match(text)
    if found:
        try:
            moment = datetime(*(int(part) for part in found.groups()[:6]), tzinfo=UTC)  # type: ignore[misc,arg-type]
        except ValueError:
            found = None
    if not found:
        _refuse(path, f"{text[:40]!r} is no time; write it like 2023-11-16 18:15:46.6805900, in UTC", line, "TIMESTAMP")
    if not _EARLIEST <= moment.year <= _LATEST:
        _refuse(path, f"{text[:40]!r} is not between {_EARLIEST} and {_LATEST}", line, "TIMESTAMP")
    return from_datetime(moment) + int((found[7] or "0").ljust(3, "0")[:3])


def _count(path: Path, line: int, column: str, text: str, maximum: int) -> int:
    if not _WHOLE.match(text):
        _refuse(path, f"{text[:40]!r} is no whole number of 0 or more", line, column)
    # A number of many thousand digits must be refused before it is converted.
    value = int(text) if len(text) <= 20 else maximum + 1
    if value > maximum:
        _refuse(path, f"{text[:40]} is more than a request can have ({maximum:,})", line, column)
    return value


def _latency(path: Path, line: int, text: str) -> int | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= MAXIMUM_LATENCY_MS:
        _refuse(path, f"{text[:40]!r} is no duration between 0 and {MAXIMUM_LATENCY_MS:,} ms", line, "LatencyMs")
    return round(value)


class _Contexts:
    """Metadata shared by the rows of the same agent and department."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Metadata] = {}

    def metadata(self, agent: str, department: str) -> Metadata:
        key = (agent, department)
        if key not in self._known:
            named = {"agent": agent, "department": department}
            self._known[key] = Metadata.of({name: value for name, value in named.items() if value})
        return self._known[key]


def _observation(project_id: str, request: _Request, prices: PriceBook, contexts: _Contexts) -> Observation:
    digest = hashlib.blake2b(f"{project_id}/{request.line}".encode(), digest_size=24).hexdigest()
    model = prices.match(request.model)
    keys = ("input", "output", "total")
    values = (request.prompt, request.answer, request.prompt + request.answer)
    tier = model.tier_for(dict(zip(keys, values, strict=True)), {}) if model else None
    cost_keys, cost_values = cost_of(tier, keys, values) if tier else ((), ())
    first_ms = _FIRST_TOKEN_MS + round(request.prompt * _PER_PROMPT_TOKEN_MS)
    if request.latency_ms is not None:
        first_ms = min(first_ms, request.latency_ms)
    latency_ms = request.latency_ms
    if latency_ms is None:
        latency_ms = first_ms + request.answer * _PER_TOKEN_MS
    name = request.agent or "request"
    return Observation(
        TraceContext(
            digest[:32], user_id=request.user, environment="production",
            tags=(request.agent,) if request.agent else (),
            metadata=contexts.metadata(request.agent, request.department),
        ),
        digest[32:], None, "GENERATION", name, request.start_ms, request.start_ms + latency_ms,
        request.start_ms + latency_ms + 900, name, "ERROR" if request.error else "DEFAULT", request.error,
        request.start_ms + first_ms if request.answer else None, True, request.model, model.id if model else "",
        tier.id if tier else None, tier.name if tier else None, {}, keys, values, cost_keys, cost_values,
    )  # fmt: skip
