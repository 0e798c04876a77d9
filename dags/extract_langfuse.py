"""
### Extract what is new in Langfuse into `raw`

Every hour, one mapped task a Langfuse project. A run that is scheduled or triggered follows the watermark; a run of
Airflow's backfill reads its own data interval and leaves the watermark where it is. Models, prompts and other
catalogues are read once a day, and not by a backfill; so are the server's own figures, which
`marts.fct_reconciliation_daily` holds against ours.

Rows, watermark and load log are committed together, so a task can be killed and run again. Each project that is through
says so by an event of its own asset, `langfuse://instance/project`, and of `langfuse_raw`, which starts `build_marts`:
no project waits for another. The task's log and the events say what became of the rows of each slice.

A project whose organisation has used up its requests is skipped, and so are later runs until the server answers again.
Where enough other projects of the same server are being read, a task comes back after a minute. A project whose first
load takes hours holds up no other: the next runs go on without it.
"""

from datetime import timedelta

from airflow.sdk import CronDataIntervalTimetable, dag, get_current_context, task
from wiring import PROJECTS, RAW, announce, backfilled_window, ending_as_airflow_says, is_backfill, task_defaults


@dag(
    schedule=CronDataIntervalTimetable("0 * * * *", timezone="UTC"),
    catchup=False,
    max_active_runs=4,
    dagrun_timeout=timedelta(hours=6),
    default_args=task_defaults(),
    tags=["extract"],
    doc_md=__doc__,
)
def extract_langfuse() -> None:
    @task
    def list_projects() -> list[str]:
        from tracemart.extract.step import project_names
        from tracemart.settings import Settings

        return project_names(Settings.load())

    @task(pool="langfuse", outlets=[RAW, PROJECTS], map_index_template="{{ task.op_kwargs['project'] }}")
    def extract_project(project: str) -> str:
        from tracemart.extract.step import extract_project as extract
        from tracemart.reconcile.daily import read_daily_totals
        from tracemart.settings import Settings

        context = get_current_context()
        settings = Settings.load().model_copy(update={"langfuse_wait_seconds": 60})
        with ending_as_airflow_says(context):
            result = extract(settings, project, run_id=context["run_id"], catalogues=None, **backfilled_window(context))
        if not is_backfill(context):
            result = read_daily_totals(settings, project, result, run_id=context["run_id"])
        print(result.with_slices())
        announce(context, project, result)
        return str(result)

    extract_project.expand(project=list_projects())


extract_langfuse()
