"""Usage and cost of observations, and the sums that the API makes of them.

The sums are those of `reduceUsageOrCostDetails` in the server's `observations_converters.ts` (4.16.0), which takes
every key that contains "input" or "output"; dollars are added as JavaScript adds them, one after the other.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tracemart.extract import fields
from tracemart.extract.export import arrays, values
from tracemart.extract.export.arrays import UnfitError
from tracemart.extract.export.columns import Batch, Column, Reading, Row
from tracemart.extract.export.maps import Entries, map_entries
from tracemart.extract.export.numeric_wire import is_decimal, unscaled
from tracemart.extract.fields import NULL, RowError


def _usage_of_row(row: Row) -> dict[str, int]:
    counted = {}
    for kind, units in values.json_object(row.get("usage_details"), "usage_details").items():
        whole = fields.count(units, f"usage_details.{kind}")
        if whole != NULL:
            counted[kind] = int(whole)
    return counted


def _usage_details_of_batch(batch: Batch) -> pa.Array:
    entries = _usage(batch)
    return entries.as_objects(arrays.json_number(entries.values))


def _usage(batch: Batch) -> Entries:
    entries = batch.once("usage_details", map_entries)
    if not pa.types.is_integer(entries.values.type) or entries.values.null_count:
        raise UnfitError
    # As signed numbers those that are too large for a bigint are below zero.
    wrong = pc.less(entries.values.cast(pa.int64(), safe=False), 0)
    if pc.any(wrong).as_py():
        batch.suspect(entries.counted(wrong.to_numpy(zero_copy_only=False)) > 0)
    return entries


def _usage_sum(name: str, key_counts: Callable[[str], bool]) -> Column:
    def of_row(row: Row, _: Reading) -> str:
        total = sum(units for kind, units in _usage_of_row(row).items() if key_counts(kind))
        if total > fields.LARGEST_COUNT:
            raise RowError(f"{name} is too large")
        return str(total)

    def of_batch(batch: Batch) -> pa.Array:
        entries = _usage(batch)
        units = entries.values.to_numpy(zero_copy_only=False).astype(np.int64, copy=False)
        totals = entries.total(units, entries.where_key(key_counts))
        batch.suspect(totals < 0)
        return pa.array(totals)

    return Column(name, ("usage_details",), of_row, of_batch)


def _costs_of_row(row: Row) -> dict[str, str]:
    return values.costs(values.json_object(row.get("cost_details"), "cost_details"))


def _costs(batch: Batch) -> Entries:
    entries = batch.once("cost_details", map_entries)
    if entries.values.null_count:
        raise UnfitError
    return entries


def _cost_details_of_batch(batch: Batch) -> pa.Array:
    entries = _costs(batch)
    return entries.as_objects(arrays.json_number(entries.values))


def _cost_sum(side: str) -> Column:
    def of_row(row: Row, _: Reading) -> str:
        amounts = [float(dollars) for kind, dollars in _costs_of_row(row).items() if side in kind]
        total = 0.0
        for amount in amounts:
            total += amount
        return repr(total) if amounts else NULL

    def of_batch(batch: Batch) -> pa.Array:
        entries = _costs(batch)
        chosen = entries.where_key(lambda kind: side in kind)
        totals = entries.float_total(_floats(entries.values), chosen)
        return pa.array(totals, mask=entries.counted(chosen) == 0)

    return Column(f"{side}_cost", ("cost_details",), of_row, of_batch)


def _floats(dollars: pa.Array) -> np.ndarray[Any, Any]:
    if pa.types.is_floating(dollars.type):
        return np.asarray(dollars.to_numpy(zero_copy_only=False), np.float64)
    if not is_decimal(dollars.type):
        raise UnfitError
    return np.asarray(unscaled(dollars) / float(10**dollars.type.scale), np.float64)


AMOUNTS = (
    Column(
        "usage_details",
        ("usage_details",),
        lambda row, _: fields.json(_usage_of_row(row)),
        _usage_details_of_batch,
        is_json=True,
    ),
    Column(
        "cost_details",
        ("cost_details",),
        lambda row, _: values.costs_json(_costs_of_row(row)),
        _cost_details_of_batch,
        is_json=True,
    ),
    _usage_sum("input_usage", lambda kind: "input" in kind),
    _usage_sum("output_usage", lambda kind: "output" in kind),
    _usage_sum("total_usage", lambda kind: kind == "total"),
    _cost_sum("input"),
    _cost_sum("output"),
)
