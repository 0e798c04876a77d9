"""The stand-in as a process: load the workload, then listen until a signal comes."""

from __future__ import annotations

import gc
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from tracemart.errors import BadInputError, ServiceError
from tracemart.standin.app import make_app
from tracemart.standin.faults import FaultRun, FaultSchedule
from tracemart.standin.keys import read_keys
from tracemart.standin.modes import WriteMode
from tracemart.standin.rendered import RenderedBlocks
from tracemart.standin.store import Store
from tracemart.standin.synthetic import StreamSpec
from tracemart.standin.workloads import WorkloadSpec
from tracemart.standin.workloads.served import projects_of, store_of

_KEEP_ALIVE_SECONDS = 75
_START_SECONDS = 30


@dataclass(frozen=True)
class ServeOptions:
    """How to serve; `rendered_megabytes` bounds the rendered rows that are kept, 0 keeps none."""

    port: int
    keys_file: Path
    host: str = "127.0.0.1"
    mode: WriteMode = "events_only"
    faults: FaultSchedule | None = None
    rendered_megabytes: int = 0


def serve(spec: WorkloadSpec | StreamSpec, options: ServeOptions) -> None:
    """Serve until SIGTERM or SIGINT; the port is bound only once everything can be answered.

    Prints `stand-in ready on http://HOST:PORT …` then. Raises SettingsError for a key file without a
    project's keys, BadInputError for a workload that cannot be served, ServiceError for a port that is taken.
    """
    keys = read_keys(options.keys_file, [project.id for project in projects_of(spec)])
    if isinstance(spec, StreamSpec):
        _expect_served_as_it_is(options)
    store = store_of(spec, keys)
    counts = []
    for project in store.projects.values():
        counts.append(f"{project.id} {project.count_observations()}")
        project.scores()
        if options.rendered_megabytes:
            project.rendered = RenderedBlocks(options.rendered_megabytes * 2**20 // len(store.projects))
    # Hundreds of thousands of rows that stay for good need no visits from the garbage collector.
    gc.freeze()
    listener = _listen(options.host, options.port)
    config = uvicorn.Config(
        make_app(store, options.faults, options.mode), log_level=_log_level(options.faults), access_log=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
    )  # fmt: skip
    port = listener.getsockname()[1]
    print(f"stand-in ready on http://{options.host}:{port} ({', '.join(counts)} observations)", flush=True)
    try:
        uvicorn.Server(config).run(sockets=[listener])
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")


def _expect_served_as_it_is(options: ServeOptions) -> None:
    changes = options.faults.changes if options.faults else ()
    if options.mode != "events_only" or changes:
        raise BadInputError(
            "a synthetic stream is served in mode events_only and with rows that do not change; serve another workload "
            "for the rest."
        )


@contextmanager
def serving(
    store: Store, faults: FaultSchedule | FaultRun | None = None, mode: WriteMode = "events_only"
) -> Iterator[str]:
    """A stand-in on a free port of this machine, in a thread of this process; gives its address.

    `store` may be changed while it serves. Raises ServiceError if the server does not come up.
    """
    listener = _listen("127.0.0.1", 0)
    config = uvicorn.Config(
        make_app(store, faults, mode), log_level=_log_level(faults), access_log=False, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + _START_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            listener.close()
            raise ServiceError("the stand-in did not start; its messages above say why.")
        time.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def _log_level(faults: FaultSchedule | FaultRun | None) -> str:
    """An answer cut on purpose is no error to report."""
    return "warning" if faults is None else "critical"


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ServiceError(f"port {port} cannot be used ({error.strerror}); choose another with --port.") from None
    listener.listen(128)
    return listener
