"""Forecasts of daily cost and calls, anomalies in them, and the back-tests that say how good both are.

`step.forecast` is the step that DAG and command line call; `bench` scores the same functions on any series in a file.
The models are pure functions over numpy arrays: no input or output, no clock, no chance.
"""

import os

# The matrices here are tiny: more threads only wait for each other, and twice as long where other work is done.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
