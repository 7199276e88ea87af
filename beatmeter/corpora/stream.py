"""Labelled music without end, composed and rendered by the workers that load it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch.utils.data import IterableDataset, get_worker_info

from beatmeter.corpora.config import ClipMaker, CorpusConfig
from beatmeter.meters import METERS


class CorpusStream(IterableDataset[dict[str, Any]]):
    """Clips of a corpus, in order, each made by one worker only.

    Parameters
    ----------
    config : CorpusConfig
    start : int >= 0
        Number of the first clip: one past the last one seen, to go on after an interruption.
    stop : int or None
        One past the number of the last clip; without it the stream never ends.
    rank, world_size : int
        Which of how many processes this is: each makes every `world_size`-th clip.

    Yields
    ------
    dict
        ``index``, the clip's number; ``input_values``, float32 tensor of shape (samples,) at
        24 kHz; ``labels``, float32 tensor of shape (6,), 1 for each meter that the clip has, in
        the order of ``beatmeter.meters.METERS``.
    """

    def __init__(
        self,
        config: CorpusConfig,
        start: int = 0,
        stop: int | None = None,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        self._config = config
        self._start = start
        self._stop = stop
        self._rank = rank
        self._world_size = world_size

    def __iter__(self) -> Iterator[dict[str, Any]]:
        worker = get_worker_info()
        workers, number = (1, 0) if worker is None else (worker.num_workers, worker.id)
        maker = ClipMaker(self._config)
        index = self._start + self._rank + number * self._world_size
        while self._stop is None or index < self._stop:
            clip = maker.make(index)
            labels = np.isin(METERS, clip.labels.meters).astype(np.float32)
            yield {
                "index": index,
                "input_values": torch.from_numpy(clip.samples),
                "labels": torch.from_numpy(labels),
            }
            index += workers * self._world_size
