"""`./run mf`: MetricFlow's own command line on the published marts, as the read-only analyst."""

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from tracemart.build.invocation import dbt_home, profile_environment
from tracemart.build.version import DBT_PROJECT
from tracemart.errors import WarehouseQueryError
from tracemart.semantic.manifest import semantic_manifest
from tracemart.settings import Settings
from tracemart.warehouse import Role, first_line


def run_metricflow(settings: Settings, arguments: Sequence[str]) -> None:
    """Runs `mf <arguments>` in this process and prints what it prints; the password stands in the environment alone.

    Raises WarehouseQueryError for what MetricFlow refuses, BuildError, SystemExit.
    """
    import click
    from dbt_metricflow.cli import main

    folder = metricflow_project(settings)
    places = {"DBT_PROJECT_DIR": str(folder), "DBT_PROFILES_DIR": str(folder), "DBT_LOG_PATH": str(folder / "logs")}
    # It asks PyPI for a newer version of itself before every command.
    vars(main)["UpdateChecker"] = _NoUpdates
    with profile_environment(settings, Role.ANALYST, places):
        here = Path.cwd()
        os.chdir(folder)
        try:
            main.cli.main(args=list(arguments), prog_name="./run mf", standalone_mode=False)
        except click.ClickException as refusal:
            raise WarehouseQueryError(f"MetricFlow says: {refusal.format_message()}") from None
        except Exception as error:
            raise WarehouseQueryError(f"MetricFlow refuses this: {first_line(error)}") from None
        finally:
            os.chdir(here)


def metricflow_project(settings: Settings) -> Path:
    """A dbt project of MetricFlow's own below TRACEMART_HOME: the profile, and the manifest of the published marts."""
    folder = dbt_home(settings) / "metricflow"
    (folder / "target").mkdir(parents=True, exist_ok=True)
    (folder / "dbt_project.yml").write_text("name: tracemart\nversion: 1.0.0\nconfig-version: 2\nprofile: tracemart\n")
    shutil.copyfile(DBT_PROJECT / "profiles.yml", folder / "profiles.yml")
    (folder / "target" / "semantic_manifest.json").write_text(json.dumps(semantic_manifest(settings)))
    return folder


class _NoUpdates:
    def check(self, *_: object) -> None:
        return None
