"""What decides which model a name means, besides the team's aliases."""

from tracemart.prices.catalogue import catalogue_version

RULES = 4
"""Counts up where the rules give other matches."""


def matching_version() -> str:
    return f"{catalogue_version()}, rules {RULES}"
