"""The same pages by dlt: its REST source into Postgres, without nested tables. Runs in dlt's own environment."""

import json
import os
import time

import dlt
from dlt.sources.helpers.rest_client.auth import HttpBasicAuth
from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator
from dlt.sources.rest_api import rest_api_source

FIELDS = "core,basic,time,metadata,model,usage,prompt,metrics,trace_context"

source = rest_api_source(
    {
        "client": {
            "base_url": os.environ["LANGFUSE_HOST"] + "/api/public/",
            "auth": HttpBasicAuth(os.environ["LANGFUSE_PUBLIC_KEY"], os.environ["LANGFUSE_SECRET_KEY"]),
            "paginator": JSONResponseCursorPaginator(cursor_path="meta.cursor", cursor_param="cursor"),
        },
        "resources": [
            {
                "name": "observations",
                "endpoint": {
                    "path": "v2/observations",
                    "params": {
                        "fields": FIELDS,
                        "limit": 1000,
                        "expandMetadata": "*",
                        "toStartTime": os.environ["TRACEMART_AS_OF"],
                    },
                    "data_selector": "data",
                },
            }
        ],
    },
    max_table_nesting=0,
)
pipeline = dlt.pipeline(
    "bench",
    destination=dlt.destinations.postgres(os.environ["TRACEMART_DATABASE_URL"]),
    dataset_name="dlt_bench",
    pipelines_dir=os.environ["TRACEMART_HOME"] + "/dlt",
)
started = time.perf_counter()
pipeline.run(source)
seconds = time.perf_counter() - started
with pipeline.sql_client() as client:
    rows = client.execute_sql("select count(*) from observations")[0][0]
print(json.dumps({"rows": rows, "seconds": seconds}))
