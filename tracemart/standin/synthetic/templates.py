"""Rows as JSON at the cost of filling in ids and times: each shape is rendered once, with blanks in their places.

The text comes from `render.observation_rows`, so a filled-in template says what a rendered row would.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter

import orjson

from tracemart.standin.prices import PriceBook
from tracemart.standin.render import ObservationFields, observation_rows
from tracemart.standin.synthetic.shapes import ROWS_PER_TRACE, Ids, row_of
from tracemart.standin.synthetic.stream import PROJECT_ID, Stream
from tracemart.standin.timestamps import parse_zoned, to_iso

_BLANKS = Ids(trace="<trace>", row="<row>", root="<root>", user="<user>", session="<session>")
_TEXTS = ("<trace>", "<row>", "<root>", "<user>", "<session>")
# A start that no row has, so that every time in a rendered sample shows how far it is from the start.
_START_MS = 4_102_444_800_000
_BLANK = re.compile("|".join(_TEXTS) + r'|(?<=")2(?:100|099)-\d\d-\d\dT[\d:.]+Z(?=")')


@dataclass(frozen=True, slots=True)
class _Template:
    text: str
    delays_ms: tuple[int, ...]
    pick: Callable[[Sequence[str]], tuple[str, ...]]


class Templates:
    """The templates of one stream for one choice of fields."""

    def __init__(self, stream: Stream, prices: PriceBook, fields: ObservationFields) -> None:
        self._stream = stream
        self._prices = prices
        self._fields = fields
        self._known: dict[tuple[int, int, int], _Template] = {}

    def newest_first(self, first: int, last: int) -> list[str]:
        """JSON of each row from `first` to before `last`, the last one first."""
        stream, known = self._stream, self._known
        rows: list[str] = []
        for trace in range((last - 1) // ROWS_PER_TRACE, first // ROWS_PER_TRACE - 1, -1):
            begin = trace * ROWS_PER_TRACE
            ids = stream.ids(begin)
            for number in range(min(last, begin + ROWS_PER_TRACE) - 1, max(first, begin) - 1, -1):
                shape = stream.shape(number)
                template = known.get(shape)
                if template is None:
                    template = known[shape] = self._make(shape)
                start_ms = stream.start_ms(number)
                values = [ids.trace, stream.row_id(number), ids.root, ids.user, ids.session]
                values += [to_iso(start_ms + delay) for delay in template.delays_ms]
                rows.append(template.text % template.pick(values))
        return rows

    def _make(self, shape: tuple[int, int, int]) -> _Template:
        row = row_of(shape, _BLANKS, _START_MS, self._stream.spread_ms)
        (item,) = observation_rows([row], PROJECT_ID, self._prices, self._fields)
        text = orjson.dumps(item).decode().replace("%", "%%")
        delays: list[int] = []
        places: list[int] = []

        def blank(found: re.Match[str]) -> str:
            if found[0] in _TEXTS:
                places.append(_TEXTS.index(found[0]))
            else:
                moment = parse_zoned(found[0])
                assert moment is not None
                delay = moment - _START_MS
                if delay not in delays:
                    delays.append(delay)
                places.append(len(_TEXTS) + delays.index(delay))
            return "%s"

        return _Template(_BLANK.sub(blank, text), tuple(delays), itemgetter(*places))
