"""The step `build` as the command line and the DAG call it: seconds in all and by layer, and the slowest models."""

import json
import resource
import sys
import time

from tracemart.build import LAYERS, build_layer, check_marts, check_raw, publish, start_build
from tracemart.settings import Settings

settings = Settings.load()
seconds: dict[str, float] = {}
nodes: dict[str, float] = {}
began = time.perf_counter()


def note(part: str) -> None:
    seconds[part] = time.perf_counter() - began - sum(seconds.values())


build_id = start_build(settings)
note("start")
if build_id is None:
    sys.exit("There was nothing new to build.")
check_raw(settings, build_id)
note("check raw")
for layer in LAYERS:
    nodes |= {node.name: node.seconds for node in build_layer(settings, build_id, layer).nodes}
    note(layer)
check_marts(settings, build_id)
note("check marts")
publish(settings, build_id)
note("publish")
print(
    json.dumps(
        {
            "seconds": sum(seconds.values()),
            "parts": seconds,
            "slowest": dict(sorted(nodes.items(), key=lambda node: -node[1])[:12]),
            "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
    )
)
