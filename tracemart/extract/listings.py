"""What Langfuse lists by time besides observations and scores: experiments, their items, and sessions of the v3 API."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from tracemart.errors import LangfuseOverloadedError
from tracemart.extract.catalogue_lines import (
    EXPERIMENT_COLUMNS,
    EXPERIMENT_ITEM_COLUMNS,
    SESSION_COLUMNS,
    experiment_item_line,
    experiment_line,
    session_line,
)
from tracemart.extract.catalogue_pages import ENTRIES_A_PAGE, cursor_chain
from tracemart.extract.client import LangfuseClient
from tracemart.extract.slices import Slice, as_parameter
from tracemart.extract.v3_listing import Listing as NumberedListing
from tracemart.extract.v3_listing import ListingReader

# Some listings want a lower bound always.
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Listing:
    """A listing between two times, upserted into raw.<table> by its key.

    An entry may be cut to the time it is asked for: `earliest` columns keep the least value ever read, `latest` ones
    the greatest. With `finds_vanished`, what a whole slice no longer holds is flagged.
    """

    table: str
    path: str
    paging: Literal["cursor", "numbered"]
    from_parameter: str
    to_parameter: str
    key: tuple[str, ...]
    key_in_answer: tuple[str, ...]
    columns: tuple[str, ...]
    make_line: Callable[[Any], str]
    event_time: str
    event_time_in_answer: str
    overlap: timedelta
    finds_vanished: bool
    fields: str | None = None
    earliest: tuple[str, ...] = ()
    latest: tuple[str, ...] = ()
    never_kept: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.table


# An item is a span: it is sent at its end and carries its start, hours before with long runs.
EXPERIMENTS = Listing(
    table="experiments",
    path="/api/public/experiments",
    paging="cursor",
    from_parameter="fromStartTime",
    to_parameter="toStartTime",
    key=("id",),
    key_in_answer=("id",),
    columns=EXPERIMENT_COLUMNS,
    make_line=experiment_line,
    event_time="start_time",
    event_time_in_answer="startTime",
    overlap=timedelta(days=7),
    finds_vanished=False,
    fields="core,metadata",
    earliest=("start_time",),
    latest=("end_time",),
    never_kept=("scores",),
)
EXPERIMENT_ITEMS = Listing(
    table="experiment_items",
    path="/api/public/experiment-items",
    paging="cursor",
    from_parameter="fromStartTime",
    to_parameter="toStartTime",
    key=("trace_id", "id"),
    key_in_answer=("traceId", "id"),
    columns=EXPERIMENT_ITEM_COLUMNS,
    make_line=experiment_item_line,
    event_time="start_time",
    event_time_in_answer="startTime",
    overlap=timedelta(days=7),
    finds_vanished=True,
    fields="core,dataset",
    never_kept=("input", "output", "expectedOutput", "scores"),
)
# Their time is when the server first saw them, so none comes late; the overlap finds those deleted.
SESSIONS = Listing(
    table="sessions",
    path="/api/public/sessions",
    paging="numbered",
    from_parameter="fromTimestamp",
    to_parameter="toTimestamp",
    key=("id",),
    key_in_answer=("id",),
    columns=SESSION_COLUMNS,
    make_line=session_line,
    event_time="created_at",
    event_time_in_answer="createdAt",
    overlap=timedelta(days=2),
    finds_vanished=True,
    never_kept=("traces",),
)


def read_slice(client: LangfuseClient, listing: Listing, cut: Slice) -> list[Any]:
    """Every entry between the two times; one that was changed meanwhile may come twice."""
    if listing.paging == "numbered":
        numbered = NumberedListing(
            listing.path, listing.from_parameter, listing.to_parameter, listing.event_time_in_answer
        )
        chain = ListingReader(client, numbered).pages(cut)
    else:
        chain = cursor_chain(client, listing.path, {**_parameters(listing, cut), "limit": ENTRIES_A_PAGE})
    return [entry for page in chain for entry in page]


def look_back(client: LangfuseClient, listing: Listing, end: datetime) -> datetime | None:
    """A moment that all entries before `end` come after, at most twice as far back as the oldest; None without any.

    Where the server cannot look at all of the past at once, it is the earliest there is: slices grow over empty time.
    """
    days = 0
    while True:
        moment = end - timedelta(days=days)
        if moment <= EARLIEST:
            return EARLIEST
        try:
            if _is_empty(client, listing, Slice(EARLIEST, moment)):
                return moment if days else None
        except LangfuseOverloadedError:
            return EARLIEST
        days = days * 2 or 1


def _is_empty(client: LangfuseClient, listing: Listing, cut: Slice) -> bool:
    """Asks for one entry; an empty page with a cursor is not the end."""
    parameters = {**_parameters(listing, cut), "limit": 1}
    return not any(cursor_chain(client, listing.path, parameters))


def _parameters(listing: Listing, cut: Slice) -> dict[str, str | int]:
    parameters: dict[str, str | int] = {
        listing.from_parameter: as_parameter(cut.start),
        listing.to_parameter: as_parameter(cut.end),
    }
    if listing.fields is not None:
        parameters["fields"] = listing.fields
    return parameters
