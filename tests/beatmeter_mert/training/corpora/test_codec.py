from __future__ import annotations

import numpy as np
import pytest

from beatmeter_mert.training.corpora.codec import FORMATS, decode, encode

RATE = 48000


@pytest.mark.parametrize("codec", FORMATS)
def test_a_recording_of_any_length_comes_through(codec):
    minutes = np.sin(np.arange(75 * RATE) * (2 * np.pi * 220 / RATE)).astype(np.float32) / 2
    decoded = decode(encode(minutes, RATE, codec, compression=0.5))
    assert decoded.shape == minutes.shape
    loud = np.sqrt(np.mean(decoded.reshape(75, RATE) ** 2, axis=1))
    np.testing.assert_allclose(loud, 0.5 / np.sqrt(2), rtol=0.02)
