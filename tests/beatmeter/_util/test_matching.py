"""Beats that are the same."""

import numpy as np
import pytest

from beatmeter._util.matching import f_measure


def test_f_measure_counts_beats_within_70_ms():
    beats = 0.2 + 0.5 * np.arange(36)
    assert f_measure(beats, beats + 0.05) == 1.0
    assert f_measure(beats, beats + 0.08) == 0.0
    assert f_measure(beats, beats[::2]) == pytest.approx(2 / 3)
    assert f_measure(beats[:0], beats[:0]) == 0.0
