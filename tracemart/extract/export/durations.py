"""Whether a file's durations are seconds or milliseconds, found out from its rows.

`latency` is `end_time - start_time` in either unit (see the package), so that one row with a duration tells the unit of
the file. It matters only for `time_to_first_token`, and only in files without `completion_start_time`.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass
class DurationUnit:
    """`per_second` is 1 or 1000, or None while no row has told."""

    per_second: int | None = None

    def learn(self, pairs: Iterable[tuple[float | None, float | None]]) -> None:
        """From (latency as exported, seconds between start and end)."""
        if self.per_second is not None:
            return
        for latency, seconds in pairs:
            if not latency or not seconds:
                continue
            for per_second in (1, 1000):
                # The server divides whole milliseconds, so that only the last bits can differ.
                if abs(latency - seconds * per_second) <= 1e-9 * abs(latency):
                    self.per_second = per_second
                    return
