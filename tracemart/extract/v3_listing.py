"""The numbered listings of Langfuse's v3 API, read so that nothing is lost while they move.

They are cut by OFFSET, newest first, with no order among rows of one time (langfuse.md, 1.5): a row that comes or goes
shifts all pages after it. So only first pages are read, each up to the time at which the last one ended; numbers lead
on only through more rows of one millisecond than fit a page, and there a listing that moved is read again.
`totalItems` counts versions that are no rows and is never held against them (0b.17).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from tracemart.errors import LangfuseOverloadedError, LangfuseResponseError
from tracemart.extract.catalogue_pages import rows_of
from tracemart.extract.client import LangfuseClient
from tracemart.extract.slices import Slice, as_parameter, floor_to_millisecond

ROWS_A_PAGE = 100
READS_OF_A_MOVING_LISTING = 5
MILLISECOND = timedelta(milliseconds=1)
# Some servers refuse a listing of traces without a start, or choose one themselves: nothing in Langfuse is older.
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
PROMPT_AND_ANSWER = ("input", "output")


@dataclass(frozen=True)
class Listing:
    """A listing that takes two times; `time` is the key of its rows that they bound."""

    path: str
    from_parameter: str
    to_parameter: str
    time: str
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Page:
    rows: list[Any]
    total: int
    pages: int


@dataclass(frozen=True)
class ListingReader:
    """Reads one listing. Without `keep_io` rows come without prompts and answers, which some are sent with anyway."""

    client: LangfuseClient
    listing: Listing
    keep_io: bool = False

    def pages(self, cut: Slice) -> Iterator[list[Any]]:
        """All rows of one slice; one that was changed meanwhile may come twice.

        Raises LangfuseOverloadedError where too many rows of one time change too fast, and what `client.get` raises.
        """
        end = cut.end
        while cut.start < end:
            rest = Slice(cut.start, end)
            page = self._page(rest, 1)
            if page.pages <= 1:
                yield page.rows
                return
            edge = self._edge(page.rows, rest)
            if edge is None:
                yield self._all_that_stood_still(rest)
                return
            if edge + MILLISECOND < end:
                # More of that millisecond may stand on the next page, so it is left to the next request as a whole.
                end = edge + MILLISECOND
                yield [row for row in page.rows if not cut.start <= self._time(row) < end]
            else:
                yield self._all_that_stood_still(Slice(edge, end))
                end = edge

    def is_empty_before(self, moment: datetime) -> bool:
        """Whether nothing at all happened before that moment."""
        return not self._page(Slice(EARLIEST, moment), 1, limit=1).rows

    def newest_before(self, moment: datetime) -> list[Any]:
        """The last rows before that moment, a page of them."""
        return self._page(Slice(EARLIEST, moment), 1).rows

    def _edge(self, rows: list[Any], cut: Slice) -> datetime | None:
        """The time of the page's oldest row; None where the order tells nothing of what follows."""
        try:
            times = [self._time(row) for row in rows]
        except (KeyError, TypeError, ValueError, OverflowError):
            return None
        if any(earlier < later for earlier, later in pairwise(times)):
            return None
        # A row whose time was changed a moment ago is listed where it was, and says where it is.
        inside = [time for time in times if cut.start <= time < cut.end]
        return max(floor_to_millisecond(inside[-1]), cut.start) if inside else None

    def _time(self, row: Any) -> datetime:
        moment = datetime.fromisoformat(row[self.listing.time])
        if moment.tzinfo is None:
            raise ValueError("no time zone")
        return moment

    def _all_that_stood_still(self, cut: Slice) -> list[Any]:
        """All pages by number, read again until nothing moved meanwhile."""
        for _ in range(READS_OF_A_MOVING_LISTING):
            rows = self._numbered_pages(cut)
            if rows is not None:
                return rows
        raise LangfuseOverloadedError(
            f"{self.client.where} changes {self.listing.path} between {as_parameter(cut.start)} and"
            f" {as_parameter(cut.end)} faster than it can be read, {READS_OF_A_MOVING_LISTING} times."
            " Run it again later."
        )

    def _numbered_pages(self, cut: Slice) -> list[Any] | None:
        """All pages by number; None if the listing moved: its length or first page changed, or a row came twice."""
        first = page = self._page(cut, 1)
        rows = list(first.rows)
        number = 1
        while number < page.pages:
            number += 1
            page = self._page(cut, number)
            rows += page.rows
            if page.total != first.total:
                return None
        if len(self._identities(rows)) < len(rows):
            return None
        again = self._page(cut, 1)
        stood_still = again.total == first.total and self._identities(again.rows) == self._identities(first.rows)
        return rows if stood_still else None

    def _identities(self, rows: list[Any]) -> set[str]:
        # Of an observation that changed its type both rows stay: the type is part of the server's key.
        names = ("traceId", "id", "type", self.listing.time)
        return {repr([row.get(name) for name in names]) if isinstance(row, dict) else repr(row) for row in rows}

    def _page(self, cut: Slice, number: int, limit: int = ROWS_A_PAGE) -> _Page:
        path = self.listing.path
        parameters: dict[str, str | int] = {
            **self.listing.parameters,
            self.listing.from_parameter: as_parameter(cut.start),
            self.listing.to_parameter: as_parameter(cut.end),
            "page": number,
            "limit": limit,
        }
        answer = self.client.get(path, parameters)
        rows = rows_of(self.client, path, answer)
        meta = answer.get("meta")
        total, pages = (meta.get("totalItems"), meta.get("totalPages")) if isinstance(meta, dict) else (None, None)
        if not isinstance(total, int) or not isinstance(pages, int):
            raise LangfuseResponseError(
                f"{self.client.where} answered {path} without the number of its pages; this version of Langfuse may be"
                " one that Tracemart does not know."
            )
        return _Page(rows if self.keep_io else [without_io(row) for row in rows], total, pages)


def without_io(row: Any) -> Any:
    """The row without prompt and answer."""
    if isinstance(row, dict):
        for name in PROMPT_AND_ANSWER:
            row.pop(name, None)
    return row
