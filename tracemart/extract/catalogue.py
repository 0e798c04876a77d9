"""Projects, and models and prompts with their history: Langfuse changes them in place and keeps none itself."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from tracemart.extract import fields
from tracemart.extract.client import ProjectIdentity
from tracemart.extract.fields import RowError
from tracemart.extract.load import LoadCounts, LoadKey, begin_load, finish_load, reject


@dataclass(frozen=True)
class Catalogue:
    """A listing kept as versions in raw.<table>: (key, columns…, known_from, known_to), one current version a key."""

    table: str
    key: str
    key_in_answer: str
    columns: tuple[str, ...]
    make_line: Callable[[Any], str]


def model_line(row: Any) -> str:
    """The columns of MODELS from one entry of /api/public/models."""
    if not isinstance(row, dict):
        raise RowError("the row is no object")
    get = row.get
    tiers = get("pricingTiers")
    if tiers is None:
        # Servers before price tiers have one map of prices: {type: {"price": dollars}}.
        prices = {name: price.get("price") for name, price in (get("prices") or {}).items() if isinstance(price, dict)}
        tiers = [{"name": "Standard", "isDefault": True, "priority": 0, "conditions": [], "prices": prices}]
    if not isinstance(tiers, list):
        raise RowError("pricingTiers is no list")
    values = [
        fields.required_text(get("id"), "id"),
        fields.required_text(get("modelName"), "modelName"),
        fields.text(get("matchPattern"), "matchPattern"),
        fields.time(get("startDate"), "startDate"),
        fields.text(get("unit"), "unit"),
        fields.text(get("tokenizerId"), "tokenizerId"),
        fields.flag(get("isLangfuseManaged"), "isLangfuseManaged"),
        fields.time(get("createdAt"), "createdAt"),
        fields.decimal(get("inputPrice"), "inputPrice"),
        fields.decimal(get("outputPrice"), "outputPrice"),
        fields.decimal(get("totalPrice"), "totalPrice"),
        fields.json(tiers),
    ]
    return fields.line(values)


def prompt_line(row: Any) -> str:
    """The columns of PROMPTS from one entry of /api/public/v2/prompts."""
    if not isinstance(row, dict):
        raise RowError("the row is no object")
    get = row.get
    values = [
        fields.required_text(get("name"), "name"),
        fields.text(get("type"), "type"),
        fields.count_array(get("versions") or [], "versions"),
        fields.text_array(get("labels") or [], "labels"),
        fields.text_array(get("tags") or [], "tags"),
        fields.json(get("lastConfig")),
        fields.time(get("lastUpdatedAt"), "lastUpdatedAt"),
    ]
    return fields.line(values)


MODELS = Catalogue(
    table="models",
    key="id",
    key_in_answer="id",
    columns=(
        "id", "model_name", "match_pattern", "start_date", "unit", "tokenizer_id", "is_langfuse_managed", "created_at",
        "input_price", "output_price", "total_price", "pricing_tiers",
    ),
    make_line=model_line,
)  # fmt: skip

PROMPTS = Catalogue(
    table="prompts",
    key="name",
    key_in_answer="name",
    columns=("name", "type", "versions", "labels", "tags", "last_config", "last_updated_at"),
    make_line=prompt_line,
)


def load_catalogue(
    connection: psycopg.Connection,
    catalogue: Catalogue,
    key: LoadKey,
    entries: list[Any],
    *,
    is_complete: bool,
    run_id: str | None,
) -> LoadCounts:
    """Bring the versions up to `entries`, in the caller's transaction; `updated` counts versions changed or closed.

    Only a complete listing closes what it does not hold. An entry that cannot be parsed leaves its last version alone.
    """
    batch_id = begin_load(connection, key, run_id)
    counts = LoadCounts(read=len(entries))
    lines: dict[str, str] = {}
    rejected: list[tuple[Any, str]] = []
    rejected_keys: list[str] = []
    for entry in entries:
        try:
            lines[entry[catalogue.key_in_answer] if isinstance(entry, dict) else ""] = catalogue.make_line(entry)
        except (RowError, KeyError, TypeError) as error:
            reason = str(error) if isinstance(error, RowError) else f"{catalogue.key_in_answer} is missing"
            rejected.append((entry, reason))
            named = entry.get(catalogue.key_in_answer) if isinstance(entry, dict) else None
            rejected_keys += [named] if isinstance(named, str) else []
    if rejected:
        reject(connection, key, batch_id, rejected)
        counts.rejected = len(rejected)
    names = _names(catalogue)
    whose = {
        "instance": key.instance,
        "project_id": key.project_id,
        "batch_id": batch_id,
        "kept": rejected_keys,
        "is_complete": is_complete,
    }
    connection.execute(
        sql.SQL("create temporary table {stage} on commit drop as select {columns} from {table} limit 0").format(
            **names
        )
    )
    with connection.cursor() as cursor:
        with cursor.copy(sql.SQL("copy {stage} ({columns}) from stdin " + fields.COPY_OPTIONS).format(**names)) as copy:
            copy.write("".join(lines.values()).encode())
        cursor.execute(sql.SQL(_CLOSE_CHANGED).format(**names), whose)
        changed = cursor.rowcount
        cursor.execute(sql.SQL(_CLOSE_DISAPPEARED).format(**names), whose)
        disappeared = cursor.rowcount
        cursor.execute(sql.SQL(_INSERT_CURRENT).format(**names), whose)
        counts.inserted = cursor.rowcount - changed
        counts.updated = changed + disappeared
        # What disappeared was not read, but it is a change that the load made.
        counts.read += disappeared
    finish_load(connection, batch_id, counts)
    return counts


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


def _names(catalogue: Catalogue) -> dict[str, sql.Composable]:
    values = [column for column in catalogue.columns if column != catalogue.key]
    return {
        "table": sql.Identifier("raw", catalogue.table),
        "stage": sql.Identifier(f"stage_{catalogue.table}"),
        "key": sql.Identifier(catalogue.key),
        "columns": sql.SQL(", ").join(map(sql.Identifier, catalogue.columns)),
        "columns_of_stage": sql.SQL(", ").join(sql.Identifier("stage", column) for column in catalogue.columns),
        "values_of_stage": sql.SQL(", ").join(sql.Identifier("stage", column) for column in values),
        "values_of_known": sql.SQL(", ").join(sql.Identifier("known", column) for column in values),
    }


_CLOSE_CHANGED = """
update {table} as known
set known_to = now()
from {stage} as stage
where
    known.instance = %(instance)s and known.project_id = %(project_id)s and known.known_to is null
    and known.{key} = stage.{key}
    and ({values_of_known}) is distinct from ({values_of_stage})
"""

_CLOSE_DISAPPEARED = """
update {table} as known
set known_to = now()
where
    known.instance = %(instance)s and known.project_id = %(project_id)s and known.known_to is null
    and %(is_complete)s
    and not known.{key} = any(%(kept)s)
    and not exists (select from {stage} as stage where stage.{key} = known.{key})
"""

_INSERT_CURRENT = """
insert into {table} (instance, project_id, {columns}, known_from, batch_id)
select %(instance)s, %(project_id)s, {columns_of_stage}, now(), %(batch_id)s
from {stage} as stage
where not exists (
    select from {table} as known
    where
        known.instance = %(instance)s and known.project_id = %(project_id)s and known.known_to is null
        and known.{key} = stage.{key}
)
"""
