"""Rows in the forms in which they are copied to PostgreSQL: as lines of text, or as export.arrow_rows has them."""

from dataclasses import dataclass
from typing import LiteralString, Protocol

from tracemart.extract import fields


@dataclass(frozen=True, slots=True)
class Front:
    """What every row of one load has in front of its columns, in this order."""

    instance: str
    project_id: str
    source: str
    batch_id: int


@dataclass(frozen=True, slots=True)
class CopyData:
    """What a COPY with these options takes, after the header that it begins with."""

    content: bytes
    options: LiteralString
    header: bytes = b""


class Rows(Protocol):
    def copied(self, front: Front) -> CopyData: ...

    def months_of_traces(self) -> set[bytes]:
        """`trace_id\\tstart_month`, as COPY text, of rows of which these are the first and the last column."""
        ...


@dataclass(frozen=True, slots=True)
class TextRows:
    """Lines of COPY text in the form of fields.COPY_OPTIONS."""

    lines: bytes

    def copied(self, front: Front) -> CopyData:
        said = fields.line([front.instance, front.project_id, front.source, str(front.batch_id), ""])[:-1].encode()
        return CopyData(said + self.lines[:-1].replace(b"\n", b"\n" + said) + b"\n", fields.COPY_OPTIONS)

    def months_of_traces(self) -> set[bytes]:
        return {row[: row.index(b"\t")] + row[row.rindex(b"\t") :] for row in self.lines[:-1].split(b"\n")}
