"""The prompts of the made workload: one per agent, a second version from the middle on."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta

from tracemart.standin.rows import PromptVersion
from tracemart.standin.timestamps import from_datetime
from tracemart.standin.workloads.catalogue import AGENTS

_SECOND_VERSION_AT = 0.45
_NAMESPACE = uuid.UUID("6b0f4f0e-0d0a-4a3c-9a53-7d1b0f2d9c11")


def prompts_of(project_id: str, first_day: date, days: int) -> list[PromptVersion]:
    """Both versions of each agent's prompt, named `<agent>/main`; the newer is labelled `production`."""
    start = datetime(first_day.year, first_day.month, first_day.day, 8, tzinfo=UTC) - timedelta(days=10)
    second = start + timedelta(days=10 + round(days * _SECOND_VERSION_AT))
    versions = []
    for agent in AGENTS:
        if agent.project_id == project_id:
            for version, moment in ((1, start), (2, second)):
                name = f"{agent.name}/main"
                versions.append(
                    PromptVersion(
                        id=str(uuid.uuid5(_NAMESPACE, f"{project_id}/{name}/{version}")),
                        name=name,
                        version=version,
                        type="text",
                        prompt=f"You are {agent.name}. Help with {{{{feature}}}}. (revision {version})",
                        created_ms=from_datetime(moment),
                        updated_ms=from_datetime(second),
                        labels=("production",) if version == 2 else (),
                        tags=(agent.name,),
                        config={"model": agent.models[0][0], "temperature": 0.2},
                    )
                )
    return versions
