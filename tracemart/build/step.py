"""The step `build`: check raw, build every layer, check the result, publish it."""

import time
from dataclasses import dataclass

from tracemart.build.layers import LayerResult, build_layer
from tracemart.build.slots import LAYERS, fail_build, publish, start_build
from tracemart.errors import ValidationFailedError
from tracemart.settings import Settings
from tracemart.warehouse import Progress


@dataclass(frozen=True)
class BuildResult:
    """`build_id` is None where there was nothing new."""

    build_id: int | None
    layers: tuple[LayerResult, ...]
    seconds: float

    @property
    def published(self) -> bool:
        return self.build_id is not None

    def __str__(self) -> str:
        if self.build_id is None:
            return "Nothing new: the marts hold every load."
        layers = "; ".join(str(layer) for layer in self.layers)
        return f"Build {self.build_id} is published after {self.seconds:.1f} s ({layers})."


def build(settings: Settings, full_refresh: bool = False, progress: Progress | None = None) -> BuildResult:
    """Bring the marts to what raw holds. Where anything fails, readers see what they saw.

    Raises ValidationFailedError, BuildError, WarehouseError.
    """
    from tracemart.validate import validate_marts, validate_raw

    started = time.monotonic()
    build_id = start_build(settings, full_refresh)
    if build_id is None:
        return BuildResult(None, (), time.monotonic() - started)
    try:
        validate_raw(settings, build_id, progress=progress)
        layers = tuple(build_layer(settings, build_id, layer, progress) for layer in LAYERS)
        validate_marts(settings, build_id, progress=progress)
    except ValidationFailedError as error:
        fail_build(settings, build_id, str(error))
        raise
    publish(settings, build_id)
    return BuildResult(build_id, layers, time.monotonic() - started)
