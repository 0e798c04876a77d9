"""A schedule being played against a store: which request it is, what was done, what is still to come."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

from starlette.responses import Response

from tracemart.standin.faults import changes
from tracemart.standin.faults.changes import Lost, picker
from tracemart.standin.faults.dice import chance
from tracemart.standin.faults.limits import Buckets
from tracemart.standin.faults.oddities import Oddities
from tracemart.standin.faults.schedule import CURSOR_PATHS, PAGE_KINDS, Change, Fault, FaultSchedule
from tracemart.standin.rows import Observation
from tracemart.standin.store import ProjectStore, Store


class FaultRun:
    """The state of one server's faults.

    Making it applies the changes of request 0 and takes the late rows out of `store`. `requests` counts
    the GET requests that came with valid keys, `shown` how often each kind of fault was answered, `lost`
    holds the rows that were deleted, `late` those not to be seen yet. `clock` gives seconds since 1970.
    """

    def __init__(self, schedule: FaultSchedule, store: Store, clock: Callable[[], float] = time.time) -> None:
        self.schedule = schedule
        self.store = store
        self.clock = clock
        self.requests = 0
        self.shown: Counter[str] = Counter()
        self.lost = Lost()
        self.oddities = Oddities(schedule)
        self.late: dict[str, list[Observation]] = {project_id: [] for project_id in store.projects}
        self._buckets = Buckets(schedule.rate_limits) if schedule.rate_limits else None
        self._matched: Counter[int] = Counter()
        self._given: Counter[int] = Counter()
        self._over = False
        for change in schedule.changes:
            if change.kind == "late":
                self._withhold(change)
        self._pending = list(schedule.changes)
        self._apply_due()

    def finish(self) -> None:
        """End all faults and let every change happen that has not yet: from now on the server tells the truth."""
        self._over = True
        self.oddities.end()
        for change in self._pending:
            self._apply(change)
        self._pending = []

    def limited(self, method: str, path: str) -> Response | None:
        """The 429 of the plan's rate limits, if the bucket of `path` is used up."""
        if self._buckets is None or self._over:
            return None
        answer = self._buckets.take(method, path, self.clock())
        if answer is not None:
            self.shown["rate_limits"] += 1
        return answer

    def faults_of(self, path: str) -> list[Fault]:
        """The faults that this next request to `path` gets, in the schedule's order."""
        self.requests += 1
        self._apply_due()
        if self._over:
            return []
        hit = []
        for place, fault in enumerate(self.schedule.faults):
            if not path.startswith(fault.path) or (fault.kind in PAGE_KINDS and path not in CURSOR_PATHS):
                continue
            self._matched[place] += 1
            if fault.times is not None and self._given[place] >= fault.times:
                continue
            if self._comes(place, fault, self._matched[place]):
                self._given[place] += 1
                self.shown[fault.kind] += 1
                hit.append(fault)
        return hit

    def payload_bound(self) -> int | None:
        return None if self._over else self.schedule.payload_bytes

    def is_too_wide(self, rows: int) -> bool:
        """Whether a window of so many rows times out."""
        bound = self.schedule.window_rows
        if self._over or bound is None or rows <= bound:
            return False
        self.shown["window_rows"] += 1
        return True

    @property
    def counts_are_text(self) -> bool:
        return self.schedule.string_counts and not self._over

    def _comes(self, place: int, fault: Fault, number: int) -> bool:
        return (
            number in fault.at
            or (fault.every is not None and number % fault.every == 0)
            or (fault.probability > 0 and chance(self.schedule.seed, place, number) < fault.probability)
        )

    def _projects(self) -> list[ProjectStore]:
        return list(self.store.projects.values())

    def _withhold(self, change: Change) -> None:
        for project in self._projects():
            picked = picker(self.schedule.seed, "late", project.id, change.share)
            self.late[project.id].extend(changes.withhold(project, picked))

    def _apply_due(self) -> None:
        if not self._pending:
            return
        due = [
            change for change in self._pending
            if change.after_requests <= self.requests and (change.after_requests or change.kind != "late")
        ]  # fmt: skip
        for change in due:
            self._apply(change)
        self._pending = [change for change in self._pending if change not in due]

    def _apply(self, change: Change) -> None:
        for project in self._projects():
            picked = picker(self.schedule.seed, change.kind, project.id, change.share)
            if change.kind == "late":
                project.add_observations(self.late[project.id])
                self.late[project.id] = []
            elif change.kind in ("same_start", "moved_start"):
                changes.send_again(project, picked, moved=change.kind == "moved_start")
            elif change.kind == "merge":
                project.merge_versions()
            elif change.kind == "long_metadata":
                changes.lengthen_metadata(project, picked)
            elif change.kind == "delete_traces":
                changes.delete_traces(project, picked, self.late[project.id], self.lost)
            elif change.kind == "delete_scores":
                changes.delete_scores(project, picked, self.lost)
            else:
                changes.overwrite_scores(project, picked)
        self.shown[change.kind] += 1
