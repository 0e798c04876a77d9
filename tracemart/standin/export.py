"""A project's rows as Langfuse's blob-storage export writes them: a file for each table and window, manifests last.

Windows have both ends in them, and names are cut to seconds, as in the server's
`worker/src/features/blobstorage` (4.16.0).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tracemart.standin.export_files import CONTENT_TYPES, Form, file_suffix, write_file
from tracemart.standin.export_rows import (
    PRICES,
    SCORE_COLUMNS,
    SCORE_TYPES,
    ExportShape,
    observation_row,
    prices_of,
    score_row,
)
from tracemart.standin.rows import Observation
from tracemart.standin.store import ProjectStore
from tracemart.standin.timestamps import from_datetime, to_datetime, to_iso

LAG = timedelta(minutes=20)


@dataclass(frozen=True)
class ExportWriter:
    """Writes below `folder`, which stands for a bucket; `prefix` is put before the project's id as it is."""

    folder: Path
    form: Form = "parquet"
    compressed: bool = False
    prefix: str = ""
    shape: ExportShape = field(default_factory=ExportShape)

    def write(self, project: ProjectStore, every: timedelta | None = None) -> list[Path]:
        """The whole history in windows of `every`, or in one; the manifests' paths, oldest first."""
        times = [row.start_ms for row in project.observations()] + [row.timestamp_ms for row in project.scores()]
        if not times:
            return []
        # The server takes whole seconds of the oldest row.
        start, last = to_datetime(min(times) // 1000 * 1000), to_datetime(max(times))
        manifests: list[Path] = []
        while start < last or not manifests:
            end = min(start + every, last) if every else last
            end = max(end, start + timedelta(milliseconds=1))
            manifests.append(self.write_window(project, start, end))
            start = end
        return manifests

    def write_window(self, project: ProjectStore, start: datetime, end: datetime) -> Path:
        """One run of the export; the path of its manifest."""
        observations = self._observation_rows(project, start, end)
        files = [
            self._write_table(project, "scores", SCORE_COLUMNS, _score_rows(project, start, end), end),
            self._write_table(project, "observations_v2", self._observation_columns(), observations, end),
        ]
        manifest = {
            "version": 1,
            "projectId": project.id,
            "exportSource": "EVENTS",
            "window": {"minTimestamp": _iso(start), "maxTimestamp": _iso(end)},
            "maxTimestamp": _iso(end),
            "createdAt": _iso(end + LAG),
            "tables": [file["table"] for file in files],
            "files": files,
        }
        path = self.folder / f"{self.prefix}{project.id}/manifests/{_stamp(end)}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(manifest))
        return path

    def _write_table(
        self, project: ProjectStore, table: str, columns: tuple[str, ...], rows: Iterator[dict[str, Any]], end: datetime
    ) -> dict[str, Any]:
        compressed = self.compressed and self.form != "parquet"
        key = f"{self.prefix}{project.id}/{table}/{_stamp(end)}.{file_suffix(self.form, compressed)}"
        count = write_file(self.folder / key, self.form, table, columns, rows)
        return {
            "key": key,
            "table": table,
            "fileType": self.form.upper(),
            "format": self.form if self.form == "parquet" else f"{self.form}-{'gzip' if compressed else 'raw'}",
            "compressed": compressed,
            "contentType": "application/gzip" if compressed else CONTENT_TYPES[self.form],
            "sizeBytes": (self.folder / key).stat().st_size,
            "rowCount": None if self.form == "parquet" else count,
        }

    def _observation_columns(self) -> tuple[str, ...]:
        has_prices = self.form != "parquet" and "model" in self.shape.groups
        return self.shape.columns + (PRICES if has_prices else ())

    def _observation_rows(self, project: ProjectStore, start: datetime, end: datetime) -> Iterator[dict[str, Any]]:
        has_prices = self.form != "parquet"
        for row in _newest(project, start, end):
            columns = observation_row(row, project.id, self.shape)
            yield {**columns, **prices_of(row, project.prices)} if has_prices else columns


def _newest(project: ProjectStore, start: datetime, end: datetime) -> Iterator[Observation]:
    """One row for each id: the server reads `LIMIT 1 BY span_id`."""
    seen = set()
    for row in project.window(from_datetime(start), from_datetime(end) + 1):
        if row.id not in seen:
            seen.add(row.id)
            yield row


def _score_rows(project: ProjectStore, start: datetime, end: datetime) -> Iterator[dict[str, Any]]:
    for score in project.score_window(from_datetime(start), from_datetime(end) + 1):
        if score.data_type in SCORE_TYPES:
            yield score_row(score, project.id)


def _iso(moment: datetime) -> str:
    return to_iso(from_datetime(moment))


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H-%M-%S")
