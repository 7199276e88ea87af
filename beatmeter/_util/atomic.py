"""Files that are there whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a path beside `path` to write to; it takes the name `path` when the block succeeds.

    Missing folders are made. When the block fails, `path` is left as it was.

    Parameters
    ----------
    path : str or Path

    Yields
    ------
    Path
        `path` with ``.part`` appended.

    Raises
    ------
    OSError
        If a folder or the file cannot be made.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    try:
        yield partial
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
