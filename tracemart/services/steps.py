"""Shows long steps while they run, several at a time, and tells at the end where the time went."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table

T = TypeVar("T")


class Steps:
    """A line a step: a spinner and its seconds while it runs, a mark when it ends."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.seconds: list[tuple[str, float]] = []
        self._running: dict[str, tuple[float, Spinner, str]] = {}

    @contextmanager
    def shown(self) -> Iterator[None]:
        if not self.console.is_terminal:
            yield
            return
        with Live(get_renderable=self._render, console=self.console, refresh_per_second=8, transient=True):
            yield

    @contextmanager
    def step(self, title: str) -> Iterator[Callable[[str], None]]:
        """Runs one step; what it yields takes a note on how far it is."""
        started = time.monotonic()
        self._running[title] = (started, Spinner("dots"), "")

        def note(text: str) -> None:
            self._running[title] = (*self._running[title][:2], text)

        try:
            yield note
        except BaseException:
            del self._running[title]
            self.console.print(f"[red]✗[/] {title}", highlight=False)
            raise
        del self._running[title]
        self.record(title, time.monotonic() - started)

    def record(self, title: str, seconds: float) -> None:
        self.seconds.append((title, seconds))
        self.console.print(f"[green]✓[/] {title} [dim]{seconds:.1f} s[/]", highlight=False)

    def together(self, *steps: tuple[str, Callable[[], T]]) -> list[T]:
        """Run steps at the same time; the first that fails raises once all have ended."""

        def run(title: str, work: Callable[[], T]) -> T:
            with self.step(title):
                return work()

        with ThreadPoolExecutor(max_workers=len(steps)) as pool:
            futures = [pool.submit(run, title, work) for title, work in steps]
        return [future.result() for future in futures]

    def breakdown(self) -> Table:
        table = Table("Where the time went", "seconds", box=None, padding=(0, 2, 0, 0))
        table.columns[1].justify = "right"
        for title, seconds in self.seconds:
            table.add_row(title, f"{seconds:.1f}")
        return table

    def _render(self) -> Table:
        table = Table.grid(padding=(0, 1))
        for title, (started, spinner, note) in list(self._running.items()):
            table.add_row(spinner, title, f"[dim]{time.monotonic() - started:.0f} s {note}[/]")
        return table
