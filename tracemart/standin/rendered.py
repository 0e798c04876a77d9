"""Observations rendered once and kept, because a benchmark asks for the same pages again and again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable

Render = Callable[[int, int], list[bytes]]

BLOCK_ROWS = 250


class RenderedBlocks:
    """JSON of rows by their place, in blocks of `BLOCK_ROWS`; the blocks used least recently make room.

    At most `bound_bytes` of JSON are kept, about 1.3 kB a row with all fields; another `revision` of the rows
    forgets them all.
    """

    def __init__(self, bound_bytes: int) -> None:
        self._bound = bound_bytes
        self._kept = 0
        self._revision = -1
        self._blocks: OrderedDict[tuple[Hashable, int], list[bytes]] = OrderedDict()

    def page(self, first: int, last: int, fields: Hashable, revision: int, render: Render) -> bytes:
        """Rows `first` to `last` (exclusive), the last one first, joined by commas.

        `render(low, high)` gives the JSON of each row there is from `low` to before `high`.
        """
        if revision != self._revision:
            self._blocks.clear()
            self._kept, self._revision = 0, revision
        parts: list[bytes] = []
        for block in range((last - 1) // BLOCK_ROWS, first // BLOCK_ROWS - 1, -1):
            low = block * BLOCK_ROWS
            rows = self._block((fields, block), render)
            parts.extend(reversed(rows[max(first - low, 0) : last - low]))
        return b",".join(parts)

    def _block(self, key: tuple[Hashable, int], render: Render) -> list[bytes]:
        rows = self._blocks.get(key)
        if rows is not None:
            self._blocks.move_to_end(key)
            return rows
        low = key[1] * BLOCK_ROWS
        rows = self._blocks[key] = render(low, low + BLOCK_ROWS)
        self._kept += sum(map(len, rows))
        while self._kept > self._bound and len(self._blocks) > 1:
            _, oldest = self._blocks.popitem(last=False)
            self._kept -= sum(map(len, oldest))
        return rows
