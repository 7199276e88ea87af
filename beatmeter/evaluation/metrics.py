r"""Figures of a classifier of meters, of clips that may have several.

Conventions
-----------
``probabilities`` is a float array of shape (n, 6), in [0, 1]: of each clip and each meter, in the
order of :data:`beatmeter.meters.METERS`. Its rows sum to 1 where the classifier chooses one meter;
where it judges each by itself, they need not. ``labels`` is a boolean array of the same shape;
every clip has at least one label.

The *top class* of a clip is its most probable meter, the earlier of equals; its *true class* is the
most probable of its labels. Every figure is in [0, 1] unless another range is named, and means over
meters leave out those without clips.

They are computed in numpy, for the bootstrap needs each of them thousands of times; the tests hold
them against scikit-learn.
"""

from __future__ import annotations

import numpy as np

from beatmeter._util.arrays import Booleans, Floats, Integers

F1_THRESHOLD = 0.5  # probability from which a label is predicted
_SMALLEST = 1e-12
"""A meter held for impossible costs no more than this probability."""


def top_class(probabilities: Floats) -> Integers:
    """Columns of the top classes, shape (n,)."""
    return np.asarray(np.argmax(probabilities, axis=1), np.int64)


def true_class(probabilities: Floats, labels: Booleans) -> Integers:
    """Columns of the true classes, shape (n,)."""
    return np.asarray(np.argmax(np.where(labels, probabilities, -1.0), axis=1), np.int64)


def confusion(true: Integers, predicted: Integers, shape: tuple[int, int]) -> Integers:
    """Count clips by true class (rows) and predicted class (columns).

    Parameters
    ----------
    true, predicted : ndarray of int, shape (n,)
        Numbers of rows and columns.
    shape : tuple of int
        How many there are of each.
    """
    counts = np.zeros(shape, np.int64)
    np.add.at(counts, (true, predicted), 1)
    return counts


def class_confusion(probabilities: Floats, labels: Booleans) -> Integers:
    """Count clips by true class (rows) and top class (columns): shape (6, 6)."""
    square = (labels.shape[1], labels.shape[1])
    return confusion(true_class(probabilities, labels), top_class(probabilities), square)


def primary_accuracy(probabilities: Floats, labels: Booleans) -> float:
    """Share of clips whose top class is one of their labels."""
    return float(np.trace(class_confusion(probabilities, labels)) / len(labels))


def strict_accuracy(probabilities: Floats, labels: Booleans) -> float:
    """Share of clips whose k most probable classes are their k labels."""
    order = np.argsort(-probabilities, axis=1, kind="stable")
    rank = np.argsort(order, axis=1, kind="stable")
    return float(np.mean(((rank < labels.sum(axis=1, keepdims=True)) == labels).all(axis=1)))


def recalls(probabilities: Floats, labels: Booleans) -> Floats:
    """Share of each true class that is right: shape (6,), NaN for a class without clips."""
    counts = class_confusion(probabilities, labels)
    support = counts.sum(axis=1)
    return np.where(support > 0, np.diag(counts) / np.maximum(support, 1), np.nan)


def balanced_accuracy(probabilities: Floats, labels: Booleans) -> float:
    """Mean of :func:`recalls`."""
    return float(np.nanmean(recalls(probabilities, labels)))


def average_precisions(probabilities: Floats, labels: Booleans) -> Floats:
    r"""Average precision of each class: shape (6,), NaN for a class without clips.

    :math:`AP = \sum_k (R_k - R_{k-1}) P_k` over the distinct probabilities from the highest down,
    as in Everingham et al., "The PASCAL Visual Object Classes Challenge" (2010), without
    interpolation.
    """
    columns = zip(probabilities.T, labels.T, strict=True)
    return np.array([_average_precision(scores, truth) for scores, truth in columns])


def mean_average_precision(probabilities: Floats, labels: Booleans) -> float:
    """Mean of :func:`average_precisions`."""
    return float(np.nanmean(average_precisions(probabilities, labels)))


def f1_scores(probabilities: Floats, labels: Booleans) -> Floats:
    """F1 of each class, counted as predicted from 0.5: shape (6,), NaN for one without clips."""
    predicted = probabilities >= F1_THRESHOLD
    hits = (predicted & labels).sum(axis=0)
    support = labels.sum(axis=0)
    scores = 2 * hits / np.maximum(predicted.sum(axis=0) + support, 1)
    return np.where(support > 0, scores, np.nan)


def macro_f1(probabilities: Floats, labels: Booleans) -> float:
    """Mean of :func:`f1_scores`."""
    return float(np.nanmean(f1_scores(probabilities, labels)))


def log_loss(probabilities: Floats, target: Floats) -> float:
    """Mean negative log-likelihood of the true meters, in nats.

    Parameters
    ----------
    probabilities : ndarray of float, shape (n, 6)
        Rows sum to 1.
    target : ndarray of float, shape (n, 6)
        The same, shared equally by the meters of a clip.
    """
    return float(-(target * np.log(np.maximum(probabilities, _SMALLEST))).sum(axis=1).mean())


def _average_precision(scores: Floats, truth: Booleans) -> float:
    positives = truth.sum()
    if positives == 0:
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    hits = np.cumsum(truth[order])
    last_of_ties = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    precision = hits[last_of_ties] / (last_of_ties + 1)
    recall_steps = np.diff(hits[last_of_ties], prepend=0) / positives
    return float(np.sum(recall_steps * precision))
