"""Pages that are cut oddly: empty or short ones that go on, and a last row that the next page repeats."""

from __future__ import annotations

from starlette.requests import Request

from tracemart.standin.faults.answers import TIMED_OUT
from tracemart.standin.faults.run import FaultRun
from tracemart.standin.faults.schedule import Fault
from tracemart.standin.problems import ApiError


def fault_run(request: Request) -> FaultRun | None:
    """The faults of the server that answers."""
    run: FaultRun | None = request.app.state.faults
    return run


def page_faults(request: Request) -> list[Fault]:
    faults: list[Fault] = getattr(request.state, "page_faults", [])
    return faults


def oddly_cut(faults: list[Fault], rows: int, *, goes_on: bool, skips: bool) -> tuple[int, int | None]:
    """How many of a page's `rows` are given, and how many of them lie behind its cursor; None: no cursor.

    An empty page's cursor skips time without rows, so that each page gets further; where there is none to
    skip, a page of one row comes instead.
    """
    given, behind = rows, rows if goes_on else None
    for fault in faults:
        if fault.kind == "empty_page" and skips and rows:
            return 0, 0
        if fault.kind in ("empty_page", "short_page"):
            kept = max(1, int(given * fault.share)) if fault.kind == "short_page" else 1
            if kept < given:
                given = behind = kept
        elif behind is not None and given > 1:
            behind = given - 1
    return given, behind


def check_window(run: FaultRun | None, rows: int, limit: int) -> None:
    """Raises 422 if the server of `run` cannot answer a window of so many rows in time; one row it always can."""
    if run is not None and limit > 1 and run.is_too_wide(rows):
        raise ApiError(422, TIMED_OUT)
