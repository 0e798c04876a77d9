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
import tracemart.reconcile.daily
from tracemart.errors import LangfuseAuthError, LangfuseRateLimitedError
from tracemart.extract.load import LoadCounts
from tracemart.extract.result import EntityResult, ExtractResult
from tracemart.extract.slice_load import SliceResult
from tracemart.extract.slices import Slice

FOLDER = Path(__file__).parents[2] / "dags"
ENDINGS = {
    "cloud/Support": None,
    "cloud/Müller & Co": None,
    "cloud/Limited": LangfuseRateLimitedError(
        "Langfuse answers again at 2026-11-23 12:00:00 UTC.", datetime(2026, 11, 23, 12, tzinfo=UTC)
    ),
    "cloud/Wrong key": LangfuseAuthError("Langfuse refuses the key (401)."),
}


def extract_project(settings: Any, name: str, **asked: Any) -> ExtractResult:
    ending = ENDINGS[name]
    if ending is not None:
        raise ending
    # A run that is neither a backfill nor asked for anything else.
    assert asked.keys() == {"run_id", "catalogues"}
    assert asked["catalogues"] is None
    counts = LoadCounts(read=10, inserted=3)
    cut = Slice(datetime(2026, 11, 22, 11, tzinfo=UTC), datetime(2026, 11, 22, 12, tzinfo=UTC))
    many = 1 if name == "cloud/Support" else 500
    slices = (SliceResult(cut, counts, 0.1),) * many
    return ExtractResult("cloud", "p1", name, (EntityResult("observations", counts, 0.1, slices=slices),))


def main() -> None:
    tracemart.extract.step.project_names = lambda settings: list(ENDINGS)
    tracemart.extract.step.extract_project = extract_project  # type: ignore[assignment]
    tracemart.reconcile.daily.read_daily_totals = lambda settings, name, result, run_id: result
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
