"""Whether probabilities mean what they say."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from beatmeter.evaluation.reliability import calibration_error, reliability

RNG = np.random.default_rng(0)
TRUE = RNG.random(1440) < 0.2
PROBABILITIES = 1 / (1 + np.exp(-2.0 * TRUE - RNG.normal(size=1440) + 1.5))


def test_reliability_agrees_with_scikit_learn():
    true, predicted = calibration_curve(TRUE, PROBABILITIES, n_bins=10)
    bins = reliability(PROBABILITIES, TRUE)
    np.testing.assert_allclose([bin_.share_true for bin_ in bins], true)
    np.testing.assert_allclose([bin_.mean_probability for bin_ in bins], predicted)
    assert sum(bin_.n for bin_ in bins) == len(TRUE)


def test_the_order_of_predictions_does_not_matter():
    order = RNG.permutation(len(TRUE))
    shuffled = reliability(PROBABILITIES[order], TRUE[order])
    assert calibration_error(shuffled) == pytest.approx(
        calibration_error(reliability(PROBABILITIES, TRUE))
    )


def test_honest_confidence_has_no_calibration_error_and_bluster_has():
    confidence = RNG.uniform(0.3, 1.0, 4000)
    honest = RNG.random(4000) < confidence
    blustering = RNG.random(4000) < 0.3
    assert calibration_error(reliability(confidence, honest)) < 0.03
    assert calibration_error(reliability(confidence, blustering)) > 0.2
