"""The step `extract` as the command line and the DAG call it: seconds, rows, the process's largest memory."""

import json
import resource
import time

from tracemart.extract.step import extract
from tracemart.settings import Settings

settings = Settings.load()
started = time.perf_counter()
result = extract(settings, settings.projects()[0])
seconds = time.perf_counter() - started
observations = next(entity for entity in result.entities if entity.entity == "observations")
print(
    json.dumps(
        {
            "rows": observations.read,
            "new": observations.inserted,
            "seconds": seconds,
            "observations_seconds": observations.seconds,
            "slices": len(observations.slices),
            "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
    )
)
