"""How much a clip counts in a fit, and in its figures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from beatmeter._util.arrays import Booleans, Floats
from beatmeter.meters import METERS

_FEWEST_CLIPS = 20.0
"""Of a meter in a family, each as often as it is heard: fewer count less than a meter with more."""


def balanced_weights(target: Floats, totals: Floats | None = None, fewest: float = 0.0) -> Floats:
    """Weights that sum to 1 and give every meter its total: (n, 6) to (n,).

    Parameters
    ----------
    target : ndarray, shape (n, 6)
    totals : ndarray, shape (6,), optional
        Relative; all alike when not given.
    fewest : float
        Clips of a meter below which its total shrinks.
    """
    present = target.sum(axis=0)
    wanted = np.ones_like(present) if totals is None else totals
    share = np.divide(
        wanted, np.maximum(present, fewest), out=np.zeros_like(present), where=present > 0
    )
    weights: Floats = target @ share
    return weights / weights.sum()


def family_weights(families: Sequence[str], target: Floats, totals: Floats | None = None) -> Floats:
    """Weights that sum to 1, every family the same, and in it every meter its total: (n,).

    Parameters
    ----------
    families : sequence of str, length n
    target : ndarray, shape (n, 6)
    totals : ndarray, shape (6,), optional
        Relative, of the meters that a family has; all alike when not given.
    """
    names, place = np.unique(families, return_inverse=True)
    weights = np.zeros(len(target))
    for family in range(len(names)):
        rows = place == family
        weights[rows] = balanced_weights(target[rows], totals, _FEWEST_CLIPS)
    return weights / len(names)


def has_no_bar(target: Floats) -> Booleans:
    """Of each clip, whether it is labelled with all meters alike."""
    return np.asarray((target > 0).sum(axis=1) == len(METERS))


def has_one_meter(target: Floats) -> Booleans:
    """Of each clip, whether it is labelled with one meter only."""
    return np.asarray((target > 0).sum(axis=1) == 1)


def share_of_meters(target: Floats, weights: Floats) -> Floats:
    """What weighted clips say a meter's probability is before anything is heard: (6,), sums to 1.

    Clips without a bar do not count; a meter that no clip has is as rare as the rarest.
    """
    shares = np.where(has_no_bar(target), 0.0, weights) @ target
    shares = np.maximum(shares, shares[shares > 0].min())
    return np.asarray(shares / shares.sum())


def under_prior(target: Floats, prior: Floats) -> Floats:
    """What is to be answered: the prior, as far as the label allows: (n, 6), rows sum to 1."""
    wanted = target * prior
    return np.asarray(wanted / wanted.sum(axis=1, keepdims=True))
