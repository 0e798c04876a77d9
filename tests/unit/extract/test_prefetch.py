"""Reading ahead changes neither the items nor their order, and leaves no thread behind."""

import threading
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracemart.extract.prefetch import prefetched


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers() | st.none()), st.integers(1, 4))
def test_items_come_in_order(items: list[int | None], depth: int) -> None:
    assert list(prefetched(iter(items), depth)) == items


def test_error_comes_after_the_items_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    reader = prefetched(items())

    assert next(reader) == 1
    with pytest.raises(OSError, match="gone"):
        next(reader)


def test_reader_that_stops_early_ends_the_thread() -> None:
    def endless() -> Iterator[int]:
        while True:
            yield 1

    reader = prefetched(endless(), 2)
    next(reader)
    reader.close()  # type: ignore[attr-defined]

    assert not [thread for thread in threading.enumerate() if thread.name == "prefetch"]
