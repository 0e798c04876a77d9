"""Assets as they stand, and datasets from dbt's manifest as `dbt parse` writes it; neither needs a server."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from tracemart.settings import Settings
from tracemart.superset.assets import ASSETS, AssetSet, read_assets
from tracemart.superset.datasets import Dataset, read_datasets


@pytest.fixture(scope="session")
def assets() -> AssetSet:
    return read_assets()


@pytest.fixture(scope="session")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Dataset]:
    from tracemart.superset.importing import manifests

    home: Path = tmp_path_factory.mktemp("home")
    # Parsing reads the profile but opens no connection.
    settings = Settings(home=home, database_url=SecretStr("postgresql://nobody:none@127.0.0.1:9/nothing"))
    return read_datasets(*manifests(settings), ASSETS / "datasets")
