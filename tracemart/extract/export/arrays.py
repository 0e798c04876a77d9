"""Arrow arrays of an export to arrays of the types that raw's columns have, and to the JSON text of its jsonb.

Null is NULL, and so is `""` (see arrow_rows).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from tracemart.extract.export.arrow_rows import without_nul
from tracemart.extract.export.numeric_wire import is_decimal, unscaled
from tracemart.extract.fields import REPLACEMENT


class UnfitError(Exception):
    """A column has a type that only the slow way, row by row, can judge."""


def text(values: pa.Array) -> pa.Array:
    kind = values.type
    if pa.types.is_dictionary(kind):
        return text(values.dictionary_decode())
    if pa.types.is_string(kind):
        return values
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return values.cast(pa.string())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        try:
            return values.cast(pa.string())
        except pa.ArrowInvalid as error:
            raise UnfitError from error
    if pa.types.is_null(kind):
        return pa.nulls(len(values), pa.string())
    raise UnfitError


def time(values: pa.Array) -> pa.Array:
    """Times in UTC cut to the millisecond, as the API has them."""
    kind = values.type
    if not pa.types.is_timestamp(kind) or kind.tz not in (None, "UTC", "Etc/UTC"):
        raise UnfitError
    return values.cast(pa.timestamp("ms", "UTC"), safe=False)


def flag(values: pa.Array) -> pa.Array:
    if not pa.types.is_boolean(values.type):
        raise UnfitError
    return values


def whole(values: pa.Array, kind: pa.DataType) -> pa.Array:
    """Numbers that do not fit are wrong ones: who asks looks for them."""
    if not pa.types.is_integer(values.type):
        raise UnfitError
    return values.cast(kind, safe=False)


def decimal(values: pa.Array) -> pa.Array:
    """Decimals, or floats of which each is meant as the shortest decimal that reads as it."""
    kind = values.type
    if pa.types.is_integer(kind):
        return values.cast(pa.int64()).cast(pa.decimal128(19, 0)).cast(pa.decimal128(18, 0))
    if pa.types.is_floating(kind):
        if not pc.all(pc.is_finite(values)).as_py() and len(values) > values.null_count:
            raise UnfitError
        return values.cast(pa.float64())
    if not is_decimal(kind):
        raise UnfitError
    return values


def json_number(values: pa.Array) -> pa.Array:
    """The text of each number, without zeros at its end."""
    kind = values.type
    if pa.types.is_integer(kind):
        return values.cast(pa.string())
    found = decimal(values)
    if pa.types.is_floating(found.type):
        return found.cast(pa.string())
    return _decimal_text(pa.array(unscaled(found), mask=pc.is_null(found).to_numpy(zero_copy_only=False)), kind.scale)


def text_lists(offsets: np.ndarray[Any, Any], entries: pa.Array) -> pa.Array:
    """A list of the texts between one offset and the next."""
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), without_nul(text(entries)))


def listed(offsets: np.ndarray[Any, Any], entries: pa.Array, opening: str, closing: str) -> pa.Array:
    """`{a,b}` of the texts between one offset and the next."""
    lists = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), entries)
    return pc.binary_join_element_wise(opening, pc.binary_join(lists, ","), closing, "")


def translated(values: pa.Array, translate: Callable[[str], str | None]) -> pa.Array:
    """Each text through a function that is called once for each different text; null stays null."""
    encoded = text(values).dictionary_encode()
    distinct = pa.array([translate(value) for value in encoded.dictionary.to_pylist()], pa.string())
    return distinct.take(encoded.indices)


def json_text(value: str) -> str:
    return orjson.dumps(value.replace("\x00", REPLACEMENT)).decode()


def _decimal_text(numbers: pa.Array, scale: int) -> pa.Array:
    if not scale:
        return numbers.cast(pa.string())
    places = 10**scale
    size = pc.abs(numbers)
    units = pc.divide(size, places)
    rest = pc.subtract(size, pc.multiply(units, places)).cast(pa.string())
    rest = pc.utf8_rtrim(pc.utf8_lpad(rest, scale, "0"), "0")
    point = pc.if_else(pc.equal(rest, ""), "", ".")
    sign = pc.if_else(pc.less(numbers, 0), "-", "")
    return pc.binary_join_element_wise(sign, units.cast(pa.string()), point, rest, "")
