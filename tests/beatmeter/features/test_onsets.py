import numpy as np
import pytest
from scipy.signal import find_peaks

from beatmeter.features.onsets import pick_peaks


@pytest.mark.parametrize("least_gap", [1, 2, 5])
@pytest.mark.parametrize("frames", [0, 1, 2, 3, 300])
def test_peaks_are_those_that_scipy_finds(frames, least_gap):
    for seed in range(20):
        noise = np.random.default_rng(seed).standard_normal(frames).astype(np.float32)
        for envelope in (noise, np.maximum(noise, 0.0)):  # the second has flat ground
            peaks, _ = find_peaks(envelope, distance=least_gap)
            np.testing.assert_array_equal(pick_peaks(envelope, least_gap), peaks)


def test_a_flat_top_is_one_peak_unless_it_reaches_the_end():
    envelope = np.array([0, 2, 2, 2, 0, 1, 0, 3, 3], dtype=np.float32)
    np.testing.assert_array_equal(pick_peaks(envelope, 1), [2, 5])
