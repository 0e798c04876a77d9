"""raw.model_names: each name that a load brought, matched once."""

from pathlib import Path

import psycopg

from tracemart.prices.names.aliases import MODEL_ALIASES, Aliases, read_aliases
from tracemart.prices.names.version import matching_version
from tracemart.settings import Settings
from tracemart.warehouse import Role, Warehouse, warehouse_error

# As an array and as bounds, so that the planner takes the index on batch_id; see int_days_touched.
_PENDING = """
with
pending as (
    select array_agg(batch_id) as batch_ids, min(batch_id) as first_batch_id, max(batch_id) as last_batch_id
    from operations.pending_loads
)
select distinct model
from raw.observations
where
    model <> ''
    and batch_id >= (select first_batch_id from pending)
    and batch_id <= (select last_batch_id from pending)
    and batch_id in (select unnest(batch_ids) from pending)
"""
_ALL = "select distinct model from raw.observations where model <> ''"

_KEEP = """
insert into raw.model_names as known
    (model, canonical_model, provider, served_by, price_ref, matched_by, catalogue_version, batch_id)
values
    (%(model)s, %(canonical_model)s, %(provider)s, %(served_by)s, %(price_ref)s, %(matched_by)s, %(version)s,
     %(batch_id)s)
on conflict (model) do update set
    canonical_model = excluded.canonical_model,
    provider = excluded.provider,
    served_by = excluded.served_by,
    price_ref = excluded.price_ref,
    matched_by = excluded.matched_by,
    catalogue_version = excluded.catalogue_version,
    known_from = case
        when (known.canonical_model, known.provider, known.served_by, known.price_ref)
            is distinct from (excluded.canonical_model, excluded.provider, excluded.served_by, excluded.price_ref)
            then excluded.known_from
        else known.known_from
    end,
    batch_id = excluded.batch_id
"""


def match_new_models(settings: Settings, *, is_full_refresh: bool = False, aliases_file: Path = MODEL_ALIASES) -> int:
    """Match the names in operations.pending_loads (on a full refresh all that raw holds) that have no match yet.

    Names that were matched by another version of the catalogue, the rules or the aliases are matched anew. Returns how
    many were matched; running it again matches none. Raises BadInputError for a bad line of the aliases, and then
    changes nothing; WarehouseError.
    """
    aliases = read_aliases(aliases_file)
    version = f"{matching_version()}, aliases {aliases.version}"
    try:
        with Warehouse(settings).connect(Role.TRANSFORMER) as connection:
            sent = {row[0] for row in connection.execute(_ALL if is_full_refresh else _PENDING)}
            row = connection.execute("select coalesce(max(batch_id), 0) from operations.pending_loads").fetchone()
            assert row is not None
        with Warehouse(settings).connect(Role.LOADER) as connection:
            return _keep(connection, sent, aliases, version, row[0])
    except psycopg.Error as error:
        raise warehouse_error(error, "matching model names") from None


def _keep(connection: psycopg.Connection, sent: set[str], aliases: Aliases, version: str, batch_id: int) -> int:
    rows = connection.execute("select model, catalogue_version from raw.model_names").fetchall()
    known: dict[str, str] = dict(rows)
    outdated = {model for model, matched_by in known.items() if matched_by != version}
    new = sorted((sent - known.keys()) | outdated)
    with connection.cursor() as cursor:
        cursor.executemany(
            _KEEP, [vars(aliases.match(model)) | {"version": version, "batch_id": batch_id} for model in new]
        )
    return len(new)
