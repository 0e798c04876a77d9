"""A warehouse with made calls, as builds have it."""

from tests.integration.build.conftest import built, owner, raw

__all__ = ["built", "owner", "raw"]
