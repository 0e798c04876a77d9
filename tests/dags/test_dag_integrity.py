"""Every DAG can be read, is linked to the next, and keeps the habits that a reviewer would ask for."""

import ast
import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from tracemart.services.airflow import DAGS
from tracemart.settings import PROJECT_ROOT

FOLDER = PROJECT_ROOT / "dags"
FILES = sorted(file for file in FOLDER.glob("*.py") if file.stem != "wiring")
HEAVY = {"pandas", "statsmodels", "great_expectations", "dbt", "matplotlib", "psycopg", "httpx", "tracemart"}


@pytest.fixture(scope="session")
def dags(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    patch = pytest.MonkeyPatch()
    patch.setenv("AIRFLOW_HOME", str(tmp_path_factory.mktemp("airflow")))
    patch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
    patch.setenv("TRACEMART_REPORT_RECIPIENTS", "team@example.com")
    patch.syspath_prepend(str(FOLDER))
    from airflow.sdk import DAG

    found = {}
    for file in FILES:
        spec = importlib.util.spec_from_file_location(f"dag_{file.stem}", file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        # The decorated function was called for its effect: the DAG is what the call returned.
        found.update({dag.dag_id: dag for dag in dags_of(module, DAG)})
    patch.undo()
    sys.modules.pop("wiring", None)
    return found


def dags_of(module: Any, kind: type) -> list[Any]:
    name = module.__name__.removeprefix("dag_")
    made = [value for value in vars(module).values() if isinstance(value, kind)]
    return made or [getattr(module, name)()]


def test_there_is_one_dag_a_file_named_like_it(dags: dict[str, Any]) -> None:
    assert sorted(dags) == [file.stem for file in FILES] == sorted(DAGS)


@pytest.mark.parametrize("name", DAGS)
def test_dag_keeps_the_habits(dags: dict[str, Any], name: str) -> None:
    dag = dags[name]
    assert dag.doc_md
    assert dag.catchup is False
    # A first load of hours must not hold up the next run of all other projects.
    assert dag.max_active_runs == (4 if name == "extract_langfuse" else 1)
    assert dag.dagrun_timeout is not None
    assert len(dag.tags) == 1
    for task in dag.tasks:
        assert task.retries >= 1, task.task_id
        assert task.execution_timeout is not None, task.task_id
        assert task.on_failure_callback, task.task_id
        assert task.owner == "tracemart"


def test_projects_announce_themselves_and_wait_for_no_other(dags: dict[str, Any]) -> None:
    dag = dags["extract_langfuse"]
    extract = dag.get_task("extract_project")
    assert extract.downstream_task_ids == set()
    assert {asset.name for asset in extract.outlets} == {"langfuse_raw", "langfuse_projects"}
    assert extract.map_index_template


def test_tags_come_from_the_closed_list(dags: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    import wiring

    assert {tag for dag in dags.values() for tag in dag.tags} == wiring.TAGS


def test_each_dag_starts_when_the_asset_before_it_is_updated(dags: dict[str, Any]) -> None:
    def outlets(name: str) -> set[str]:
        return {asset.name for task in dags[name].tasks for asset in task.outlets}

    def awaited(name: str) -> set[str]:
        return {asset.name for asset in dags[name].timetable.asset_condition.objects}

    assert awaited("build_marts") == {"langfuse_raw"}
    # By the second, an alias, each project says so by an asset of its own.
    assert outlets("extract_langfuse") == {"langfuse_raw", "langfuse_projects"}
    assert outlets("build_marts") == awaited("forecast_usage") == {"tracemart_marts"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_reading_a_dag_file_imports_nothing_heavy(file: Path) -> None:
    imported = {
        name.split(".")[0]
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }
    assert not imported & HEAVY


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_dag_file_is_wiring(file: Path) -> None:
    text = file.read_text()
    assert len(text.splitlines()) <= 80
    assert "select " not in text.lower().split('"""')[-1]
