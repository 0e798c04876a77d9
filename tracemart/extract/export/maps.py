"""Arrow's lists and maps, taken apart: which entries belong to which row."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tracemart.extract.export import arrays
from tracemart.extract.export.arrays import UnfitError


@dataclass(frozen=True)
class Entries:
    """The entries of all rows in one array: those of row i lie between offsets[i] and offsets[i + 1].

    A null row has none. `keys` is empty for a list.
    """

    offsets: np.ndarray[Any, Any]
    keys: pa.Array | None
    values: pa.Array

    @property
    def rows(self) -> int:
        return len(self.offsets) - 1

    @cached_property
    def row_of(self) -> np.ndarray[Any, Any]:
        return np.repeat(np.arange(self.rows), np.diff(self.offsets))

    def where_key(self, wanted: Any) -> np.ndarray[Any, Any]:
        """Which entries have a key of which `wanted(key)` is true."""
        assert self.keys is not None
        encoded = self.keys.dictionary_encode()
        chosen = np.array([wanted(key) for key in encoded.dictionary.to_pylist()], bool)
        indices = encoded.indices.to_numpy(zero_copy_only=False)
        return chosen[indices] if len(chosen) else np.zeros(len(indices), bool)

    def total(self, numbers: np.ndarray[Any, Any], chosen: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """The exact sum of each row's chosen whole numbers."""
        running = np.concatenate(([0], np.cumsum(np.where(chosen, numbers, 0))))
        sums: np.ndarray[Any, Any] = running[self.offsets[1:]] - running[self.offsets[:-1]]
        return sums

    def float_total(self, numbers: np.ndarray[Any, Any], chosen: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Each row's chosen numbers added one after the other, as JavaScript adds them."""
        sums: np.ndarray[Any, Any] = np.bincount(self.row_of[chosen], weights=numbers[chosen], minlength=self.rows)
        return sums

    def counted(self, chosen: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return np.bincount(self.row_of[chosen], minlength=self.rows)

    def as_objects(self, value_texts: pa.Array) -> pa.Array:
        """A JSON object for each row, of values that are JSON text already."""
        keys = arrays.translated(self.keys, arrays.json_text)
        entries = pc.binary_join_element_wise(keys, value_texts.fill_null("null"), ":")
        return arrays.listed(self.offsets, entries, "{", "}")

    def as_json_lists(self, value_texts: pa.Array) -> pa.Array:
        return arrays.listed(self.offsets, value_texts.fill_null("null"), "[", "]")

    def as_arrays(self) -> pa.Array:
        """A list of texts for each row."""
        return arrays.text_lists(self.offsets, self.values)


def map_entries(values: pa.Array) -> Entries:
    if not pa.types.is_map(values.type):
        raise UnfitError
    offsets, first, length = _offsets(values)
    return Entries(offsets, arrays.text(values.keys.slice(first, length)), values.items.slice(first, length))


def list_entries(values: pa.Array) -> Entries:
    if not pa.types.is_list(values.type):
        raise UnfitError
    offsets, first, length = _offsets(values)
    return Entries(offsets, None, values.values.slice(first, length))


def _offsets(values: pa.Array) -> tuple[np.ndarray[Any, Any], int, int]:
    offsets = np.frombuffer(values.buffers()[1], np.int32)[values.offset : values.offset + len(values) + 1]
    if not len(offsets):
        return np.zeros(1, np.int32), 0, 0
    first = int(offsets[0])
    return offsets - offsets[0], first, int(offsets[-1]) - first
