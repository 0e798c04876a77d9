import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import SecretStr

from tracemart.services.superset import CONFIGURATION, superset_command, superset_environment
from tracemart.settings import PROJECT_ROOT, Settings

DATABASE = "postgresql://postgres:secret@127.0.0.1:5432/tracemart_superset"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    settings = Settings(home=tmp_path, database_url=SecretStr(DATABASE), timezone="Europe/Istanbul")
    return superset_environment(settings, DATABASE)


@pytest.fixture
def configuration(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    spec = importlib.util.spec_from_file_location("superset_config", CONFIGURATION / "superset_config.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "superset_config", module)
    spec.loader.exec_module(module)
    return module


def test_passwords_are_made_and_stand_in_the_environment_alone(environment: dict[str, str]) -> None:
    password = environment["TRACEMART_SUPERSET_PASSWORD"]
    assert len(password) >= 24
    assert password != environment["TRACEMART_SUPERSET_SECRET_KEY"]
    command = " ".join(superset_command(8088))
    assert password not in command
    assert "--bind 127.0.0.1:8088" in command


def test_today_in_a_time_range_is_the_reporting_day(environment: dict[str, str]) -> None:
    assert environment["TZ"] == "Europe/Istanbul"


def test_the_browser_may_ask_no_other_host(configuration: ModuleType) -> None:
    policy = configuration.TALISMAN_CONFIG["content_security_policy"]
    sources = {source for entry in policy.values() for source in ([entry] if isinstance(entry, str) else entry)}
    assert sources <= {"'self'", "'none'", "'unsafe-inline'", "'strict-dynamic'", "blob:", "data:"}
    assert configuration.THEME_DEFAULT["token"]["fontUrls"] == []
    assert configuration.THEME_DEFAULT["token"]["brandLogoUrl"].startswith("data:image/svg+xml;base64,")


def test_superset_keeps_to_its_own_database_and_key(configuration: ModuleType, environment: dict[str, str]) -> None:
    assert DATABASE.replace("postgresql://", "postgresql+psycopg2://") == configuration.SQLALCHEMY_DATABASE_URI
    assert environment["TRACEMART_SUPERSET_SECRET_KEY"] == configuration.SECRET_KEY


def test_the_locked_superset_is_the_one_that_these_assets_were_made_for() -> None:
    lock = (PROJECT_ROOT / "requirements" / "superset.lock").read_text()
    assert re.search(r"^apache-superset==6\.1\.", lock, re.MULTILINE)
