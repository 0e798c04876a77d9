"""All seeds of a team at once, before a build starts."""

from datetime import date
from pathlib import Path

import yaml

from tracemart.errors import BadInputError
from tracemart.seeds.attribution import check_attribution
from tracemart.seeds.budgets import check_budgets
from tracemart.seeds.commitments import check_commitments
from tracemart.seeds.known import days_of_use, known_names
from tracemart.seeds.quality import check_quality_scores
from tracemart.seeds.rates import check_rates, first_day_without_rate
from tracemart.settings import PROJECT_ROOT, Settings

SEEDS = PROJECT_ROOT / "dbt_project" / "seeds"


def check_seeds(settings: Settings, folder: Path | None = None) -> None:
    """Refuse the first bad row of attribution_mapping, quality_scores, budgets, commitments and exchange_rates.

    Names in budgets are held against the published marts and the mapping, days without an exchange rate against the
    days that have a call. Raises BadInputError that names file, line and what to do, WarehouseError.
    """
    folder = folder or SEEDS
    mapped = check_attribution(folder / "attribution_mapping.csv")
    check_quality_scores(folder / "quality_scores.csv")
    check_commitments(folder / "commitments.csv")
    rated = check_rates(folder / "exchange_rates.csv")
    known = known_names(settings)
    # Before the first build nothing is known of a scope, and the mapping alone tells too little to refuse a name.
    names = {scope: found | mapped.get(scope, set()) if found else set() for scope, found in known.items()}
    check_budgets(folder / "budgets.csv", names)
    if settings.currency != "USD":
        _check_days(settings, folder, rated)


def _check_days(settings: Settings, folder: Path, rated: dict[str, list[date]]) -> None:
    file = f"{folder.name}/exchange_rates.csv"
    if settings.currency not in rated:
        raise BadInputError(
            f"{file} has no rate of {settings.currency}, which TRACEMART_CURRENCY names; add a line for each day."
        )
    carried = int(yaml.safe_load((folder.parent / "dbt_project.yml").read_text())["vars"]["exchange_rate_days_carried"])
    missing = first_day_without_rate(days_of_use(settings), rated[settings.currency], carried)
    if missing is not None:
        raise BadInputError(
            f"{file} has no rate of {settings.currency} for {missing}, a day with calls; add the line"
            f" {missing},{settings.currency},…, or let a rate hold longer by exchange_rate_days_carried"
            f" (now {carried}) in dbt_project.yml."
        )
