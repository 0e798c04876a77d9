"""What every way in hands to a load: rows, and entries of which none could be made."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tracemart.extract.copying import Rows, TextRows


@dataclass(frozen=True, slots=True)
class Rejected:
    """An entry that cannot be kept as a row: the entry under the privacy rules, and the reason."""

    payload: Any
    reason: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """`count` rows with the columns of their part, and what was rejected among them."""

    rows: Rows
    count: int
    rejected: tuple[Rejected, ...] = ()

    @classmethod
    def of_lines(cls, lines: Sequence[str], rejected: Iterable[Rejected] = ()) -> "Chunk":
        """Of lines that fields.line made."""
        return cls(TextRows("".join(lines).encode()), len(lines), tuple(rejected))
