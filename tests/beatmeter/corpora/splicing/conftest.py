from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from beatmeter.corpora.splicing.splice import BarredMusic

RATE = 8000


@pytest.fixture
def make_music() -> Callable[..., BarredMusic]:
    """Make bars in which every beat is a click on top of a tone that tells its place.

    Beat i of the recording has level ``i + 1`` in hundredths, so that a splice can be read off;
    beats are not quite equally long.
    """

    def make(meter: int, bars: int, period_s: float = 0.25) -> BarredMusic:
        rng = np.random.default_rng(meter)
        lengths = period_s * (1 + rng.uniform(-0.08, 0.08, meter * bars))
        beats = 0.1 + np.concatenate([[0.0], np.cumsum(lengths)])
        samples = np.zeros(round((beats[-1] + 0.2) * RATE), np.float32)
        for index, (start, end) in enumerate(pairwise(beats)):
            samples[round(start * RATE) : round(end * RATE)] = (index + 1) / 100
        return BarredMusic(samples, RATE, beats, meter)

    return make
