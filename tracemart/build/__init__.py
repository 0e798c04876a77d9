"""From raw to marts: dbt builds where no reader looks, checks follow, publishing swaps the schemas."""

from tracemart.build.invocation import manifests
from tracemart.build.layers import LayerResult, NodeResult, build_layer
from tracemart.build.slots import LAYERS, publish, start_build
from tracemart.build.step import BuildResult, build, check_marts, check_raw

__all__ = [
    "LAYERS", "BuildResult", "LayerResult", "NodeResult", "build", "build_layer", "check_marts",
    "check_raw", "manifests", "publish", "start_build",
]  # fmt: skip
