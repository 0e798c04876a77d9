"""Assets as they stand, and datasets from dbt's manifest as `dbt parse` writes it; neither needs a server."""

import pytest

from tracemart.settings import Settings
from tracemart.superset.assets import AssetSet, read_assets
from tracemart.superset.datasets import Dataset, current_datasets


@pytest.fixture(scope="session")
def assets() -> AssetSet:
    return read_assets()


@pytest.fixture(scope="session")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Dataset]:
    return current_datasets(Settings(home=tmp_path_factory.mktemp("home"), database_url=None))
