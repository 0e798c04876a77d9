"""A project whose observations are a synthetic stream; they can be read and counted, not written or deleted."""

from __future__ import annotations

from collections.abc import Iterable

from tracemart.errors import BadInputError
from tracemart.standin.render import ObservationFields
from tracemart.standin.rows import Observation
from tracemart.standin.store import ObservationPosition, ProjectStore
from tracemart.standin.synthetic.shapes import PROMPT
from tracemart.standin.synthetic.stream import PROJECT_ID, Stream
from tracemart.standin.synthetic.templates import Templates


class SyntheticProject(ProjectStore):
    """Serves `stream`; a page costs its own rows alone, and memory does not grow with the stream."""

    def __init__(self, stream: Stream) -> None:
        super().__init__(PROJECT_ID, "Synthetic stream", prompts=[PROMPT])
        self.stream = stream
        self._templates: dict[ObservationFields, Templates] = {}

    def observations(self) -> list[Observation]:
        raise BadInputError("the rows of a synthetic stream are never all at hand; ask for a window of them.")

    def replace_observations(self, rows: Iterable[Observation]) -> None:  # noqa: ARG002
        raise BadInputError("a synthetic stream cannot be written to; serve another workload for that.")

    add_observations = replace_observations

    def count_observations(self) -> int:
        return self.stream.number_at(self.stream.end_ms)

    def bounds(
        self, from_ms: int | None, before_ms: int | None, after: ObservationPosition | None = None
    ) -> tuple[int, int]:
        stream = self.stream
        low = 0 if from_ms is None else stream.number_at(from_ms)
        high = stream.count if before_ms is None else min(stream.count, stream.number_at(before_ms))
        if after is not None:
            high = min(high, stream.number_at(after.start_ms))
        return low, max(low, high)

    def observations_at(self, first: int, last: int) -> list[Observation]:
        return [self.stream.row(number) for number in range(last - 1, first - 1, -1)]

    def page_json(self, first: int, last: int, fields: ObservationFields) -> bytes:
        templates = self._templates.get(fields)
        if templates is None:
            templates = self._templates[fields] = Templates(self.stream, self.prices, fields)
        if self.rendered is None:
            return ",".join(templates.newest_first(first, last)).encode()
        count = self.stream.count
        return self.rendered.page(
            first, last, fields, self.revision,
            lambda low, high: [row.encode() for row in reversed(templates.newest_first(low, min(high, count)))],
        )  # fmt: skip
