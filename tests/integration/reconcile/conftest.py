"""A stand-in Langfuse, raw loaded from it, and the marts made of that."""

from tests.integration.build.conftest import built, owner, raw
from tests.integration.extract.conftest import query, serve, served, settings

__all__ = ["built", "owner", "query", "raw", "serve", "served", "settings"]
