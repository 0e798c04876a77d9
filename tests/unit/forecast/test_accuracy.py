"""Back-tests see no future and compare with seasonal naive."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracemart.forecast.accuracy import back_test, mean_score, rolling_origins, score_trials
from tracemart.forecast.cadence import DAILY
from tracemart.forecast.types import Floats


def usage(days: int = 90) -> Floats:
    random = np.random.default_rng(6)
    day = np.arange(days)
    return 100 * (1 + 0.5 * (day % 7 < 5)) * np.exp(0.1 * random.standard_normal(days))


@given(
    length=st.integers(0, 500),
    horizon=st.integers(1, 60),
    origins=st.integers(1, 12),
)
def test_every_origin_leaves_a_whole_horizon_and_some_past(length: int, horizon: int, origins: int) -> None:
    found = rolling_origins(length, horizon, origins)
    assert found == sorted(set(found))
    assert len(found) <= origins
    assert all(2 <= origin <= length - horizon for origin in found)
    if length >= horizon + 2:
        assert found[-1] == length - horizon


def test_a_back_test_does_not_know_what_comes() -> None:
    values = usage()
    changed = values.copy()
    changed[60:] *= 7
    for before, after in zip(
        back_test(values, DAILY, 14, [50, 60]), back_test(changed, DAILY, 14, [50, 60]), strict=True
    ):
        np.testing.assert_array_equal(before.forecast.expected, after.forecast.expected)
        np.testing.assert_array_equal(before.forecast.lower_80, after.forecast.lower_80)


def test_shared_paths_give_the_same_forecasts() -> None:
    values = usage()
    together = back_test(values, DAILY, 7, [55, 70, 83])
    alone = [back_test(values, DAILY, 7, [origin])[0] for origin in (55, 70, 83)]
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_array_equal(one.forecast.expected, other.forecast.expected)


def test_seasonal_naive_scores_one_against_itself() -> None:
    score = score_trials(back_test(usage(), DAILY, 14, [60, 70, 76], model="seasonal_naive"))
    assert score is not None
    assert score.relative_mase == 1.0
    assert score.relative_crps == 1.0


def test_noise_around_a_week_is_forecast_better_than_by_its_last_week() -> None:
    score = score_trials(back_test(usage(), DAILY, 14, list(range(48, 77, 4))))
    assert score is not None
    assert score.relative_mase < 0.85
    assert score.relative_crps < 0.85


def test_bias_has_the_sign_of_the_error() -> None:
    values = usage()
    values[70:] /= 2
    score = score_trials(back_test(values, DAILY, 14, [70]))
    assert score is not None
    assert score.bias > 0.5


def test_a_perfect_constant_is_no_better_and_no_worse_than_naive() -> None:
    score = score_trials(back_test(np.full(60, 4.0), DAILY, 7, [40, 50]))
    assert score is not None
    assert (score.relative_mase, score.mase, score.coverage_80, score.bias) == (1.0, 0.0, 1.0, 0.0)


def test_unknown_truths_do_not_count() -> None:
    values = usage()
    values[80] = np.nan
    score = score_trials(back_test(values, DAILY, 14, [76]))
    assert score is not None
    assert np.isfinite([score.mase, score.crps, score.coverage_95]).all()
    values[76:] = np.nan
    assert score_trials(back_test(values, DAILY, 14, [76])) is None


def test_every_series_counts_alike() -> None:
    scores = [score_trials(back_test(usage(days), DAILY, 7, [days - 7])) for days in (60, 90)]
    first, second = scores
    assert first is not None
    assert second is not None
    assert mean_score([first, second]).mase == pytest.approx((first.mase + second.mase) / 2)
