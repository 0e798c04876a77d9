"""Exits 0 if URL answers 200 and, with a PART of Airflow, says that this part is healthy; used by health checks."""

import json
import sys
import urllib.request


def main() -> None:
    url, *parts = sys.argv[1:]
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as answer:
            content = answer.read()
            if answer.status != 200:
                sys.exit(f"{url} answers {answer.status}")
    except OSError as error:
        sys.exit(f"{url}: {error}")
    for part in parts:
        status = json.loads(content)[part]["status"]
        if status != "healthy":
            sys.exit(f"{part} is {status}")


if __name__ == "__main__":
    main()
