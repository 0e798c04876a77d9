"""Forecasts keep their promises on any series, and say so where no model was trained."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracemart.forecast.cadence import DAILY, HOURLY, Cadence
from tracemart.forecast.forecasting import Forecast, forecast_series
from tracemart.forecast.types import Floats

any_float = st.floats(allow_nan=True, allow_infinity=True, width=64)
amount = st.floats(min_value=0, max_value=1e6, allow_nan=False)


def usage(days: int = 90, *, noise: float = 0.08) -> Floats:
    random = np.random.default_rng(1)
    day = np.arange(days)
    week = np.array([1.0, 1.1, 1.05, 1.0, 0.9, 0.3, 0.25])[day % 7]
    return 200 * np.exp(0.005 * day) * week * np.exp(noise * random.standard_normal(days))


def assert_sane(forecast: Forecast, horizon: int) -> None:
    rising = [forecast.lower_95, forecast.lower_80, forecast.expected, forecast.upper_80, forecast.upper_95]
    for values in rising:
        assert values.shape == (horizon,)
        assert np.isfinite(values).all()
    for low, high in pairwise(rising):
        assert (low <= high).all()
    assert forecast.is_fallback == (forecast.fallback_reason is not None)


@given(values=st.lists(any_float, max_size=60), cadence=st.sampled_from([DAILY, HOURLY]))
@settings(max_examples=20, deadline=None)
def test_bounds_are_finite_and_ordered_for_any_floats(values: list[float], cadence: Cadence) -> None:
    assert_sane(forecast_series(np.array(values, dtype=float), cadence, 10), 10)


@given(values=st.lists(amount, min_size=25, max_size=60), exponent=st.integers(-9, 9))
@settings(max_examples=10, deadline=None)
def test_amounts_never_go_below_zero_at_any_order_of_magnitude(values: list[float], exponent: int) -> None:
    forecast = forecast_series(np.array(values) * 10.0**exponent, DAILY, 30)
    assert_sane(forecast, 30)
    assert (forecast.lower_95 >= 0).all()


def test_the_same_series_gives_the_same_forecast() -> None:
    first, second = (forecast_series(usage(), DAILY, 30) for _ in range(2))
    np.testing.assert_array_equal(first.expected, second.expected)
    np.testing.assert_array_equal(first.upper_95, second.upper_95)
    assert first.parameters == second.parameters


def test_a_working_week_is_expected_again() -> None:
    forecast = forecast_series(usage(), DAILY, 14)
    assert forecast.model == "ensemble"
    assert not forecast.is_fallback
    truth = usage(104, noise=0.0)[90:]
    assert np.abs(forecast.expected / truth - 1).mean() < 0.1


def test_an_hourly_series_repeats_its_day() -> None:
    hour = np.arange(24 * 20)
    values = 50 + 30 * np.sin(2 * np.pi * hour / 24) + np.random.default_rng(3).normal(0, 2, len(hour))
    forecast = forecast_series(values, HOURLY, 24)
    truth = 50 + 30 * np.sin(2 * np.pi * np.arange(480, 504) / 24)
    assert np.abs(forecast.expected - truth).max() < 6


def test_a_past_outlier_does_not_move_the_forecast() -> None:
    plain = usage()
    struck = plain.copy()
    struck[70] *= 12
    moved = forecast_series(struck, DAILY, 30).expected / forecast_series(plain, DAILY, 30).expected
    assert np.abs(moved - 1).max() < 0.1


def test_explosive_growth_is_bent_down() -> None:
    values = np.exp(0.15 * np.arange(60))
    forecast = forecast_series(values, DAILY, 30)
    assert_sane(forecast, 30)
    span = np.log(values[-56:].max() / values[-56:].min())
    assert np.log(forecast.upper_95.max() / values.max()) <= 3 * span + 1e-9
    assert np.log(forecast.expected.max() / values.max()) <= span + 1e-9


def test_noisier_series_get_wider_bounds() -> None:
    random = np.random.default_rng(5)
    calm = 100 + random.normal(0, 2, 90)
    rough = 100 + random.normal(0, 20, 90)
    widths = [
        float((forecast.upper_80 - forecast.lower_80).mean())
        for forecast in (forecast_series(calm, DAILY, 14), forecast_series(rough, DAILY, 14))
    ]
    assert widths[1] > 5 * widths[0]


def test_a_random_walk_gets_bounds_that_open_with_the_horizon() -> None:
    ratios = []
    for seed in range(4):
        walk = 1000 + np.cumsum(np.random.default_rng(seed).normal(0, 10, 200))
        forecast = forecast_series(walk, DAILY, 30)
        width = forecast.upper_80 - forecast.lower_80
        ratios.append(width[-1] / width[0])
    # A walk's true bounds open by the square root of 30; few errors tell it roughly.
    assert np.mean(ratios) > 2


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (usage(20), "20 known points, fewer than 21"),
        (np.full(60, 5.0), "constant"),
        (np.zeros(60), "nothing but zeros"),
        (np.where(np.arange(60) % 12 == 0, 3.0, 0.0), "of the recent points are zero"),
        (np.r_[usage(60), np.zeros(14)], "nothing of late"),
        (np.where(np.arange(61) % 2 == 1, np.nan, usage(61)), "49% of the points are missing"),
        (usage(60) * 1e14, "values beyond 1e15"),
        (np.full(30, np.nan), "no known value"),
        (np.array([]), "no known value"),
    ],
)
def test_odd_series_fall_back_to_seasonal_naive_and_say_why(values: Floats, reason: str) -> None:
    forecast = forecast_series(values, DAILY, 14)
    assert_sane(forecast, 14)
    assert forecast.model == "seasonal_naive"
    assert forecast.is_fallback
    assert reason in str(forecast.fallback_reason)


def test_the_fallback_copies_the_last_week() -> None:
    values = usage(15)
    forecast = forecast_series(values, DAILY, 10)
    np.testing.assert_array_equal(forecast.expected, np.r_[values[-7:], values[-7:-4]])


def test_a_few_gaps_are_no_reason_to_fall_back() -> None:
    values = usage()
    values[[20, 41, 42, 80]] = np.nan
    forecast = forecast_series(values, DAILY, 14)
    assert not forecast.is_fallback
    assert np.abs(forecast.expected / forecast_series(usage(), DAILY, 14).expected - 1).max() < 0.1
