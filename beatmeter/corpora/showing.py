"""Progress of the commands that make corpora."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path


def search(recordings: Path) -> None:
    """Search a folder for stretches to splice, unless it was searched before."""
    from beatmeter.corpora.splicing.source import (
        list_recordings,
        recordings_index,
        search_recordings,
    )

    total = len(list_recordings(recordings))
    with counted("recordings searched") as report:
        done = count(1)
        search_recordings(
            recordings, recordings_index(recordings), lambda _: report(next(done), total)
        )


@contextmanager
def counted(what: str) -> Iterator[Callable[[int, int | None], None]]:
    """Show a bar while the block runs."""
    from rich.progress import BarColumn, MofNCompleteColumn, TimeRemainingColumn

    from beatmeter._util.progress import progress_bars

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with progress_bars("{task.description}", *columns) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
