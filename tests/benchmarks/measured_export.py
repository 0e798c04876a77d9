"""The step `extract` on an export: seconds, rows, the process's largest memory."""

import json
import os
import resource
import time

from tracemart.extract.export.step import extract_export
from tracemart.settings import LangfuseProject, Settings

project = LangfuseProject(instance="langfuse", host="http://127.0.0.1", export=os.environ["TRACEMART_BENCH_EXPORT"])
settings = Settings.load()
started = time.perf_counter()
result = extract_export(settings, project)
seconds = time.perf_counter() - started
observations = next(entity for entity in result.entities if entity.entity == "observations")
print(
    json.dumps(
        {
            "rows": observations.read,
            "new": observations.inserted,
            "seconds": seconds,
            "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
    )
)
