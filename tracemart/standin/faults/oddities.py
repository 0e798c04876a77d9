"""Rows answered oddly: the rendered row is changed, the stored one never."""

from __future__ import annotations

from typing import Any

from tracemart.standin.faults.changes import key_of
from tracemart.standin.faults.dice import chance
from tracemart.standin.faults.schedule import FaultSchedule, RowFault
from tracemart.standin.rows import Observation, Score
from tracemart.standin.timestamps import to_iso

UNKNOWN_TYPE, UNKNOWN_LEVEL = "HYPERVISOR", "CRITICAL"
UNKNOWN_SOURCE, UNKNOWN_DATA_TYPE = "ORACLE", "EMOJI"
_PRICES = ("inputPrice", "outputPrice", "totalPrice")


class Oddities:
    """The row faults of a schedule that still hold at a request."""

    def __init__(self, schedule: FaultSchedule) -> None:
        self._seed = schedule.seed
        self._faults = schedule.rows
        self._over = False

    def end(self) -> None:
        self._over = True

    def active(self, entity: str, request: int) -> list[RowFault]:
        if self._over:
            return []
        return [
            fault for fault in self._faults
            if fault.entity == entity and (fault.until_request is None or request < fault.until_request)
        ]  # fmt: skip

    def _hits(self, fault: RowFault, key: str) -> bool:
        return chance(self._seed, fault.kind, fault.entity, key) < fault.share

    def is_bad(self, row: Observation, request: int) -> bool:
        return any(
            fault.kind == "bad" and self._hits(fault, key_of(row)) for fault in self.active("observations", request)
        )

    def is_bad_score(self, score: Score, request: int) -> bool:
        return any(fault.kind == "bad" and self._hits(fault, score.id) for fault in self.active("scores", request))

    def spoil(self, rows: list[Observation], items: list[dict[str, Any]], request: int) -> None:
        """Change the rendered `items` of `rows`."""
        for fault in self.active("observations", request):
            for row, item in zip(rows, items, strict=True):
                key = key_of(row)
                if self._hits(fault, key):
                    _change(fault, item, row, chance(self._seed, "way", key))

    def spoil_scores(self, scores: list[Score], items: list[dict[str, Any]], request: int) -> None:
        for fault in self.active("scores", request):
            for score, item in zip(scores, items, strict=True):
                if not self._hits(fault, score.id):
                    continue
                if fault.kind == "bad":
                    item["timestamp"] = "yesterday"
                elif fault.kind == "unknown_type":
                    item["source"], item["dataType"] = UNKNOWN_SOURCE, UNKNOWN_DATA_TYPE


def _change(fault: RowFault, item: dict[str, Any], row: Observation, way: float) -> None:
    if fault.kind == "bad":
        _make_bad(item, way)
    elif fault.kind == "unknown_type":
        item["type"] = UNKNOWN_TYPE
    elif fault.kind == "unknown_level" and "level" in item:
        item["level"] = UNKNOWN_LEVEL
    elif fault.kind == "negative_latency":
        item["endTime"], item["latency"] = to_iso(row.start_ms - 1000), -1
    elif fault.kind == "null_total_cost" and item.get("costDetails") == {} and "totalCost" in item:
        item["totalCost"] = None
    elif fault.kind == "number_prices":
        item.update({key: float(item[key]) for key in _PRICES if isinstance(item.get(key), str)})
    elif fault.kind == "absent_keys":
        for key in fault.keys:
            item.pop(key, None)


def _make_bad(item: dict[str, Any], way: float) -> None:
    """One of four values that no column takes."""
    if way < 0.25:
        item["startTime"] = "yesterday"
    elif way < 0.5:
        item["traceId"] = None
    elif way < 0.75:
        del item["id"]
    elif "usageDetails" in item:
        item["usageDetails"] = {"input": "many"}
    else:
        item["startTime"] = 12
