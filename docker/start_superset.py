"""Superset in its container: `prepare` brings its database to this version, `serve` becomes the server.

Environment and command were written by `init` in the main container, which knows the settings; this image has only
Superset's packages, so nothing but the standard library is used here.
"""

import json
import os
import sys
from pathlib import Path

START_FILE = Path(os.environ["TRACEMART_HOME"]) / "superset" / "container.json"
PREPARE = [sys.executable, str(Path(__file__).resolve().parent.parent / "superset" / "prepare.py")]


def main() -> None:
    if sys.argv[1:] not in (["prepare"], ["serve"]):
        sys.exit("usage: start_superset.py prepare|serve")
    try:
        start = json.loads(START_FILE.read_text())
    except OSError:
        sys.exit(f"{START_FILE} is missing: the service init writes it, see its log.")
    command = PREPARE if sys.argv[1] == "prepare" else start["command"]
    os.execve(command[0], command, start["environment"])  # noqa: S606


if __name__ == "__main__":
    main()
