"""Anomalies are judged by the past alone, and what was found does not bend what is expected next."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tracemart.forecast.anomalies import THRESHOLD, detect_anomalies
from tracemart.forecast.cadence import DAILY, HOURLY
from tracemart.forecast.types import Floats

any_float = st.floats(allow_nan=True, allow_infinity=True, width=64)


def usage(days: int = 90, *, seed: int = 2, noise: float = 0.08) -> Floats:
    random = np.random.default_rng(seed)
    day = np.arange(days)
    week = np.array([1.0, 1.1, 1.05, 1.0, 0.9, 0.3, 0.25])[day % 7]
    return 300 * np.exp(0.004 * day) * week * np.exp(noise * random.standard_normal(days))


@given(past=st.lists(any_float, min_size=20, max_size=45), future=st.lists(any_float, min_size=1, max_size=10))
@settings(max_examples=30, deadline=None)
def test_what_comes_later_never_changes_a_score(past: list[float], future: list[float]) -> None:
    before = detect_anomalies(np.array(past), DAILY)
    after = detect_anomalies(np.array(past + future), DAILY)
    for name in ("expected", "lower_95", "upper_95", "score", "is_anomaly"):
        np.testing.assert_array_equal(getattr(after, name)[: len(past)], getattr(before, name))
    assert after.severity[: len(past)] == before.severity


@given(values=st.lists(any_float, max_size=60))
@settings(max_examples=30, deadline=None)
def test_bounds_hold_what_is_expected_for_any_floats(values: list[float]) -> None:
    found = detect_anomalies(np.array(values, dtype=float), DAILY)
    told = np.isfinite(found.expected)
    assert np.isfinite(found.lower_95[told]).all()
    assert np.isfinite(found.upper_95[told]).all()
    assert (found.lower_95[told] <= found.expected[told]).all()
    assert (found.expected[told] <= found.upper_95[told]).all()
    assert (found.score[found.is_anomaly] > THRESHOLD).all()
    assert [severity is not None for severity in found.severity] == found.is_anomaly.tolist()


def test_a_spike_is_found_and_the_days_after_it_are_not() -> None:
    values = usage()
    values[60] *= 4
    found = detect_anomalies(values, DAILY)
    assert np.flatnonzero(found.is_anomaly).tolist() == [60]
    plain = detect_anomalies(usage(), DAILY)
    np.testing.assert_allclose(found.expected[61:75], plain.expected[61:75], rtol=0.05)


def test_an_outage_is_found() -> None:
    values = usage()
    values[50] *= 0.05
    found = detect_anomalies(values, DAILY)
    assert np.flatnonzero(found.is_anomaly).tolist() == [50]
    assert found.severity[50] in {"high", "critical"}


def test_a_weekend_is_no_outage() -> None:
    assert not detect_anomalies(usage(), DAILY).is_anomaly.any()


def test_a_new_level_is_accepted_after_some_days() -> None:
    values = usage()
    values[50:] *= 3
    found = detect_anomalies(values, DAILY)
    assert found.is_anomaly[50:54].all()
    assert not found.is_anomaly[54:].any()
    np.testing.assert_allclose(found.expected[55:], values[55:], rtol=0.35)


def test_the_way_back_from_a_passing_level_is_no_anomaly() -> None:
    values = usage()
    values[50:56] *= 3
    found = detect_anomalies(values, DAILY)
    assert np.flatnonzero(found.is_anomaly).tolist() == [50, 51, 52, 53]


def test_small_counts_have_the_width_of_counts() -> None:
    random = np.random.default_rng(4)
    alarms = sum(
        int(detect_anomalies(random.poisson(3.0, 90).astype(float), DAILY).is_anomaly.sum()) for _ in range(10)
    )
    # Ten series of 76 judged days are some 25 series-months.
    assert alarms <= 8


def test_a_burst_of_small_counts_is_found() -> None:
    values = np.random.default_rng(4).poisson(3.0, 90).astype(float)
    values[70] = 25
    assert detect_anomalies(values, DAILY).is_anomaly[70]


def test_days_before_the_past_is_long_enough_are_not_judged() -> None:
    found = detect_anomalies(usage(), DAILY)
    assert np.isnan(found.score[:14]).all()
    assert np.isfinite(found.score[14:]).all()


def test_an_unknown_value_is_expected_but_not_judged() -> None:
    values = usage()
    values[40] = np.nan
    found = detect_anomalies(values, DAILY)
    assert np.isfinite(found.expected[40])
    assert np.isnan(found.score[40])
    assert not found.is_anomaly[40]


def test_an_hourly_outage_is_found_on_its_first_hour() -> None:
    hour = np.arange(24 * 21)
    rhythm = 200 + 120 * np.sin(2 * np.pi * hour / 24)
    values = rhythm * np.exp(0.06 * np.random.default_rng(9).standard_normal(len(hour)))
    values[400:403] *= 0.1
    found = detect_anomalies(values, HOURLY)
    assert found.is_anomaly[400:403].all()
    assert found.is_anomaly.sum() <= 5


def test_severity_grows_with_the_distance() -> None:
    order = ["low", "medium", "high", "critical"]
    ranks = []
    for factor in (1.8, 2.5, 4.0, 40.0):
        values = usage(noise=0.1)
        values[60] *= factor
        ranks.append(order.index(str(detect_anomalies(values, DAILY).severity[60])))
    assert ranks == sorted(ranks)
    assert ranks[0] < ranks[-1] == 3
