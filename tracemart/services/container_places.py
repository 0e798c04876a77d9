"""Where the parts reach one another when each runs in a container of its own."""

import os

from tracemart.errors import SettingsError
from tracemart.services.stack import PORTS, POSTGRES_PORT


def port(name: str) -> int:
    """The port on which that part listens and is published: TRACEMART_<NAME>_PORT, else the usual one."""
    usual = POSTGRES_PORT if name == "postgres" else PORTS[name][1]
    variable = f"TRACEMART_{name.upper()}_PORT"
    given = os.environ.get(variable) or str(usual)
    if not given.isdigit() or not 0 < int(given) < 65_536:
        raise SettingsError(f"{variable} is not usable: {given!r} is no port. Mend it in .env.")
    return int(given)


def place(name: str) -> str:
    """The part's URL: its service's name is its host."""
    return f"http://{PORTS[name][0]}:{port(name)}"


def listen_address() -> str:
    return os.environ.get("TRACEMART_LISTEN_ADDRESS") or "127.0.0.1"
