"""A reader that does everything right, as slowly as it may: what it ends with is what a server's faults let through."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx

ALL_FIELDS = "core,basic,time,metadata,model,usage,prompt,metrics,trace_context"
TRIES = 40


@dataclass
class Reader:
    """Reads pages again until they come, and keeps the newest version of each row."""

    client: httpx.Client
    failures: list[int | str] = field(default_factory=list)

    def page(self, path: str, params: dict[str, Any]) -> dict[str, Any]:
        for _ in range(TRIES):
            try:
                answer = self.client.get(path, params=params)
            except httpx.TransportError as error:
                self.failures.append(type(error).__name__)
                continue
            if answer.status_code == 200:
                return dict(answer.json())
            self.failures.append(answer.status_code)
        raise AssertionError(f"no answer in {TRIES} tries: {self.failures[-TRIES:]}")

    def every_row(self, path: str, **params: Any) -> list[dict[str, Any]]:
        """Rows of the whole chain, in the order in which they came, repeated ones too."""
        rows: list[dict[str, Any]] = []
        while True:
            page = self.page(path, params)
            rows += page["data"]
            if "cursor" not in page["meta"]:
                return rows
            params["cursor"] = page["meta"]["cursor"]

    def observations(self, **params: Any) -> dict[tuple[str, str], dict[str, Any]]:
        newest: dict[tuple[str, str], dict[str, Any]] = {}
        for row in self.every_row("/api/public/v2/observations", fields=ALL_FIELDS, **params):
            known = newest.setdefault((row["traceId"], row["id"]), row)
            if row["updatedAt"] > known["updatedAt"]:
                newest[row["traceId"], row["id"]] = row
        return newest

    def scores(self, **params: Any) -> dict[str, dict[str, Any]]:
        return {row["id"]: row for row in self.every_row("/api/public/v3/scores", **params)}


def cost_of(rows: dict[tuple[str, str], dict[str, Any]]) -> Decimal:
    return sum((Decimal(repr(row["totalCost"] or 0)) for row in rows.values()), Decimal(0))


def tokens_of(rows: dict[tuple[str, str], dict[str, Any]]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for row in rows.values():
        for usage_type, units in row["usageDetails"].items():
            sums[usage_type] = sums.get(usage_type, 0) + units
    return sums
