"""Which fault comes when."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FaultSchedule:
    """Faults of a server; none by default."""

    seed: int = 0
