"""Arrow's decimals and floats as PostgreSQL's binary `numeric`, a column at a time.

The form is that of `numeric_recv` in PostgreSQL's `src/backend/utils/adt/numeric.c`: how many groups of four decimal
digits, weight of the first, sign, digits after the point, and the groups, each two bytes. Zeros at the end are left out
of the digits after the point.
"""

import struct
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

MOST_DIGITS = 18
MOST_PLACES = 16
_NEGATIVE = 0x4000
_GROUP = 10_000
_PLACES_OF_FLOATS = 12
# Two decimals of so few digits are never the same float, so one that reads as the float is its shortest.
_EXACT_BELOW = 10.0**15
_ZEROS_AT_END = np.array([4] + [len(str(group)) - len(str(group).rstrip("0")) for group in range(1, _GROUP)])

Array = np.ndarray[Any, Any]


def is_decimal(kind: pa.DataType) -> bool:
    """Decimals that `numeric` takes; of others nobody knows one."""
    return bool(pa.types.is_decimal128(kind) and kind.precision <= MOST_DIGITS and 0 <= kind.scale <= MOST_PLACES)


def numeric(values: pa.Array) -> pa.Array:
    """Of decimal128 that `is_decimal`, or of finite floats, each the shortest decimal that reads as it; null stays."""
    is_there = pc.is_valid(values).to_numpy(zero_copy_only=False)
    if pa.types.is_decimal128(values.type):
        return _wire(unscaled(values), values.type.scale, is_there)
    numbers = np.where(is_there, np.asarray(values.to_numpy(zero_copy_only=False), np.float64), 0.0)
    with np.errstate(over="ignore"):
        scaled = np.rint(numbers * 10.0**_PLACES_OF_FLOATS)
    is_exact = (np.abs(scaled) < _EXACT_BELOW) & (scaled / 10.0**_PLACES_OF_FLOATS == numbers)
    wire = _wire(np.where(is_exact, scaled, 0).astype(np.int64), _PLACES_OF_FLOATS, is_there)
    if is_exact.all():
        return wire
    others = pa.array([_one(Decimal(repr(number)).normalize()) for number in numbers[~is_exact].tolist()], pa.binary())
    return pc.replace_with_mask(wire, pa.array(~is_exact), others)


def unscaled(values: pa.Array) -> Array:
    """The whole numbers that decimals of at most 18 digits are stored as; any number where they are null."""
    words = np.frombuffer(values.buffers()[1], np.int64)
    return words[2 * values.offset : 2 * (values.offset + len(values)) : 2]


def _wire(numbers: Array, places: int, is_there: Array) -> pa.Array:
    numbers = np.where(is_there, numbers, 0)
    whole, rest = np.divmod(np.abs(numbers), 10**places)
    groups_before = -(-len(str(whole.max(initial=0))) // 4)
    groups_after = -(-places // 4)
    rest = rest * 10 ** (4 * groups_after - places)
    wire = np.empty((len(numbers), 4 + groups_before + groups_after), ">i2")
    wire[:, 0] = groups_before + groups_after
    wire[:, 1] = groups_before - 1
    wire[:, 2] = np.where(numbers < 0, _NEGATIVE, 0)
    zeros_at_end = np.zeros(len(numbers), np.int64)
    for place in reversed(range(4 + groups_before, wire.shape[1])):
        rest, group = np.divmod(rest, _GROUP)
        wire[:, place] = group
        is_end = zeros_at_end == 4 * (wire.shape[1] - 1 - place)
        zeros_at_end += np.where(is_end, _ZEROS_AT_END[group], 0)
    wire[:, 3] = 4 * groups_after - zeros_at_end
    for place in reversed(range(4, 4 + groups_before)):
        whole, wire[:, place] = np.divmod(whole, _GROUP)
    width = wire.shape[1] * 2
    offsets = np.arange(0, width * len(numbers) + 1, width, dtype=np.int32)
    is_there_bits = np.packbits(is_there, bitorder="little")
    buffers = [pa.py_buffer(part) for part in (is_there_bits, offsets, wire)]
    return pa.Array.from_buffers(pa.binary(), len(numbers), buffers)


def _one(number: Decimal) -> bytes:
    sign, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)
    places = max(0, -exponent)
    groups_after = -(-places // 4)
    rest = int("".join(map(str, digits))) * 10 ** (4 * groups_after + exponent)
    groups = []
    while rest:
        rest, group = divmod(rest, _GROUP)
        groups.append(group)
    weight = len(groups) - 1 - groups_after
    return struct.pack(f">hhHH{len(groups)}H", len(groups), weight, _NEGATIVE * sign, places, *reversed(groups))
