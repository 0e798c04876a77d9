"""The dbt project as dbt itself reads it."""

import json
from pathlib import Path
from typing import Any

import pytest

from tracemart.build import manifests
from tracemart.settings import Settings


@pytest.fixture(scope="session")
def manifest_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return manifests(Settings(home=tmp_path_factory.mktemp("home"), database_url=None))


@pytest.fixture(scope="session")
def manifest(manifest_folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((manifest_folder / "manifest.json").read_text())
    return content


@pytest.fixture(scope="session")
def semantic_manifest(manifest_folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((manifest_folder / "semantic_manifest.json").read_text())
    return content
