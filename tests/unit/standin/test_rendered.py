"""Rendered rows are kept in blocks: pages are the same as without, and memory is bounded."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tracemart.standin.rendered import BLOCK_ROWS, Render, RenderedBlocks

ROWS = 3 * BLOCK_ROWS + 17


def rendered(rendering: list[tuple[int, int]], version: int = 0) -> Render:
    def render(low: int, high: int) -> list[bytes]:
        rendering.append((low, high))
        return [b"%d/%d" % (version, number) for number in range(low, min(high, ROWS))]

    return render


@given(first=st.integers(0, ROWS - 1), count=st.integers(1, ROWS), bound=st.sampled_from([1, 3_000, 10**6]))
def test_a_page_is_its_rows_newest_first(first: int, count: int, bound: int) -> None:
    last = min(ROWS, first + count)
    blocks, rendering = RenderedBlocks(bound), list[tuple[int, int]]()
    for _ in range(2):
        page = blocks.page(first, last, "fields", 0, rendered(rendering))
        assert page == b",".join(b"0/%d" % number for number in range(last - 1, first - 1, -1))


def test_a_block_is_rendered_once_for_each_choice_of_fields_and_revision() -> None:
    blocks, rendering = RenderedBlocks(10**6), list[tuple[int, int]]()
    for fields, revision in (("a", 0), ("a", 0), ("b", 0), ("a", 0), ("a", 1), ("a", 1)):
        blocks.page(0, 10, fields, revision, rendered(rendering, revision))
    assert rendering == [(0, BLOCK_ROWS)] * 3


def test_the_block_used_least_recently_makes_room() -> None:
    blocks, rendering = RenderedBlocks(2 * 6 * BLOCK_ROWS), list[tuple[int, int]]()
    for block in (0, 1, 0, 2, 0, 1):
        blocks.page(block * BLOCK_ROWS, block * BLOCK_ROWS + 1, "a", 0, rendered(rendering))
    assert [low // BLOCK_ROWS for low, _ in rendering] == [0, 1, 2, 1]
