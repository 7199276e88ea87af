"""Every figure against scikit-learn, and on cases worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from beatmeter.evaluation import metrics

TENTHS = st.integers(0, 10).map(lambda tenths: tenths / 10)


@st.composite
def cases(draw):
    n = draw(st.integers(1, 30))
    probabilities = draw(arrays(np.float64, (n, 6), elements=TENTHS))
    labels = draw(arrays(np.bool_, (n, 6)))
    labels[np.arange(n), draw(arrays(np.int64, n, elements=st.integers(0, 5)))] = True
    return probabilities, labels


@given(cases())
def test_confusion_and_balanced_accuracy_agree_with_scikit_learn(case):
    probabilities, labels = case
    true = metrics.true_class(probabilities, labels)
    top = metrics.top_class(probabilities)
    np.testing.assert_array_equal(
        metrics.class_confusion(probabilities, labels),
        sklearn.metrics.confusion_matrix(true, top, labels=range(6)),
    )
    recalls = sklearn.metrics.recall_score(true, top, labels=np.unique(true), average="macro")
    assert metrics.balanced_accuracy(probabilities, labels) == pytest.approx(recalls)
    assert metrics.primary_accuracy(probabilities, labels) == pytest.approx(
        sklearn.metrics.accuracy_score(true, top)
    )


@given(cases())
def test_a_clip_is_right_when_its_top_class_is_one_of_its_labels(case):
    probabilities, labels = case
    right = [labels[row, np.argmax(p)] for row, p in enumerate(probabilities)]
    assert metrics.primary_accuracy(probabilities, labels) == pytest.approx(np.mean(right))
    assert metrics.strict_accuracy(probabilities, labels) <= metrics.primary_accuracy(
        probabilities, labels
    )


def test_the_strict_figure_wants_every_label_on_top():
    labels = np.array([[1, 1, 0, 0, 0, 0]] * 2, bool)
    probabilities = np.array([[0.9, 0.8, 0, 0, 0, 0], [0.9, 0.1, 0.2, 0, 0, 0]])
    assert metrics.primary_accuracy(probabilities, labels) == 1.0
    assert metrics.strict_accuracy(probabilities, labels) == 0.5


@given(cases())
def test_average_precision_agrees_with_scikit_learn_ties_included(case):
    probabilities, labels = case
    ours = metrics.average_precisions(probabilities, labels)
    for column in range(6):
        if labels[:, column].any():
            theirs = sklearn.metrics.average_precision_score(
                labels[:, column], probabilities[:, column]
            )
            assert ours[column] == pytest.approx(theirs)
        else:
            assert np.isnan(ours[column])


@given(cases())
def test_f1_agrees_with_scikit_learn_over_the_classes_with_data(case):
    probabilities, labels = case
    present = np.flatnonzero(labels.any(axis=0))
    theirs = sklearn.metrics.f1_score(
        labels, probabilities >= 0.5, average="macro", labels=present, zero_division=0
    )
    assert metrics.macro_f1(probabilities, labels) == pytest.approx(theirs)


@given(cases())
def test_every_figure_ignores_the_order_of_clips(case):
    probabilities, labels = case
    order = np.random.default_rng(0).permutation(len(labels))
    for figure in (
        metrics.balanced_accuracy,
        metrics.strict_accuracy,
        metrics.mean_average_precision,
        metrics.macro_f1,
    ):
        assert figure(probabilities[order], labels[order]) == pytest.approx(
            figure(probabilities, labels)
        )


RNG = np.random.default_rng(0)
CLASSES = RNG.integers(0, 6, 400)
LABELS = np.eye(6, dtype=bool)[CLASSES]
DISTRIBUTIONS = RNG.dirichlet(np.ones(6), 400)


def test_log_loss_agrees_with_scikit_learn():
    assert metrics.log_loss(DISTRIBUTIONS, LABELS.astype(float)) == pytest.approx(
        sklearn.metrics.log_loss(CLASSES, DISTRIBUTIONS, labels=range(6))
    )
