"""Every query that README and runbook show runs on a published warehouse, as the analyst."""

import re
from typing import TYPE_CHECKING

import pytest

from tracemart.settings import PROJECT_ROOT
from tracemart.warehouse import Role, Warehouse

if TYPE_CHECKING:
    from tracemart.services.stack import Stack

QUERIES = sorted(
    {
        query
        for page in ("README.md", "docs/runbook.md", "tracemart/services/demo.py")
        for query in re.findall(r'run sql "(select [^"…]+)"', (PROJECT_ROOT / page).read_text())
    }
)


@pytest.mark.parametrize("query", QUERIES)
def test_the_query_of_the_docs_runs(running_demo: "Stack", query: str) -> None:
    with Warehouse(running_demo.instance.settings).connect(Role.ANALYST) as connection:
        assert connection.execute(query.encode()).description
