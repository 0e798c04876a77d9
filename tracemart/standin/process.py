"""The stand-in as a process of its own, for whoever measures a client without the server in the same interpreter."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from tracemart.errors import ServiceError
from tracemart.standin.keys import write_keys
from tracemart.standin.store import KeyPair

_PACKAGE_ROOT = str(Path(__file__).parents[2])
_READY = "stand-in ready on "


@contextmanager
def serving_process(arguments: Sequence[str], keys: Mapping[str, KeyPair]) -> Iterator[str]:
    """Start `python -m tracemart.standin serve` on a free port; gives its address, stops it in the end.

    `arguments` are those of `serve` but port and keys, as `["--synthetic", "200000"]`; `keys` has a pair for
    each project that they serve. Raises ServiceError if it does not come up; its own message stands above.
    """
    with tempfile.TemporaryDirectory() as folder:
        keys_file = Path(folder) / "keys.json"
        write_keys(keys_file, {project_id: asdict(pair) for project_id, pair in keys.items()})
        command = [sys.executable, "-m", "tracemart.standin", "serve", "--port", "0", "--keys", str(keys_file)]
        path = os.pathsep.join(part for part in (_PACKAGE_ROOT, os.environ.get("PYTHONPATH")) if part)
        with subprocess.Popen(
            [*command, *arguments], stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": path}
        ) as process:
            assert process.stdout is not None
            try:
                line = process.stdout.readline()
                if not line.startswith(_READY):
                    raise ServiceError("the stand-in did not start; its message above says why.")
                yield line.removeprefix(_READY).split()[0]
            finally:
                process.terminate()
