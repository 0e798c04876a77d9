"""How far back a run reads again: short overlaps at each run, long ones at their own pace.

Nothing tells what was written late or changed (langfuse.md, fact 4), so what was read is read again: the longer ago,
the more seldom.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg

from tracemart.errors import SettingsError
from tracemart.extract.load import LoadKey

_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_TIER = re.compile(r"\s*([1-9][0-9]*)([mhd])(?:\s*/\s*([1-9][0-9]*)([mhd]))?\s*").fullmatch
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Tier:
    """An overlap, and how often it is read again; None is at each run."""

    overlap: timedelta
    every: timedelta | None

    def is_due(self, read_at: datetime | None, now: datetime) -> bool:
        """Whether a new period has begun: `1d` is due at the first run of each UTC day."""
        if self.every is None or read_at is None:
            return True
        return (now - _EPOCH) // self.every > (read_at - _EPOCH) // self.every


def tiers_of(text: str) -> tuple[Tier, ...]:
    """The tiers of TRACEMART_OVERLAPS, such as `2h, 48h/6h, 30d/1d`, the longest first. Raises SettingsError."""
    tiers = []
    for part in text.split(","):
        found = _TIER(part)
        if found is None:
            raise SettingsError(
                f"TRACEMART_OVERLAPS has {part.strip()!r}; it takes overlaps with how often they are read again,"
                " such as 2h, 48h/6h, 30d/1d."
            )
        length, unit, every, every_unit = found.groups()
        tiers.append(Tier(int(length) * _UNITS[unit], int(every) * _UNITS[every_unit] if every else None))
    return tuple(sorted(tiers, key=lambda tier: tier.overlap, reverse=True))


def due_overlap(connection: psycopg.Connection, key: LoadKey, tiers: tuple[Tier, ...], now: datetime) -> timedelta:
    """The longest overlap that is due."""
    known: dict[timedelta, datetime] = dict(
        connection.execute(
            "select overlap, read_at from raw.rereads where instance = %s and project_id = %s and entity = %s",
            (key.instance, key.project_id, key.entity),
        ).fetchall()
    )
    due = (tier.overlap for tier in tiers if tier.is_due(known.get(tier.overlap), now))
    return next(due, timedelta(0))


def mark_read(
    connection: psycopg.Connection, key: LoadKey, tiers: tuple[Tier, ...], overlap: timedelta | None, now: datetime
) -> None:
    """Remember that everything was read again as far back as `overlap`; None is from the oldest row on."""
    for tier in tiers:
        if tier.every is not None and (overlap is None or tier.overlap <= overlap):
            connection.execute(
                "insert into raw.rereads (instance, project_id, entity, overlap, read_at) values (%s, %s, %s, %s, %s)"
                " on conflict (instance, project_id, entity, overlap) do update set read_at = excluded.read_at",
                (key.instance, key.project_id, key.entity, tier.overlap, now),
            )
