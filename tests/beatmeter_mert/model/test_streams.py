"""What single streams repeat, and after how many beats everything does."""

from __future__ import annotations

import numpy as np
import pytest

from beatmeter.features.beatsync import DIVISIONS, N_BANDS, BeatFeatures
from beatmeter.signals.folding import LENGTHS
from beatmeter_mert.model.streams import LONGEST_LAG, describe_streams


def features(beats, low, high):
    """A drum every `low` beats in the lowest band, and one every `high` beats in the highest."""
    patterns = np.zeros((beats, DIVISIONS, N_BANDS))
    patterns[:, 0, [0, -1]] = np.random.default_rng(0).normal(0, 0.05, (beats, 2))
    patterns[::low, 0, 0] += 1.0
    patterns[::high, 0, -1] += 1.0
    silent = np.zeros((beats, 12), np.float32)
    accents = np.zeros((beats, 3), np.float32)
    return BeatFeatures(accents, patterns.astype(np.float32), silent, silent)


def told(beats):
    described = describe_streams(beats)
    explained, similar = np.split(described, [3 * len(LENGTHS)])
    return explained.reshape(3, -1), similar.reshape(3, -1)


@pytest.mark.parametrize(("low", "high"), [(4, 3), (4, 5), (7, 4)])
def test_both_meters_are_explained_by_a_stream_each(low, high):
    explained, _ = told(features(90, low, high))
    of_patterns = dict(zip(LENGTHS, explained[0], strict=True))
    assert min(of_patterns[low], of_patterns[high]) > 0.9
    others = [n for n in LENGTHS if n % low and n % high]
    assert max(of_patterns[n] for n in others) < 0.4
    np.testing.assert_array_equal(explained[1:], 0.0)


@pytest.mark.parametrize(("low", "high"), [(4, 5), (7, 4), (4, 9)])
def test_everything_repeats_where_the_two_come_together(low, high):
    _, similar = told(features(90, low, high))
    lags = range(LENGTHS[-1] + 1, LONGEST_LAG + 1)
    assert lags[int(similar[0].argmax())] == low * high


def test_too_few_beats_say_nothing():
    assert not describe_streams(features(3, 2, 2)).any()
