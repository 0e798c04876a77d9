"""A project's rows as Langfuse's blob-storage export writes them: a file for each table and window, manifests last.

Windows have both ends in them, and names are cut to seconds, as in the server's
`worker/src/features/blobstorage` (4.16.0).
"""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tracemart.errors import BadInputError
from tracemart.standin.export_files import CONTENT_TYPES, Form, file_suffix, write_file
from tracemart.standin.export_rows import (
    GROUPS,
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
ROWS_AT_ONCE = 10_000


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
        times = _ends(project)
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


def _ends(project: ProjectStore) -> list[int]:
    """Times between which all rows of the project lie; none without rows."""
    times = []
    count = project.count_observations()
    if count:
        times += [project.observations_at(0, 1)[0].start_ms, project.observations_at(count - 1, count)[0].start_ms]
    return times + [score.timestamp_ms for score in project.scores()]


def _newest(project: ProjectStore, start: datetime, end: datetime) -> Iterator[Observation]:
    """One row for each id, its newest version: the server reads `LIMIT 1 BY span_id`."""
    seen = set()
    low, high = project.bounds(from_datetime(start), from_datetime(end) + 1)
    for place in range(high, low, -ROWS_AT_ONCE):
        for row in project.observations_at(max(low, place - ROWS_AT_ONCE), place):
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


def add_export_command(commands: Any) -> Any:
    """`export` of the command line; returns its parser, for the arguments that say what the workload is."""
    command = commands.add_parser("export", help="write each project's rows as a blob-storage export")
    command.add_argument("--to", type=Path, required=True, metavar="FOLDER")
    command.add_argument("--format", choices=tuple(CONTENT_TYPES), default="parquet")
    command.add_argument("--gzip", action="store_true", help="compress the text formats")
    command.add_argument("--every", type=float, metavar="HOURS", help="length of a window; all in one without")
    command.add_argument("--prefix", default="", help="what stands before a project's id, as it is")
    command.add_argument("--groups", default=",".join(GROUPS), help="field groups, by commas; core is always there")
    command.add_argument("--durations", choices=("seconds", "milliseconds"), default="seconds")
    return command


def export_projects(projects: Iterable[ProjectStore], arguments: Namespace) -> list[Path]:
    """What `add_export_command` asks for; the manifests. Raises BadInputError for a group that there is not."""
    groups = {"core", *arguments.groups.split(",")} - {""}
    unknown = sorted(groups - set(GROUPS))
    if unknown:
        raise BadInputError(f"--groups knows no {unknown[0]}; there are: {', '.join(GROUPS)}.")
    writer = ExportWriter(
        folder=arguments.to,
        form=arguments.format,
        compressed=arguments.gzip,
        prefix=arguments.prefix,
        shape=ExportShape(tuple(group for group in GROUPS if group in groups), arguments.durations),
    )
    every = timedelta(hours=arguments.every) if arguments.every else None
    return [manifest for project in projects for manifest in writer.write(project, every)]
