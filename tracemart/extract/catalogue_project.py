"""What the server says about the project itself."""

import psycopg

from tracemart.extract import fields
from tracemart.extract.client import ProjectIdentity
from tracemart.extract.load import LoadCounts, LoadKey, begin_load, finish_load


def load_project(
    connection: psycopg.Connection,
    key: LoadKey,
    identity: ProjectIdentity,
    host: str,
    run_id: str | None,
) -> LoadCounts:
    """Keep what the server says about the project itself, in the caller's transaction."""
    batch_id = begin_load(connection, key, run_id)
    metadata = None if identity.metadata is None else fields.json(identity.metadata)
    row = connection.execute(
        "insert into raw.projects as known (instance, project_id, name, organization_id, organization_name, metadata,"
        " retention_days, host, batch_id) values (%s, %s, %s, %s, %s, %s, %s, %s, %s)"
        " on conflict (instance, project_id) do update set name = excluded.name,"
        " organization_id = excluded.organization_id, organization_name = excluded.organization_name,"
        " metadata = excluded.metadata, retention_days = excluded.retention_days, host = excluded.host,"
        " batch_id = excluded.batch_id, loaded_at = clock_timestamp()"
        " where (known.name, known.organization_id, known.organization_name, known.metadata, known.retention_days,"
        " known.host) is distinct from (excluded.name, excluded.organization_id, excluded.organization_name,"
        " excluded.metadata, excluded.retention_days, excluded.host)"
        " returning (xmax = 0) as is_new",
        (
            key.instance, identity.project_id, identity.name, identity.organization_id,
            identity.organization_name, metadata, identity.retention_days, host, batch_id,
        ),
    ).fetchone()  # fmt: skip
    counts = LoadCounts(read=1, inserted=int(row is not None and row[0]), updated=int(row is not None and not row[0]))
    finish_load(connection, batch_id, counts)
    return counts
