"""Chance that a seed repeats, whatever the order in which it is asked."""

from __future__ import annotations

import xxhash


def chance(seed: int, *about: object) -> float:
    """A number of [0, 1) that depends on the seed and on what it is about alone."""
    text = "/".join(str(part) for part in about)
    return xxhash.xxh32_intdigest(text.encode(), seed=seed & 0xFFFFFFFF) / 2**32
