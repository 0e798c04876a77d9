"""Every query of every dashboard, as the analyst: the median of three runs of each, in milliseconds."""

import json
import statistics
import time

from tracemart.settings import Settings
from tracemart.superset.queries import dashboard_queries
from tracemart.warehouse import Role, Warehouse

settings = Settings.load()
milliseconds = {}
with Warehouse(settings).connect(Role.ANALYST, autocommit=True) as connection:
    for query in dashboard_queries(settings):
        runs = []
        for _ in range(3):
            began = time.perf_counter()
            connection.execute(query.sql.encode()).fetchall()
            runs.append((time.perf_counter() - began) * 1000)
        milliseconds[f"{query.dashboard}: {query.chart}"] = statistics.median(runs)
print(json.dumps(milliseconds))
