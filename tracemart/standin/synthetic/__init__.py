"""A stream of observations that is computed when it is asked for and never held: any number of rows in no memory.

StreamSpec(rows, per_day)   how long and how dense
Stream(spec)                its rows by number, its exact totals
SyntheticProject(stream)    a project that serves it
"""

from tracemart.standin.synthetic.project import SyntheticProject
from tracemart.standin.synthetic.stream import PROJECT_ID, Stream, StreamSpec

__all__ = ["PROJECT_ID", "Stream", "StreamSpec", "SyntheticProject"]
