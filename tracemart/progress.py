"""A progress bar on the command line for the callback that every long step takes."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from tracemart import warehouse


@contextmanager
def shown(console: Console, title: str) -> Iterator[warehouse.Progress]:
    """Yields the callback (what, done, total); outside a terminal nothing is drawn."""
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.fields[title]}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bars:
        bar = bars.add_task("", total=None, title=title)

        def progress(what: str, done: int, total: int | None) -> None:
            bars.update(bar, description=what, completed=done, total=total)

        yield progress
