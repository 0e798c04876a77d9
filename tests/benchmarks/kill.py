"""`./run bench kill`: the kill test of the suite with 100 kills in place of 10."""

import os
import subprocess
import sys

from tracemart.settings import PROJECT_ROOT

TEST = "tests/integration/extract/test_interrupted.py"

raise SystemExit(
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n0", "--timeout=3600", TEST, "-k", "killed"],
        env={**os.environ, "TRACEMART_BENCH_KILLS": "100"},
        cwd=PROJECT_ROOT,
        check=False,
    ).returncode
)
