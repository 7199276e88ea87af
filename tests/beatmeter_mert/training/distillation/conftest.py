"""Click tracks of known meter as a rendered dataset, and a network small enough for tests."""

import numpy as np
import pytest

from beatmeter.corpora.clip import Clip, ClipLabels
from beatmeter.corpora.dataset import DatasetFolder, SplitShares
from beatmeter.meters import METERS
from beatmeter_mert.training.distillation.settings import DistillationSettings
from beatmeter_mert.training.settings import read_settings

RATE = 24_000
TINY = {
    "backbone": {
        "hidden_size": 40,
        "layers": 2,
        "heads": 2,
        "feed_forward": 16,
        "conv_dim": [32, 24, 24, 4, 28, 28],
        "conv_kernel": [256, 8, 4, 5, 20, 1],
        "conv_stride": [120, 2, 2, 3, 1, 1],
        "position_frames": 8,
        "position_groups": 2,
    },
    "chunk_seconds": 2.8,
    "clip_seconds": 2.8,
    "views": 1,
    "steps": 3,
    "batch_size": 4,
    "teachers": 2,
    "lag_shift": 3,
    "eval_clips": 2,
    "save_steps": 3,
    "log_steps": 1,
    "device": "cpu",
}


def make_clicks(meter, seconds=3.0, period=0.25, phase=0.1, work="w", family="plain"):
    beats = np.arange(phase, seconds, period)
    samples = np.zeros(round(seconds * RATE), np.float32)
    click = np.exp(-np.arange(600) / 100) * np.sin(np.arange(600) * 0.5)
    for number, beat in enumerate(beats):
        start = round(beat * RATE)
        room = min(len(click), len(samples) - start)
        samples[start : start + room] += click[:room] * (0.9 if number % meter == 0 else 0.4)
    labels = ClipLabels(
        meters=(meter,),
        time_signature=f"{meter}/4",
        grouping=(meter,),
        beats=tuple(beats.tolist()),
        downbeats=tuple(beats[::meter].tolist()),
        tempo_bpm=60 / period,
        family=family,
        source="test",
        work=work,
        licence="CC0",
        seed=0,
        soundfonts=("small",),
        effects=(),
    )
    return Clip(samples, labels)


@pytest.fixture(scope="session")
def clicks():
    """Make a click track: (meter, seconds=3.0, period=0.25, ...) -> Clip."""
    return make_clicks


@pytest.fixture(scope="session")
def click_dataset(tmp_path_factory):
    """A finished rendered dataset of 18 click tracks, three in each meter."""
    folder = tmp_path_factory.mktemp("clicks")
    dataset = DatasetFolder(folder)
    dataset.prepare({"made": "for tests"})
    for index in range(18):
        family = "odd" if index % 3 == 2 else "plain"
        clip = make_clicks(METERS[index % 6], work=f"work {index}", family=family)
        dataset.add(index, clip)
    dataset.write_tables(18, SplitShares(0.5, 0.5, 0.0))
    return folder


@pytest.fixture
def tiny_settings(click_dataset):
    """Settings of a tiny run: (**differences) -> DistillationSettings."""

    def make(**differences):
        given = {"data_dir": [str(click_dataset)]} | differences
        return read_settings(DistillationSettings, TINY, given)

    return make
