"""The semantic layer: MetricFlow's metrics of the marts, as its own command and as exact SQL."""
