"""Slices cover a window exactly once, whatever their lengths and whatever the server refuses."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from tracemart.extract.slices import Slice, Slicer, as_parameter, floor_to_millisecond

MOMENTS = st.datetimes(
    datetime.fromisoformat("2015-01-01"), datetime.fromisoformat("2030-01-01"), timezones=st.just(UTC)
).map(floor_to_millisecond)


@settings(deadline=None)
@given(MOMENTS, st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=400)), st.data())
def test_slices_abut_and_cover_the_window_once(start: datetime, length: timedelta, data: st.DataObject) -> None:
    end = floor_to_millisecond(start + length)
    slicer = Slicer()
    position = start

    for number, cut in enumerate(slicer.slices(start, end)):
        outcome = data.draw(st.sampled_from(["few", "some", "many", "refused"])) if number < 30 else "few"
        assert cut.start < cut.end
        assert cut.start == floor_to_millisecond(cut.start)
        if outcome == "refused" and slicer.refused(cut):
            continue
        assert cut.start == position
        position = cut.end
        slicer.finished({"few": 10, "some": 20_000, "many": 10**6}.get(outcome, 0))

    assert position == end


def test_refused_slice_comes_again_in_halves_and_the_next_are_as_short() -> None:
    slicer = Slicer(length=timedelta(hours=4))
    start = datetime(2026, 11, 1, tzinfo=UTC)
    cuts = slicer.slices(start, start + timedelta(hours=8))

    assert slicer.refused(next(cuts))
    lengths = []
    for cut in cuts:
        slicer.finished(20_000)
        lengths.append((cut.end - cut.start) / timedelta(hours=1))

    assert lengths == [2, 2, 2, 2]


def test_shortest_slice_is_not_halved_for_ever() -> None:
    slicer = Slicer()
    start = datetime(2026, 11, 1, tzinfo=UTC)

    assert not slicer.refused(Slice(start, start + timedelta(seconds=1.5)))


def test_empty_years_take_few_slices() -> None:
    slicer = Slicer()
    cuts = 0
    for _ in slicer.slices(datetime(1970, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)):
        slicer.finished(0)
        cuts += 1

    assert cuts < 80


@settings(deadline=None)
@given(MOMENTS)
def test_parameter_names_the_same_moment_in_the_form_that_langfuse_takes(moment: datetime) -> None:
    text = as_parameter(moment)

    assert len(text) == len("2026-11-22T14:03:00.613Z")
    assert text.endswith("Z")
    assert datetime.fromisoformat(text) == moment
