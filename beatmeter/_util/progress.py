"""Progress of long work: live on a terminal, silent elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn

T = TypeVar("T")


def track(items: Iterable[T], description: str, total: int | None = None) -> Iterator[T]:
    """Yield the items while a bar on standard error shows how many have passed.

    Parameters
    ----------
    total : int, optional
        How many there will be; ``len(items)`` when not given and known.
    """
    with progress_bars(transient=True) as progress:
        yield from progress.track(items, total=total, description=description)


def say_nothing(_done: int, _total: int) -> None:
    """Take a report of progress that nobody wants."""


def progress_bars(*columns: ProgressColumn | str, transient: bool = False) -> Progress:
    """Bars on standard error, shown within a ``with`` block.

    Parameters
    ----------
    *columns : ProgressColumn or str
        What is told of each task; rich's choice when none are given.
    transient : bool
        Whether the bars vanish at the end of the block.
    """
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    return Progress(
        *columns,
        console=console,
        transient=transient,
        redirect_stdout=False,
        disable=not console.is_terminal,
    )
