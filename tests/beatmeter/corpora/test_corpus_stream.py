from __future__ import annotations

from unittest.mock import patch

import numpy as np
import torch

from beatmeter.corpora import stream as stream_module
from beatmeter.corpora.config import ClipMaker, CorpusConfig
from beatmeter.corpora.stream import CorpusStream
from beatmeter.meters import METERS


class Worker:
    def __init__(self, number: int, workers: int) -> None:
        self.id, self.num_workers = number, workers


def as_worker(stream: CorpusStream, number: int, workers: int) -> list[dict]:
    worker = Worker(number, workers)
    with patch.object(stream_module, "get_worker_info", lambda: worker):
        return list(stream)


def test_a_stream_holds_the_clips_of_the_corpus(woodblock_config: CorpusConfig):
    for example in CorpusStream(woodblock_config, start=2, stop=4):
        clip = ClipMaker(woodblock_config).make(example["index"])
        np.testing.assert_array_equal(example["input_values"].numpy(), clip.samples)
        assert example["labels"].dtype == torch.float32
        heard = [METERS[place] for place in example["labels"].nonzero().ravel()]
        assert tuple(heard) == clip.labels.meters


def test_workers_and_processes_share_the_clips_out(woodblock_config: CorpusConfig):
    seen = [
        example["index"]
        for rank in range(2)
        for number in range(3)
        for example in as_worker(
            CorpusStream(woodblock_config, start=1, stop=12, rank=rank, world_size=2), number, 3
        )
    ]
    assert sorted(seen) == list(range(1, 12))


def test_a_stream_goes_on_where_it_was_left(woodblock_config: CorpusConfig):
    straight = [e["input_values"] for e in CorpusStream(woodblock_config, stop=4)]
    resumed = [e["input_values"] for e in CorpusStream(woodblock_config, start=2, stop=4)]
    assert all(torch.equal(a, b) for a, b in zip(straight[2:], resumed, strict=True))


def test_it_loads_through_a_data_loader(woodblock_config: CorpusConfig):
    loader = torch.utils.data.DataLoader(CorpusStream(woodblock_config, stop=4), batch_size=2)
    assert [tuple(batch["input_values"].shape) for batch in loader] == [(2, 96_000)] * 2
