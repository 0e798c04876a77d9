"""The interval of a difference of quality, as SQL works it out, against scipy's."""

import random
from statistics import mean, variance

import pytest
from jinja2 import Environment
from scipy import stats

from tracemart.build.version import DBT_PROJECT
from tracemart.settings import Settings
from tracemart.warehouse import Role, Warehouse

MACROS = (DBT_PROJECT / "macros" / "evidence_of_quality.sql").read_text()
QUERY = (
    Environment(autoescape=False)
    .from_string(
        MACROS
        + """
with samples as (
    select
        m.n as m, o.n as o, m.total / m.n - o.total / o.n as difference,
        {{ sample_variance("m.n", "m.total", "m.squares") }} / m.n as a,
        {{ sample_variance("o.n", "o.total", "o.squares") }} / o.n as b
    from
        (select count(*) as n, sum(v) as total, sum(v * v) as squares from unnest(%s::numeric[]) as v) as m,
        (select count(*) as n, sum(v) as total, sum(v * v) as squares from unnest(%s::numeric[]) as v) as o
)
select difference, sqrt(a + b) * {{ t_quantile(degrees_of_freedom("a", "m", "b", "o")) }} from samples
"""
    )
    .render()
)


@pytest.mark.parametrize(
    ("first", "second", "spread"), [(30, 30, 0.2), (30, 400, 0.05), (35, 31, 0.6), (1000, 30, 0.3)]
)
def test_the_interval_is_welchs(warehouse_settings: Settings, first: int, second: int, spread: float) -> None:
    dice = random.Random(first * second)
    one = [round(min(max(dice.gauss(0.9, 0.1), 0.0), 1.0), 6) for _ in range(first)]
    other = [round(min(max(dice.gauss(0.8, spread), 0.0), 1.0), 6) for _ in range(second)]
    with Warehouse(warehouse_settings).connect(Role.TRANSFORMER) as connection:
        row = connection.execute(QUERY.encode(), (one, other)).fetchone()
    assert row is not None
    interval = stats.ttest_ind(one, other, equal_var=False).confidence_interval(0.95)
    assert float(row[0]) == pytest.approx(mean(one) - mean(other), abs=1e-12)
    assert float(row[0] - row[1]) == pytest.approx(interval.low, abs=1e-5)
    assert float(row[0] + row[1]) == pytest.approx(interval.high, abs=1e-5)


def test_samples_that_do_not_vary_have_an_interval_of_nothing(warehouse_settings: Settings) -> None:
    assert variance([0.5] * 40) == 0
    with Warehouse(warehouse_settings).connect(Role.TRANSFORMER) as connection:
        row = connection.execute(QUERY.encode(), ([0.5] * 40, [0.75] * 40)).fetchone()
    assert row is not None
    assert [float(value) for value in row] == [-0.25, 0]
