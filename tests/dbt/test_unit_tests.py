"""dbt's unit tests of the marts' arithmetic, on a warehouse whose tables are empty."""

import pytest

from tracemart.build.invocation import run_dbt
from tracemart.settings import Settings


@pytest.mark.slow
def test_arithmetic_of_the_models(warehouse_settings: Settings) -> None:
    made = run_dbt(
        warehouse_settings,
        ["build", "--empty", "--full-refresh", "--exclude-resource-type", "unit_test", "test", "saved_query"],
    )
    assert {result.node.name: result.message for result in made if result.status.value != "success"} == {}
    results = run_dbt(warehouse_settings, ["test", "--select", "test_type:unit"])
    assert {result.node.name: result.message for result in results if result.status.value != "pass"} == {}
    assert len(results) >= 44
