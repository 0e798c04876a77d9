"""The step behind `./run focus`."""

import os
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from tracemart.errors import BadInputError
from tracemart.focus.charges import charges
from tracemart.focus.columns import NAMES
from tracemart.focus.files import Write, csv_writer, parquet_writer
from tracemart.focus.periods import Period
from tracemart.settings import Settings
from tracemart.warehouse import Progress

FORMATS = ("csv", "parquet")
_WRITERS = {"csv": csv_writer, "parquet": parquet_writer}
_BILLED = NAMES.index("BilledCost")


@dataclass(frozen=True)
class FocusExport:
    """`rows` charges of `billed_cost_usd` together stand in each of `files`."""

    period: Period
    files: tuple[Path, ...]
    rows: int
    billed_cost_usd: Decimal

    def __str__(self) -> str:
        where = " and ".join(str(file) for file in self.files)
        return f"{self.rows:,} charges of {self.billed_cost_usd:f} USD in all ({self.period}) are in {where}."


def export(
    settings: Settings,
    period: Period,
    folder: Path,
    formats: tuple[str, ...] = FORMATS,
    progress: Progress | None = None,
) -> FocusExport:
    """Write the charges of a period as focus_1.2_PERIOD.csv and .parquet into `folder`, which is made where missing.

    Files of an earlier export are replaced once all rows of the new one are on disk; where anything fails they stay.
    Raises BadInputError where the folder cannot be written, WarehouseError.
    """
    files = tuple(folder / f"focus_1.2_{period}.{ending}" for ending in formats)
    parts = tuple(file.with_name(f".{file.name}.{os.getpid()}.part") for file in files)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        rows, billed = _write(settings, period, parts, formats, progress)
        for part, file in zip(parts, files, strict=True):
            part.replace(file)
    except (FileExistsError, NotADirectoryError, PermissionError) as error:
        raise BadInputError(f"Nothing can be written into {folder}: {error.strerror}. Name another by --out.") from None
    finally:
        for part in parts:
            if folder.is_dir():
                part.unlink(missing_ok=True)
    return FocusExport(period, files, rows, billed)


def _write(
    settings: Settings, period: Period, parts: tuple[Path, ...], formats: tuple[str, ...], progress: Progress | None
) -> tuple[int, Decimal]:
    rows, billed = 0, Decimal(0)
    with ExitStack() as stack:
        writers: list[Write] = [_WRITERS[ending](part, stack) for part, ending in zip(parts, formats, strict=True)]
        for batch in stack.enter_context(charges(settings, period)):
            for write in writers:
                write(batch)
            rows += len(batch)
            billed += sum((charge[_BILLED] for charge in batch), Decimal(0))
            if progress is not None:
                progress("charges", rows, None)
    for part in parts:
        with part.open("rb") as written:
            os.fsync(written.fileno())
    return rows, billed
