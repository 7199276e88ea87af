"""Filling a dataset folder, with as many processes as wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from pathlib import Path

from beatmeter._util.progress import say_nothing
from beatmeter._util.workers import in_workers
from beatmeter.corpora.config import ClipMaker, CorpusConfig
from beatmeter.corpora.dataset import DatasetFolder, SplitShares


def render_dataset(
    config: CorpusConfig,
    folder: Path,
    clips: int,
    *,
    jobs: int = 1,
    shares: SplitShares | None = None,
    on_progress: Callable[[int, int], None] = say_nothing,
) -> None:
    """Render a dataset, or the rest of one that was interrupted.

    Parameters
    ----------
    config : CorpusConfig
    folder : Path
        Clips that are there already are kept.
    clips : int >= 1
        How many clips the dataset has in the end.
    jobs : int >= 1
        Processes; the clips do not depend on it.
    shares : SplitShares, optional
    on_progress : callable, optional
        Called with the clips there and the clips wanted, before the first and after each.

    Raises
    ------
    DatasetError
        If the folder holds a dataset of another configuration, or something cannot be used.
    """
    dataset = DatasetFolder(folder)
    maker = ClipMaker(config)
    dataset.prepare(config.as_json())
    missing = dataset.missing(clips)
    on_progress(clips - len(missing), clips)
    added: Iterator[None] = (
        map(partial(_add, maker, dataset), missing)
        if jobs == 1
        else in_workers(partial(_add_in_worker, config, dataset), missing, jobs)
    )
    for done, _ in enumerate(added, start=clips - len(missing) + 1):
        on_progress(done, clips)
    dataset.write_tables(clips, shares or SplitShares())


def _add(maker: ClipMaker, dataset: DatasetFolder, index: int) -> None:
    dataset.add(index, maker.make(index))


def _add_in_worker(config: CorpusConfig, dataset: DatasetFolder, index: int) -> None:
    _add(_maker(config), dataset, index)


@lru_cache(maxsize=1)
def _maker(config: CorpusConfig) -> ClipMaker:
    """The maker of a worker, which has one configuration all its life."""
    return ClipMaker(config)
