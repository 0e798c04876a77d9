"""`python -m tracemart.standin serve|truth|projects|export`: run the stand-in, say what it would serve, or export it.

The key pairs come from a file, never from the command line.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import orjson

from tracemart.errors import BadInputError, TracemartError
from tracemart.standin.export import add_export_command, export_projects
from tracemart.standin.modes import WRITE_MODES
from tracemart.standin.store import KeyPair
from tracemart.standin.synthetic import StreamSpec
from tracemart.standin.workloads import WorkloadSpec
from tracemart.standin.workloads.served import projects_of, store_of, truth_of_spec


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tracemart.standin", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="serve a workload")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on; containers need 0.0.0.0")
    serve.add_argument("--port", type=int, required=True)
    serve.add_argument("--mode", choices=WRITE_MODES, default="events_only", help="the server's write mode")
    serve.add_argument("--keys", type=Path, required=True, help="JSON {project_id: {public_key, secret_key}}")
    serve.add_argument("--faults", type=Path, metavar="FILE.json", help="misbehave as this schedule says")
    serve.add_argument(
        "--rendered-megabytes", type=int, default=0, help="keep rendered rows of so many MB, 1.3 kB each"
    )
    truth = commands.add_parser("truth", help="print the workload's exact totals and planted anomalies as JSON")
    projects = commands.add_parser("projects", help="print the workload's projects as JSON")
    export = add_export_command(commands)
    for command in (serve, truth, projects, export):
        command.add_argument("--workload", type=Path, metavar="FILE.csv", help="replay a request log")
        command.add_argument("--observations", type=int, default=WorkloadSpec.observations)
        command.add_argument("--days", type=int, default=WorkloadSpec.days)
        command.add_argument("--seed", type=int, default=WorkloadSpec.seed)
        command.add_argument("--end", metavar="ISO", help="end of the made workload, cut to midnight UTC")
        command.add_argument("--synthetic", type=int, metavar="ROWS", help="a stream that is computed, never held")
        command.add_argument("--per-day", type=int, default=StreamSpec.per_day, help="rows a day of --synthetic")
    return parser


def _spec(arguments: argparse.Namespace) -> WorkloadSpec | StreamSpec:
    if arguments.synthetic is not None:
        return StreamSpec(arguments.synthetic, arguments.per_day, arguments.seed, _moment(arguments.end))
    return WorkloadSpec(
        arguments.workload, arguments.observations, arguments.days, arguments.seed, _moment(arguments.end)
    )


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadInputError(f"--end wants an ISO date or time such as 2026-11-22; {text!r} is none.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    try:
        spec = _spec(arguments)
        if arguments.command == "serve":
            _serve(spec, arguments)
        elif arguments.command == "export":
            keys = {project.id: KeyPair("", "") for project in projects_of(spec)}
            for manifest in export_projects(store_of(spec, keys).projects.values(), arguments):
                sys.stdout.write(f"{manifest}\n")
        elif arguments.command == "truth":
            _print(truth_of_spec(spec))
        else:
            _print([asdict(project) for project in projects_of(spec)])
    except TracemartError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _serve(spec: WorkloadSpec | StreamSpec, arguments: argparse.Namespace) -> None:
    from tracemart.standin.faults import read_schedule
    from tracemart.standin.serve import ServeOptions, serve

    faults = read_schedule(arguments.faults) if arguments.faults else None
    serve(
        spec,
        ServeOptions(
            arguments.port, arguments.keys, arguments.host, arguments.mode, faults, arguments.rendered_megabytes
        ),
    )


def _print(content: object) -> None:
    sys.stdout.buffer.write(orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


if __name__ == "__main__":
    sys.exit(main())
