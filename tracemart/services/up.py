"""`./run up`: the same services on a team's own Langfuse projects."""

from rich.console import Console

from tracemart.services.airflow import DAGS
from tracemart.services.demo import import_into, record_setup
from tracemart.services.stack import Stack, start
from tracemart.services.steps import Steps
from tracemart.settings import Settings


def bring_up(settings: Settings, console: Console) -> Stack:
    """Start everything and let the DAGs' schedules run. Raises SettingsError where no project is set."""
    settings.projects()
    steps = Steps(console)
    record_setup(steps)
    with steps.shown():
        stack = start(settings, None, steps)
        with steps.step("Superset's dashboards"):
            import_into(stack)
        api = stack.airflow()
        for dag in DAGS:
            api.unpause(dag)
    console.print(steps.breakdown())
    console.print(
        f"Superset  {stack.superset_url}  ({stack.superset_user}, {stack.superset_password})", highlight=False
    )
    console.print(f"Airflow   {stack.airflow_url}  (admin, {stack.airflow_password})", highlight=False)
    return stack
