"""dbt_project/seeds/model_aliases.csv: what the team knows of names that tell too little, such as deployments."""

from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from pathlib import Path

from tracemart.prices.catalogue import price_ref, providers
from tracemart.prices.names.matching import ModelName, match_name
from tracemart.seeds.seed_file import SeedRow, read_seed, refuse_repeated
from tracemart.settings import PROJECT_ROOT

MODEL_ALIASES = PROJECT_ROOT / "dbt_project" / "seeds" / "model_aliases.csv"
COLUMNS = ("model", "canonical_model", "provider", "served_by", "price_ref")


@dataclass(frozen=True)
class Aliases:
    """The team's names; `version` tells when they changed."""

    by_model: dict[str, SeedRow]
    version: str

    @property
    def servers(self) -> frozenset[str]:
        """Those that the team names as serving models."""
        return frozenset(row.values["served_by"].lower() for row in self.by_model.values()) - {""}

    def match(self, model: str) -> ModelName:
        """As the team says, else as match_name does.

        A line's canonical model, read as a name itself, fills what the line leaves empty; but for the host, which the
        name as sent tells if it tells any.
        """
        row = self.by_model.get(model.lower())
        if row is None:
            return match_name(model)
        meant = match_name(row.required("canonical_model"))
        sent = match_name(model)
        return replace(
            meant,
            model=model,
            canonical_model=meant.canonical_model,
            provider=row.text("provider") or meant.provider,
            served_by=(row.text("served_by") or "").lower()
            or (sent.served_by if sent.served_by != "unknown" else meant.served_by),
            price_ref=row.text("price_ref") or meant.price_ref,
            matched_by="alias",
        )


def read_aliases(file: Path = MODEL_ALIASES) -> Aliases:
    """Raises BadInputError that names the line: a name that stands twice, or a price_ref that is no entry."""
    rows = read_seed(file, COLUMNS)
    refuse_repeated(((row, row.required("model").lower()) for row in rows), "it explains the model")
    for row in rows:
        row.required("canonical_model")
        entry = row.text("price_ref")
        if entry is not None and entry not in _entries():
            row.refuse(
                f"price_ref is {entry!r}, which the catalogue does not have; write one such as openai/gpt-4o,"
                " or leave it empty and give the price in model_prices.csv"
            )
    return Aliases({row.required("model").lower(): row for row in rows}, sha256(file.read_bytes()).hexdigest()[:12])


@cache
def _entries() -> frozenset[str]:
    return frozenset(price_ref(provider, entry) for provider in providers() for entry in provider.models)
