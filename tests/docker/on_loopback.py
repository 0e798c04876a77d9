"""docker-compose.yml for the network of the host: no network of its own, every service on 127.0.0.1.

Reads the file on standard input, writes it to standard output. For machines where containers may have no network of
their own and images cannot be pulled.
"""

import sys
from typing import Any

import yaml


def on_loopback(compose: dict[str, Any]) -> dict[str, Any]:
    services = compose["services"]
    for service in services.values():
        service.pop("ports", None)
        service["network_mode"] = "host"
        service["extra_hosts"] = [f"{name}:127.0.0.1" for name in services]
        if "build" in service:
            service["build"]["network"] = "host"
        if service["image"].startswith("tracemart:"):
            service["environment"]["TRACEMART_LISTEN_ADDRESS"] = "127.0.0.1"
    services["postgres"]["command"] += ["-c", "listen_addresses=127.0.0.1"]
    return {name: content for name, content in compose.items() if not name.startswith("x-")}


if __name__ == "__main__":
    yaml.safe_dump(on_loopback(yaml.safe_load(sys.stdin)), sys.stdout, sort_keys=False)
