import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score
from sklearn.metrics import log_loss as sklearn_log_loss

from beatmeter.fusion.fit import measures

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 6, 400)
TARGET = np.eye(6)[LABELS]
PREDICTED = RNG.dirichlet(np.ones(6), 400)


def test_balanced_accuracy_and_log_loss_are_sklearns():
    assert measures.balanced_accuracy(PREDICTED, TARGET) == pytest.approx(
        balanced_accuracy_score(LABELS, PREDICTED.argmax(axis=1))
    )
    assert measures.log_loss(PREDICTED, TARGET) == pytest.approx(
        sklearn_log_loss(LABELS, PREDICTED, labels=range(6))
    )


def test_a_clip_of_two_meters_is_right_with_either():
    target = np.array([[0.5, 0.5, 0, 0, 0, 0]])
    predicted = np.array([[0.1, 0.6, 0.3, 0, 0, 0]])
    assert measures.correct(predicted, target).tolist() == [True]


def test_honest_confidence_has_no_calibration_error_and_bluster_has():
    rng = np.random.default_rng(1)
    confidence = rng.uniform(0.3, 1.0, 4000)
    predicted = np.stack([confidence, *[(1 - confidence) / 5] * 5], axis=1)
    right = rng.random(4000) < confidence
    honest = np.eye(6)[np.where(right, 0, 1)]
    blustering = np.eye(6)[np.where(rng.random(4000) < 0.3, 0, 1)]
    assert measures.calibration_error(measures.reliability(predicted, honest)) < 0.03
    assert measures.calibration_error(measures.reliability(predicted, blustering)) > 0.2


def test_reliability_bins_hold_every_prediction():
    assert sum(row.count for row in measures.reliability(PREDICTED, TARGET)) == 400
