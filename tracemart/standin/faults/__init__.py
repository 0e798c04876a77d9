"""How the stand-in misbehaves on request."""

from tracemart.standin.faults.schedule import FaultSchedule

__all__ = ["FaultSchedule"]
