from types import SimpleNamespace

import numpy as np
from sklearn.metrics import balanced_accuracy_score

from beatmeter_mert.training.finetune.figures import figures, warnings_about


def figures_of(logits, labels):
    return figures(SimpleNamespace(predictions=logits, label_ids=labels))


def test_figures_agree_with_scikit_learn():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 6, 60)
    logits = rng.normal(0, 2, (60, 6)) + 2 * np.eye(6)[truth]
    found = figures_of(logits, np.where(np.eye(6)[truth] > 0, 1.0, 0.1))
    winners = logits.argmax(axis=1)
    assert np.isclose(found["balanced_accuracy"], balanced_accuracy_score(truth, winners))
    assert np.isclose(found["accuracy"], np.mean(truth == winners))
    assert np.isclose(found["recall_5"], np.mean(winners[truth == 2] == 2))
    assert np.isclose(found["largest_share"], np.bincount(winners).max() / 60)


def test_smoothed_negatives_are_no_labels():
    logits = np.full((2, 6), -3.0)
    logits[:, 1] = 3.0
    labels = np.full((2, 6), 0.1)
    labels[0, 1], labels[1, :2] = 1.0, 0.8
    assert figures_of(logits, labels)["accuracy"] == 1.0


def test_the_surest_of_unsure_labels_is_true():
    logits = np.full((1, 6), -3.0)
    logits[0, 4] = 3.0
    assert figures_of(logits, np.array([[0.1, 0.1, 0.1, 0.1, 0.4, 0.1]]))["accuracy"] == 1.0


def test_collapse_and_leakage_are_said():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 0.1, (50, 6))
    logits[:, 3] += 5
    logits[:, 4] = logits[:, 0]
    collapse, leakage = warnings_about(figures_of(logits, np.eye(6)[rng.integers(0, 6, 50)]))
    assert "one meter wins for 100%" in collapse
    assert "LEAKAGE between 3-9" in leakage
    assert "0.05 or 0.02" in leakage


def test_nothing_is_said_of_good_figures():
    truth = np.arange(60) % 6
    logits = 8 * np.eye(6)[truth] - 4 + np.random.default_rng(0).normal(0, 0.1, (60, 6))
    assert warnings_about(figures_of(logits, np.eye(6)[truth])) == []
