"""How the stand-in misbehaves on request.

FaultSchedule(...)            what goes wrong when; plain values, drawn by tests or read from JSON
FaultRun(schedule, store)     a schedule being played: `finish()` ends all faults and lets late rows come
all_faults(seed)              a schedule of everything at once
truth_of_project(store, run)  the rows that a right extractor must end with
"""

from tracemart.standin.faults.everything import all_faults
from tracemart.standin.faults.run import FaultRun
from tracemart.standin.faults.schedule import (
    Change,
    Fault,
    FaultSchedule,
    RateLimits,
    RowFault,
    read_schedule,
)
from tracemart.standin.faults.truth import Truth, truth_of_project

__all__ = [
    "Change",
    "Fault",
    "FaultRun",
    "FaultSchedule",
    "RateLimits",
    "RowFault",
    "Truth",
    "all_faults",
    "read_schedule",
    "truth_of_project",
]
