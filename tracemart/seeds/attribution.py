"""seeds/attribution_mapping.csv: whose a call is where its own data does not tell."""

from pathlib import Path

from tracemart.seeds.seed_file import MAPPED, SeedRow, read_seed

COLUMNS = ("dimension", "match_on", "match_value", "value", "valid_from")
MATCHES = ("user_id", "trace_name", "project_id")


def check_attribution(file: Path) -> dict[str, set[str]]:
    """The names that the mapping gives, by dimension. Raises BadInputError, also for two owners of one key and date."""
    names: dict[str, set[str]] = {dimension: set() for dimension in MAPPED}
    owners: dict[tuple[str, ...], SeedRow] = {}
    for row in read_seed(file, COLUMNS):
        dimension = row.choice("dimension", MAPPED)
        match_on = row.choice("match_on", MATCHES)
        match_value, value = row.required("match_value"), row.required("value")
        since = row.day("valid_from")
        key = (dimension, match_on, match_value, str(since))
        if key in owners:
            other = owners[key]
            row.refuse(
                f"{match_on} {match_value!r} has the {dimension} {value!r} here and {other.values['value']!r} in line"
                f" {other.line}, both {'always' if since is None else f'from {since}'}; keep one,"
                " or give the later one another valid_from"
            )
        owners[key] = row
        names[dimension].add(value)
    return names
