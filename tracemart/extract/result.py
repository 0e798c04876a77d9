"""What a run of the step `extract` did, for the log, the command line and Airflow's pages."""

from dataclasses import dataclass

from tracemart.extract.load import LoadCounts
from tracemart.extract.slice_load import SliceResult
from tracemart.extract.windows import Window


@dataclass(frozen=True)
class EntityResult:
    """What a run loaded of one entity: counts as in LoadCounts; without a window and slices for catalogues."""

    entity: str
    counts: LoadCounts
    seconds: float
    window: Window | None = None
    slices: tuple[SliceResult, ...] = ()
    skipped: str | None = None

    @property
    def read(self) -> int:
        return self.counts.read

    @property
    def inserted(self) -> int:
        return self.counts.inserted

    @property
    def updated(self) -> int:
        return self.counts.updated

    @property
    def unchanged(self) -> int:
        return self.counts.unchanged

    @property
    def vanished(self) -> int:
        return self.counts.vanished

    @property
    def rejected(self) -> int:
        return self.counts.rejected

    @property
    def changed(self) -> bool:
        return self.counts.changed

    def __str__(self) -> str:
        if self.skipped:
            return f"{self.entity:<16} skipped: {self.skipped}"
        counts = self.counts
        vanished = f", {counts.vanished:,} vanished" if counts.vanished else ""
        window = f", {self.window.start:%Y-%m-%d %H:%M} to {self.window.end:%Y-%m-%d %H:%M} UTC" if self.window else ""
        slices = f" in {len(self.slices)} slices" if len(self.slices) > 1 else ""
        return (
            f"{self.entity:<16}{counts.read:>9,} read, {counts.inserted:,} new, {counts.updated:,} changed,"
            f" {counts.unchanged:,} as before{vanished}, {counts.rejected:,} rejected in {self.seconds:.1f} s"
            f"{window}{slices}"
        )


@dataclass(frozen=True)
class ExtractResult:
    instance: str
    project_id: str
    project_name: str | None
    entities: tuple[EntityResult, ...]

    @property
    def changed(self) -> bool:
        """Whether raw holds anything new: what follows has work to do."""
        return any(entity.changed for entity in self.entities)

    def with_slices(self) -> str:
        """As `str`, with a line for each slice below its entity."""
        lines = [f"{self.instance}/{self.project_name or self.project_id}"]
        for entity in self.entities:
            lines += [f"  {entity}", *(f"    {part}" for part in entity.slices)]
        return "\n".join(lines)

    def __str__(self) -> str:
        lines = [f"{self.instance}/{self.project_name or self.project_id}"]
        lines += [f"  {entity}" for entity in self.entities]
        return "\n".join(lines)
