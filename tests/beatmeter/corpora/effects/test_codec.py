from __future__ import annotations

import numpy as np

from beatmeter.corpora.effects.codec import decode, encode

RATE = 48000
SECONDS = 60


def test_a_long_recording_comes_through():
    samples = np.sin(np.arange(SECONDS * RATE) * (2 * np.pi * 220 / RATE)).astype(np.float32) / 2
    decoded = decode(encode(samples, RATE, "vorbis", compression=0.5))
    assert decoded.shape == samples.shape
    loud = np.sqrt(np.mean(decoded.reshape(SECONDS, RATE) ** 2, axis=1))
    np.testing.assert_allclose(loud, 0.5 / np.sqrt(2), rtol=0.02)
