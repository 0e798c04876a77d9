"""
### Extract what is new in Langfuse into `raw`

Every hour, one mapped task a Langfuse project: its projects, models, prompts, observations and scores, from the
watermark less an overlap up to now. Rows, watermark and load log are committed together, so a task can be killed and
run again. When all projects are through, the asset `langfuse_raw` starts `build_marts`.
"""

from datetime import timedelta

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import CronDataIntervalTimetable, dag, task
from wiring import RAW, task_defaults


@dag(
    schedule=CronDataIntervalTimetable("0 * * * *", timezone="UTC"),
    catchup=False,
    max_active_runs=1,
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

    @task(pool="langfuse", map_index_template="{{ project_name }}")
    def extract_project(project: str, run_id: str | None = None) -> str:
        from airflow.sdk import get_current_context

        from tracemart.extract.step import extract_project as extract
        from tracemart.settings import Settings

        get_current_context()["project_name"] = project
        result = str(extract(Settings.load(), project, run_id=run_id))
        print(result)
        return result

    announce_raw = EmptyOperator(task_id="announce_raw", outlets=[RAW])
    extract_project.expand(project=list_projects()) >> announce_raw


extract_langfuse()
