"""Late parents, children and second records: an incremental build judges as building everything anew does."""

from collections.abc import Callable

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.integration.build.conftest import Raw, marts, root
from tests.integration.court.cases import attributes, scope
from tests.integration.court.conftest import SECOND, call, verdicts

Build = Callable[..., int | None]
ANSWER = "chatcmpl-9XtcaF1Q0cm8pL2fcOIblCL8cmhVO"
USAGE = {"input": 60, "output": 6, "total": 66}
COST = {"input": "0.5", "output": "0.25"}


def record(trace: str, name: str, day: float, **fields: object) -> dict[str, object]:
    metadata = attributes(f"recorded.by.{name}", gen_ai__response__id=ANSWER)
    return call(trace, name, day, USAGE, COST, metadata=metadata, **fields)


@pytest.mark.slow
def test_what_comes_late_is_judged_as_if_it_had_been_there(raw: Raw, built: Build, owner: psycopg.Connection) -> None:
    raw.load(
        "observations",
        [
            # A child without its parent, over midnight; a parent without its children.
            root("late parent", 0.9),
            call("late parent", "chat", 1.1, USAGE, COST, parent_observation_id="late parent-run"),
            call("late child", "run", 2.3, USAGE, COST, type="AGENT"),
            # One record of an answer, and one in a trace that began the day before.
            record("first", "sdk", 3.5),
            root("midnight", 3.9),
            record("midnight", "proxy", 4.2),
            # Two in one trace.
            call("pair", "sdk", 5.5, USAGE, COST, metadata=scope("sdk")),
            # Days that nothing happens to.
            call("quiet", "chat", 7.5, USAGE, COST),
        ],
    )
    built()
    built(full_refresh=True)
    assert verdicts(owner) == {}

    raw.load(
        "observations",
        [
            call("late parent", "run", 0.95, USAGE, COST, type="AGENT", parent_observation_id="late parent-root"),
            call("late child", "chat", 2.3, USAGE, COST, parent_observation_id="late child-run"),
            record("second", "proxy", 3.5 + 0.1 * SECOND, seconds=1.8),
            record("after midnight", "sdk", 4.2),
            call("pair", "proxy", 5.5, USAGE, metadata=scope("proxy")),
        ],
    )
    built()
    found = {
        "late parent-run": "repeated_by_parent",
        "late child-run": "repeated_by_parent",
        "second-proxy": "recorded_twice",
        "pair-proxy": "recorded_twice",
    }
    assert rules(owner) == found
    incremental = marts(owner)
    built(full_refresh=True)
    assert marts(owner) == incremental

    # What was taken for a repeat is one no longer, and the record that stayed goes to another day.
    raw.load(
        "observations",
        [
            call("late child", "second chat", 2.31, USAGE, COST, parent_observation_id="late child-run"),
            record("first", "sdk", 6.5),
            call("pair", "proxy", 5.5, USAGE | {"total": 67, "output": 7}, metadata=Jsonb({})),
        ],
    )
    built()
    assert rules(owner) == {"late parent-run": "repeated_by_parent"}
    again = marts(owner)
    built(full_refresh=True)
    assert marts(owner) == again


def rules(owner: psycopg.Connection) -> dict[str, str]:
    return dict(owner.execute("select observation_id, duplicate_rule from marts.fct_duplicate_calls").fetchall())
