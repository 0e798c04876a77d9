"""Runs extract_langfuse once in this process, its step replaced by one that ends in each way; prints what Airflow kept.

A process of its own, for Airflow reads its settings when it is imported.
"""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airflow.dag_processing.dagbag import DagBag
from airflow.models.asset import AssetEvent
from airflow.models.pool import Pool
from airflow.utils.session import create_session
from sqlalchemy import select

import tracemart.extract.step
from tracemart.errors import LangfuseAuthError, LangfuseRateLimitedError

FOLDER = Path(__file__).parents[2] / "dags"
ENDINGS = {
    "cloud/Support": None,
    "cloud/Müller & Co": None,
    "cloud/Limited": LangfuseRateLimitedError(
        "Langfuse answers again at 2026-11-23 12:00:00 UTC.", datetime(2026, 11, 23, 12, tzinfo=UTC)
    ),
    "cloud/Wrong key": LangfuseAuthError("Langfuse refuses the key (401)."),
}


def extract_project(settings: Any, name: str, **asked: Any) -> str:
    ending = ENDINGS[name]
    if ending is not None:
        raise ending
    window = [asked.get(end) for end in ("window_from", "window_to")]
    return f"{name}\n  observations 10 read, 3 new\n  window {window}"


def main() -> None:
    tracemart.extract.step.project_names = lambda settings: list(ENDINGS)
    tracemart.extract.step.extract_project = extract_project  # type: ignore[assignment]
    sys.path.insert(0, str(FOLDER))
    dag = DagBag(FOLDER / "extract_langfuse.py").dags["extract_langfuse"]
    Pool.create_or_update_pool("langfuse", slots=8, description="", include_deferred=False)
    run = dag.test()
    with create_session() as session:
        tasks = [
            {"name": task.rendered_map_index, "state": task.state, "tries": task.try_number}
            for task in run.get_task_instances(session=session)
            if task.task_id == "extract_project"
        ]
        events = [
            {"asset": event.asset.name, "uri": event.asset.uri, "extra": event.extra}
            for event in session.scalars(select(AssetEvent))
        ]
    Path(sys.argv[1]).write_text(json.dumps({"tasks": tasks, "events": events}))


if __name__ == "__main__":
    main()
