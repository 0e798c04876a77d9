"""
### Keep the warehouse quick and small

Every night: months that raw need not keep are dropped, and old entries of run logs; vacuum and statistics of the tables
that were written to.
"""

from datetime import timedelta

from airflow.sdk import CronDataIntervalTimetable, dag, task
from wiring import task_defaults


@dag(
    schedule=CronDataIntervalTimetable("30 3 * * *", timezone="UTC"),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=3),
    default_args=task_defaults(),
    tags=["maintenance"],
    doc_md=__doc__,
)
def maintain_warehouse() -> None:
    @task
    def vacuum_and_prune() -> str:
        from tracemart.maintain import maintain
        from tracemart.settings import Settings

        return str(maintain(Settings.load()))

    vacuum_and_prune()


maintain_warehouse()
