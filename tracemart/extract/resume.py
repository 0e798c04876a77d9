"""Until when a project is to be left alone, kept beside its watermarks."""

from datetime import UTC, datetime

import psycopg

from tracemart.extract.load import LoadKey


def store_resume_after(connection: psycopg.Connection, key: LoadKey, moment: datetime) -> None:
    """Remember beside the watermark until when the server asked to be left alone.

    Where no watermark stands yet raw.request_pacing alone remembers it. Raises psycopg.Error.
    """
    connection.execute(
        "update raw.watermarks set resume_after = %s, updated_at = clock_timestamp()"
        " where instance = %s and project_id = %s and entity = %s",
        (moment, key.instance, key.project_id, key.entity),
    )


def read_resume_after(connection: psycopg.Connection, instance: str, project_id: str, now: datetime) -> datetime | None:
    """Until when a project is to be left alone, in UTC; None if it may be read now. Raises psycopg.Error."""
    row = connection.execute(
        "select max(resume_after) from raw.watermarks where instance = %s and project_id = %s and resume_after > %s",
        (instance, project_id, now),
    ).fetchone()
    return row[0].astimezone(UTC) if row and row[0] else None
