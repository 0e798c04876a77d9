"""Reading the listings of catalogues: numbered pages, and cursor chains between two times."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from tracemart.errors import LangfuseResponseError
from tracemart.extract.answers import parse_object
from tracemart.extract.client import LangfuseClient
from tracemart.extract.fields import REPLACEMENT

ENTRIES_A_PAGE = 100
READINGS = 3

Parameters = Mapping[str, str | int]
Entry = TypeVar("Entry")
Page = tuple[list[Entry] | None, Any]
"""Entries, None where the answer has no list of them, and the cursor."""
Key = tuple[str | int, ...]


def key_of(entry: Any, names: tuple[str, ...]) -> Key | None:
    """What tells an entry from the others, as PostgreSQL will hold it; None where it is missing or no key."""
    if not isinstance(entry, dict):
        return None
    parts: list[str | int] = []
    for name in names:
        part = entry.get(name)
        if isinstance(part, bool) or not isinstance(part, str | int) or part == "":
            return None
        parts.append(part.replace("\x00", REPLACEMENT) if isinstance(part, str) else part)
    return tuple(parts)


def numbered(
    client: LangfuseClient, path: str, key: tuple[str, ...], parameters: Parameters | None = None
) -> tuple[list[Any], bool]:
    """All entries of a listing by page and limit, and whether it stood still while it was read.

    Entries that come or go between two pages move the others over a page's border: one comes twice or not at all. What
    is seen of it is that pages tell different totals, or another total than there were keys; then it is read again.
    """
    entries: list[Any] = []
    for _ in range(READINGS):
        entries, stood_still = _numbered_once(client, path, key, parameters or {})
        if stood_still:
            return entries, True
    return entries, False


def page_of_values(body: bytes) -> Page[Any]:
    """Entries as JSON values, and the cursor. Raises ValueError for what is no JSON object."""
    answer = parse_object(body)
    rows, meta = answer.get("data"), answer.get("meta")
    return rows if isinstance(rows, list) else None, meta.get("cursor") if isinstance(meta, dict) else None


def cursor_chain(
    client: LangfuseClient,
    path: str,
    parameters: Parameters,
    page_of: Callable[[bytes], Page[Entry]] = page_of_values,
) -> Iterator[list[Entry]]:
    """Pages until the cursor ends; a short or empty page with a cursor is not the end (langfuse.md, fact 7)."""
    asked = dict(parameters)
    while True:
        rows, cursor = client.read(path, asked, page_of)
        if rows is None:
            raise _without_rows(client, path)
        yield rows
        if not isinstance(cursor, str) or not cursor:
            return
        if cursor == asked.get("cursor"):
            raise LangfuseResponseError(
                f"{client.where} gives the same cursor again for {path}, which would never end;"
                " look at the server's log."
            )
        # The cursor carries no filters: the same parameters go with it.
        asked["cursor"] = cursor


def rows_of(client: LangfuseClient, path: str, answer: Mapping[str, Any]) -> list[Any]:
    rows = answer.get("data")
    if isinstance(rows, list):
        return rows
    raise _without_rows(client, path)


def allowed(entry: Any, never_kept: tuple[str, ...], keep_metadata: Callable[[Any], Any]) -> Any:
    """The entry as it may reach the disk: without prompts and answers, its metadata under the privacy rules."""
    if not isinstance(entry, dict):
        return entry
    kept = {name: value for name, value in entry.items() if name not in never_kept}
    if "metadata" in kept:
        kept["metadata"] = keep_metadata(kept["metadata"])
    return kept


def _without_rows(client: LangfuseClient, path: str) -> LangfuseResponseError:
    return LangfuseResponseError(
        f"{client.where} answered {path} without a list of rows; this version of Langfuse may be one that Tracemart"
        " does not know."
    )


def _numbered_once(
    client: LangfuseClient, path: str, key: tuple[str, ...], parameters: Parameters
) -> tuple[list[Any], bool]:
    entries: list[Any] = []
    keys: set[Any] = set()
    totals: set[int] = set()
    page = 1
    while True:
        answer = client.get(path, {**parameters, "page": page, "limit": ENTRIES_A_PAGE})
        rows = rows_of(client, path, answer)
        meta = answer.get("meta")
        meta = meta if isinstance(meta, dict) else {}
        known_before = len(keys)
        # An entry without a key counts as one of its own.
        keys.update(key_of(row, key) or (page, place) for place, row in enumerate(rows))
        entries += rows
        if isinstance(meta.get("totalItems"), int):
            totals.add(meta["totalItems"])
        # A server that tells no number of pages, or gives one page for every number, is read until nothing new comes.
        last = meta.get("totalPages")
        if not rows or len(keys) == known_before or (isinstance(last, int) and page >= last):
            return entries, not totals or totals == {len(keys)}
        page += 1
