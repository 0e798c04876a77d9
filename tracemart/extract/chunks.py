"""What every way in hands to a load: rows as COPY text, and those that could not be made."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Rejected:
    """An entry that cannot be kept as a row: the entry under the privacy rules, and the reason."""

    payload: Any
    reason: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """`rows` lines of COPY text in the form of fields.COPY_OPTIONS, with the columns of their part.

    `months_of_traces` are the `trace_id\\tstart_month` of the lines, if their maker has them at hand.
    """

    lines: bytes
    rows: int
    rejected: tuple[Rejected, ...] = ()
    months_of_traces: frozenset[bytes] | None = None
