"""Arrow arrays to arrays of the text that PostgreSQL's COPY reads, a column at a time.

Each function gives an array of strings, null for NULL, not yet escaped for COPY; `escaped` does that.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from tracemart.extract.fields import REPLACEMENT

WHOLE_DIGITS = 18
_ESCAPES = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"), ("\x00", REPLACEMENT))


class UnfitError(Exception):
    """A column has a type that only the slow way, row by row, can judge."""


def joined_lines(columns: list[pa.Array]) -> pa.Array:
    """One line with its end for each row; fields in the order of the columns, which are escaped."""
    return _joined(*columns[:-1], _joined(columns[-1], "", between="\n"), between="\t")


def pairs(first: pa.Array, second: pa.Array) -> frozenset[bytes]:
    """Each different pair of fields of one row, with what separates fields."""
    return frozenset(pc.unique(_joined(first, second, between="\t")).cast(pa.binary()).to_pylist())


def as_bytes(lines: pa.Array) -> bytes:
    """All lines, which lie one behind the other already."""
    if not len(lines):
        return b""
    offsets = np.frombuffer(lines.buffers()[1], np.int32)
    return bytes(lines.buffers()[2][int(offsets[lines.offset]) : int(offsets[lines.offset + len(lines)])])


def _joined(*parts: Any, between: str) -> pa.Array:
    return pc.binary_join_element_wise(*parts, between, null_handling="replace", null_replacement="")


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


def milliseconds(values: pa.Array) -> pa.Array:
    """Times cut to the millisecond, as the API has them, without a zone."""
    kind = values.type
    if not pa.types.is_timestamp(kind) or kind.tz not in (None, "UTC", "Etc/UTC"):
        raise UnfitError
    return values.cast(pa.timestamp("ms"), safe=False)


def time(values: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise(milliseconds(values).cast(pa.string()), "Z", "")


def flag(values: pa.Array) -> pa.Array:
    if not pa.types.is_boolean(values.type):
        raise UnfitError
    return values.cast(pa.string())


def whole(values: pa.Array) -> pa.Array:
    if not pa.types.is_integer(values.type):
        raise UnfitError
    return values.cast(pa.string())


def decimal(values: pa.Array) -> pa.Array:
    """An exact decimal without zeros at its end."""
    kind = values.type
    if pa.types.is_integer(kind):
        return values.cast(pa.string())
    if pa.types.is_floating(kind):
        if not pc.all(pc.is_finite(values)).as_py() and len(values) > values.null_count:
            raise UnfitError
        return values.cast(pa.string())
    if not pa.types.is_decimal128(kind) or kind.precision > WHOLE_DIGITS or kind.scale < 0:
        raise UnfitError
    return _decimal_text(unscaled(values), kind.scale)


def unscaled(values: pa.Array) -> pa.Array:
    """The whole numbers that decimals of at most 18 digits are stored as."""
    words = np.frombuffer(values.buffers()[1], np.int64)[2 * values.offset : 2 * (values.offset + len(values)) : 2]
    return pa.array(words, mask=np.asarray(values.is_null().to_numpy(zero_copy_only=False)))


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


def array_entry(value: str) -> str:
    """An element of a PostgreSQL array's text."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


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


def escaped(values: pa.Array) -> pa.Array:
    """As COPY wants texts."""
    buffers = values.buffers()
    if buffers[2] is None or not len(values):
        return values
    offsets = np.frombuffer(buffers[1], np.int32)[values.offset : values.offset + len(values) + 1]
    content = bytes(buffers[2][int(offsets[0]) : int(offsets[-1])])
    for character, escape in _ESCAPES:
        if character.encode() in content:
            values = pc.replace_substring(values, character, escape)
    return values
