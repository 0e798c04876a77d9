"""The step `build`: check raw, build every layer, check the result, publish it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracemart.build.layers import LayerResult, build_layer
from tracemart.build.slots import LAYERS, fail_build, publish, start_build
from tracemart.errors import TracemartError
from tracemart.settings import Settings
from tracemart.warehouse import Progress

if TYPE_CHECKING:
    from tracemart.validate import ValidationResult


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
    started = time.monotonic()
    build_id = start_build(settings, full_refresh)
    if build_id is None:
        return BuildResult(None, (), time.monotonic() - started)
    check_raw(settings, build_id, progress=progress)
    layers = tuple(build_layer(settings, build_id, layer, progress) for layer in LAYERS)
    check_marts(settings, build_id, progress=progress)
    publish(settings, build_id)
    return BuildResult(build_id, layers, time.monotonic() - started)


def check_raw(
    settings: Settings, build_id: int, *, run_id: str | None = None, progress: Progress | None = None
) -> "ValidationResult":
    """Check what arrived since the last build; where it is not fit for use the build has failed.

    Raises ValidationFailedError.
    """
    from tracemart.validate import validate_raw

    with failing_build(settings, build_id):
        return validate_raw(settings, build_id, run_id=run_id, progress=progress)


def check_marts(
    settings: Settings, build_id: int, *, run_id: str | None = None, progress: Progress | None = None
) -> "ValidationResult":
    """Audit what the build made before any reader sees it; where it is not fit to be seen the build has failed.

    Raises ValidationFailedError.
    """
    from tracemart.validate import validate_marts

    with failing_build(settings, build_id):
        return validate_marts(settings, build_id, run_id=run_id, progress=progress)


@contextmanager
def failing_build(settings: Settings, build_id: int) -> Iterator[None]:
    try:
        yield
    except TracemartError as error:
        fail_build(settings, build_id, str(error))
        raise
