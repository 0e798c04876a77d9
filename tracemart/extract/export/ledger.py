"""Which manifests of an export are in raw."""

from datetime import datetime

import psycopg

from tracemart.extract.export.manifests import Manifest


def loaded_versions(connection: psycopg.Connection, instance: str, project_id: str) -> set[tuple[str, str]]:
    """(name, version in the storage) of every manifest that is in."""
    rows = connection.execute(
        "select name, stored_version from raw.export_manifests where instance = %s and project_id = %s",
        (instance, project_id),
    )
    return set(rows.fetchall())


def is_loaded(connection: psycopg.Connection, instance: str, manifest: Manifest) -> bool:
    """Whether the same manifest is in, wherever it was read from."""
    row = connection.execute(
        "select from raw.export_manifests where instance = %s and project_id = %s and content_hash = %s",
        (instance, manifest.project_id, manifest.content_hash),
    ).fetchone()
    return row is not None


def overlaps(connection: psycopg.Connection, instance: str, manifest: Manifest) -> bool:
    """Whether a manifest that is in covers some of the time of this one: more than its first or last moment."""
    row = connection.execute(
        "select exists (select from raw.export_manifests where instance = %s and project_id = %s"
        " and window_from < %s and window_to > %s)",
        (instance, manifest.project_id, manifest.window[1], manifest.window[0]),
    ).fetchone()
    return row is not None and bool(row[0])


def remember(
    connection: psycopg.Connection, instance: str, manifest: Manifest, rows_read: int, run_id: str | None
) -> None:
    """A manifest that was written again under its name, because names are cut to seconds, is one more."""
    connection.execute(
        "insert into raw.export_manifests as known (instance, project_id, name, stored_version, content_hash,"
        " window_from, window_to, rows_read, run_id) values (%s, %s, %s, %s, %s, %s, %s, %s, %s)"
        " on conflict (instance, project_id, content_hash) do update"
        " set name = excluded.name, stored_version = excluded.stored_version",
        (
            instance, manifest.project_id, manifest.name, manifest.version, manifest.content_hash, *manifest.window,
            rows_read, run_id,
        ),
    )  # fmt: skip


def exported_through(connection: psycopg.Connection, instance: str, project_id: str) -> datetime | None:
    """The end of the newest window that is in; None without any."""
    row = connection.execute(
        "select max(window_to) from raw.export_manifests where instance = %s and project_id = %s",
        (instance, project_id),
    ).fetchone()
    return row[0] if row else None


def holes(connection: psycopg.Connection, instance: str, project_id: str) -> list[tuple[datetime, datetime]]:
    """Times between the first window and the last that no manifest covers: runs that were lost or overwritten."""
    rows = connection.execute(
        "select upper(span), lead(lower(span)) over (order by span)"
        " from unnest((select range_agg(tstzrange(window_from, window_to, '[]')) from raw.export_manifests"
        " where instance = %s and project_id = %s)) as covered (span)",
        (instance, project_id),
    )
    return [(start, end) for start, end in rows.fetchall() if end is not None]
