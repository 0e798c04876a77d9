"""The cost of calls as a FOCUS 1.2 dataset, for tools that read providers' bills: https://focus.finops.org."""

from tracemart.focus.periods import Period as Period
from tracemart.focus.step import FocusExport as FocusExport
from tracemart.focus.step import export as export
