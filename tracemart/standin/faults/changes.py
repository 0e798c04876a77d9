"""What happens to a project's rows while it is being read: new versions, deletions, late rows.

Each function changes the store and is chosen by ids and the seed alone, so the same schedule over the same
rows ends in the same rows, whatever was asked before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from tracemart.standin.faults.dice import chance
from tracemart.standin.rows import Metadata, Observation, Score, encode
from tracemart.standin.store import ProjectStore
from tracemart.standin.timestamps import DAY_MS, HOUR_MS, MINUTE_MS

LONG_NOTE = 'asked twice, "answered" once; ' * 20
_WRITTEN_LATER_MS = 10 * MINUTE_MS
_MOVES_MS = (1, 500, -500, 5 * MINUTE_MS, -HOUR_MS, -DAY_MS)


@dataclass
class Lost:
    """What the server no longer has and an extractor may have seen: rows by project."""

    observations: dict[str, list[Observation]] = field(default_factory=dict)
    scores: dict[str, list[Score]] = field(default_factory=dict)


Picked = Callable[[str], bool]


def picker(seed: int, kind: str, project_id: str, share: float) -> Picked:
    """Says of a row's key whether it belongs to the share that a change takes."""
    return lambda key: chance(seed, kind, project_id, key) < share


def key_of(row: Observation) -> str:
    return f"{row.context.trace_id}/{row.id}"


def withhold(project: ProjectStore, picked: Picked) -> list[Observation]:
    """Take the late rows out of the store."""
    late = [row for row in project.observations() if picked(key_of(row))]
    gone = {id(row) for row in late}
    project.replace_observations([row for row in project.observations() if id(row) not in gone])
    return late


def send_again(project: ProjectStore, picked: Picked, *, moved: bool) -> None:
    """A newer version of each picked row arrives: twice the tokens and the cost, and a start moved if asked.

    No start moves beyond the newest of the store, so that a window that holds all rows still does.
    """
    rows = project.observations()
    if not rows:
        return
    newest = rows[-1].start_ms
    again = []
    for row in _newest_versions(rows):
        if picked(key_of(row)):
            shift = min(_MOVES_MS[int(chance(0, key_of(row)) * len(_MOVES_MS))], newest - row.start_ms) if moved else 0
            again.append(_version(row, shift or (-1 if moved else 0)))
    project.add_observations(again)


def _newest_versions(rows: Iterable[Observation]) -> list[Observation]:
    newest: dict[str, Observation] = {}
    for row in rows:
        known = newest.get(key_of(row))
        if known is None or row.created_ms >= known.created_ms:
            newest[key_of(row)] = row
    return list(newest.values())


def _version(row: Observation, shift_ms: int) -> Observation:
    return replace(
        row,
        start_ms=row.start_ms + shift_ms,
        end_ms=row.end_ms + shift_ms,
        completion_ms=None if row.completion_ms is None else row.completion_ms + shift_ms,
        created_ms=row.created_ms + _WRITTEN_LATER_MS,
        usage_values=tuple(2 * units for units in row.usage_values),
        cost_values=tuple(2 * pico for pico in row.cost_values),
    )


def lengthen_metadata(project: ProjectStore, picked: Picked) -> None:
    """Picked traces get a value under `notes` that is longer than lists answer."""
    contexts = {id(row.context): row.context for row in project.observations() if picked(row.context.trace_id)}
    longer = {
        known: replace(context, metadata=Metadata(context.metadata.stored | {"notes": encode(LONG_NOTE)}))
        for known, context in contexts.items()
    }
    rows = project.observations()
    project.replace_observations(
        replace(row, context=longer[id(row.context)]) if id(row.context) in longer else row for row in rows
    )


def delete_traces(project: ProjectStore, picked: Picked, late: list[Observation], lost: Lost) -> None:
    """Traces vanish with their scores, late rows of them too."""
    rows, scores = project.observations(), project.scores()
    traces = {row.context.trace_id for row in rows if picked(row.context.trace_id)}
    lost.observations.setdefault(project.id, []).extend(row for row in rows if row.context.trace_id in traces)
    lost.scores.setdefault(project.id, []).extend(score for score in scores if score.trace_id in traces)
    project.replace_observations([row for row in rows if row.context.trace_id not in traces])
    for score in [score for score in scores if score.trace_id in traces]:
        project.delete_score(score.id)
    late[:] = [row for row in late if row.context.trace_id not in traces]


def delete_scores(project: ProjectStore, picked: Picked, lost: Lost) -> None:
    for score in [score for score in project.scores() if picked(score.id)]:
        lost.scores.setdefault(project.id, []).append(score)
        project.delete_score(score.id)


def overwrite_scores(project: ProjectStore, picked: Picked) -> None:
    """Another value under the same id and timestamp."""
    for score in list(project.scores()):
        if picked(score.id):
            updated_ms = score.updated_ms + _WRITTEN_LATER_MS
            project.overwrite_score(
                replace(score, value=_other(score), comment="changed my mind", updated_ms=updated_ms)
            )


def _other(score: Score) -> float | int | str:
    if score.data_type == "BOOLEAN":
        return 0 if score.value else 1
    return score.value + 0.5 if isinstance(score.value, (int, float)) else f"not {score.value}"
