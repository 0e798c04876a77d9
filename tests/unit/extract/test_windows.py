"""A run reads from its watermark less the overlap to what has settled, and a backfill its own interval."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import time_machine

from tracemart.errors import BadInputError
from tracemart.extract.windows import AskedInterval, Window, asked_interval, following_window, settled_until
from tracemart.settings import Settings

NOW = datetime(2026, 11, 22, 12, 0, 0, 123_456, tzinfo=UTC)
OVERLAP = timedelta(hours=48)


def no_look_back(end: datetime) -> datetime | None:
    raise AssertionError("a watermark stands")


@time_machine.travel(NOW, tick=False)
def test_newest_minutes_are_left_to_settle(tmp_path: Path) -> None:
    assert settled_until(Settings(home=tmp_path)) == datetime(2026, 11, 22, 11, 45, 0, 123_000, tzinfo=UTC)


def test_nothing_settles_before_a_set_now(tmp_path: Path) -> None:
    assert settled_until(Settings(home=tmp_path, as_of=NOW)) == NOW.replace(microsecond=123_000)


def test_run_follows_its_watermark_with_an_overlap() -> None:
    watermark = NOW - timedelta(hours=1)

    assert following_window(watermark, OVERLAP, NOW, no_look_back) == Window(
        (watermark - OVERLAP).replace(microsecond=123_000), NOW, moves_watermark=True, watermark=watermark
    )


def test_clock_behind_the_watermark_reads_up_to_the_watermark() -> None:
    window = following_window(NOW, OVERLAP, NOW - timedelta(days=10), no_look_back)

    assert (window.start, window.end) == (NOW - timedelta(days=10), NOW)


def test_first_run_reads_from_the_oldest_row() -> None:
    oldest = NOW - timedelta(days=800)

    assert following_window(None, OVERLAP, NOW, lambda end: oldest).start == oldest.replace(microsecond=123_000)


def test_empty_project_moves_no_watermark() -> None:
    assert following_window(None, OVERLAP, NOW, lambda end: None) == Window(NOW, NOW, moves_watermark=False)


def test_backfill_reads_what_was_asked_in_utc() -> None:
    istanbul = timezone(timedelta(hours=3))

    assert asked_interval(
        datetime(2026, 11, 1, tzinfo=istanbul), datetime.fromisoformat("2026-11-02"), NOW
    ) == AskedInterval(datetime(2026, 10, 31, 21, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC))
    assert asked_interval(None, None, NOW) is None
    assert asked_interval(datetime(2026, 11, 1, tzinfo=UTC), None, NOW) == AskedInterval(
        datetime(2026, 11, 1, tzinfo=UTC), NOW
    )
    with pytest.raises(BadInputError, match="before --to"):
        asked_interval(NOW, NOW, NOW)
