"""
### Build the marts: write, audit, publish

Starts when `langfuse_raw` is updated. Great Expectations checks what arrived; dbt builds staging, intermediate and
marts for the touched days into `marts_next`; dbt's tests and Great Expectations audit it; publishing swaps `marts_next`
with `marts` in one transaction. Whatever fails, readers keep the last good build whole.

A run that finds nothing new stops after `start_build`.
"""

from datetime import timedelta

from airflow.sdk import chain, dag, task
from wiring import MARTS, RAW, task_defaults


@dag(
    schedule=[RAW],
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=6),
    default_args=task_defaults(pool="warehouse_build"),
    tags=["build"],
    doc_md=__doc__,
)
def build_marts() -> None:
    @task.short_circuit
    def start_build() -> int | None:
        from tracemart.build import start_build as start
        from tracemart.settings import Settings

        return start(Settings.load())

    @task
    def validate_raw(build_id: int, run_id: str | None = None) -> str:
        from tracemart.build import check_raw
        from tracemart.settings import Settings

        return str(check_raw(Settings.load(), build_id, run_id=run_id))

    @task
    def build_layer(build_id: int, layer: str) -> str:
        from tracemart.build import build_layer as build
        from tracemart.settings import Settings

        return str(build(Settings.load(), build_id, layer))

    @task
    def validate_marts(build_id: int, run_id: str | None = None) -> str:
        from tracemart.build import check_marts
        from tracemart.settings import Settings

        return str(check_marts(Settings.load(), build_id, run_id=run_id))

    @task(outlets=[MARTS])
    def publish_marts(build_id: int) -> str:
        from tracemart.build import publish
        from tracemart.settings import Settings

        return str(publish(Settings.load(), build_id))

    build_id = start_build()
    layers = [
        build_layer.override(task_id=f"build_{layer}")(build_id, layer)
        for layer in ("staging", "intermediate", "marts")
    ]
    chain(validate_raw(build_id), *layers, validate_marts(build_id), publish_marts(build_id))


build_marts()
