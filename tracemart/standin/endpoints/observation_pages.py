"""A page of observations: a range of the project's rows, or those that conditions chose, and its JSON."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

import orjson

from tracemart.standin.filters import Condition
from tracemart.standin.render import ObservationFields, observation_rows
from tracemart.standin.rows import Observation
from tracemart.standin.store import ObservationPosition, ProjectStore

Window = tuple[int | None, int | None, ObservationPosition | None]


class ObservationPage(Protocol):
    """`rows` rows, newest first; `goes_on` says whether more follow in the window."""

    @property
    def rows(self) -> int: ...

    @property
    def goes_on(self) -> bool: ...

    def row(self, place: int) -> Observation: ...

    def json(self, rows: int, fields: ObservationFields) -> bytes:
        """The first `rows` rows, joined by commas."""
        ...


def asked_page(project: ProjectStore, window: Window, size: int, wanted: list[Condition]) -> ObservationPage:
    """At most `size` rows of a window `(from_ms, before_ms, after)` for which all of `wanted` hold."""
    if not wanted:
        low, high = project.bounds(*window)
        return _Range(project, high, min(size, high - low), goes_on=bool(size) and high - low > size)
    found = (row for row in project.window(*window) if all(holds(row) for holds in wanted))
    chosen = list(islice(found, size + 1)) if size else []
    return _Chosen(project, chosen[:size], goes_on=len(chosen) > size)


def rendered_rows(project: ProjectStore, rows: list[Observation], fields: ObservationFields) -> list[dict[str, Any]]:
    return observation_rows(rows, project.id, project.prices, fields)


@dataclass(frozen=True)
class _Range:
    project: ProjectStore
    high: int
    rows: int
    goes_on: bool

    def row(self, place: int) -> Observation:
        return self.project.observations_at(self.high - place - 1, self.high - place)[0]

    def json(self, rows: int, fields: ObservationFields) -> bytes:
        return self.project.page_json(self.high - rows, self.high, fields) if rows else b""


@dataclass(frozen=True)
class _Chosen:
    project: ProjectStore
    chosen: list[Observation]
    goes_on: bool

    @property
    def rows(self) -> int:
        return len(self.chosen)

    def row(self, place: int) -> Observation:
        return self.chosen[place]

    def json(self, rows: int, fields: ObservationFields) -> bytes:
        return orjson.dumps(rendered_rows(self.project, self.chosen[:rows], fields))[1:-1]
