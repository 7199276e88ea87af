"""Pulses made by hand, for tests of the bar network and of its training."""

from __future__ import annotations

import numpy as np
import torch

from beatmeter.signals.neural.bar_features import CHROMA
from beatmeter.signals.neural.bar_network import LENGTH_CLASSES, METER_CLASSES
from beatmeter.signals.neural.training.bars.examples import KINDS
from beatmeter.signals.neural.training.bars.pool import Pool
from beatmeter.signals.neural.training.bars.settings import BarNetworkConfig

SHA = "0" * 64
FEATURES = CHROMA + 5
"""Of a beat; the last two of them are hidden ones."""
SHAPE = BarNetworkConfig(channels=8, dilations=(1, 2), dropout=0.1)


def accents(meters, beats: int = 30, seed: int = 0) -> Pool:
    """Annotated pulses; one feature is louder where a bar begins, the other four are noise."""
    rng = np.random.default_rng(seed)
    features, downbeats, times = [], [], 0.2 + 0.5 * np.arange(beats)
    for meter in meters:
        first = np.arange(beats) % meter == rng.integers(meter)
        features.append(
            rng.normal(size=(beats, FEATURES)) + 3.0 * np.outer(first, np.arange(FEATURES) == 0)
        )
        downbeats.append(first)
    clips = np.arange(len(meters) + 1)
    return Pool(
        features=torch.from_numpy(np.concatenate(features).astype(np.float16)),
        hidden=2,
        downbeat=torch.from_numpy(np.concatenate(downbeats).astype(np.int8)),
        times=np.tile(times, len(meters)),
        starts=beats * clips,
        kind=np.full(len(meters), KINDS.index("annotated")),
        length=np.array([LENGTH_CLASSES.index(meter) for meter in meters]),
        counted=np.ones(len(meters), np.int64),
        pulses=clips,
        meter=np.array([METER_CLASSES.index(meter) for meter in meters]),
        known=np.ones(len(meters), bool),
        beats=[times] * len(meters),
        downbeats=[times[first] for first in downbeats],
        rows=[{"family": f"in {meter}", "meter": meter} for meter in meters],
    )
