"""Maximum-likelihood fit of the log-linear pool."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from beatmeter._util.arrays import Floats
from beatmeter.fusion.fit.importance import balanced_weights, share_of_meters, under_prior
from beatmeter.fusion.pool import inverse_temperature
from beatmeter.meters import METERS

_START_GROWTH = 0.1


@dataclass(frozen=True)
class Pool:
    """How much each signal counts, and how much more when more is heard.

    Attributes
    ----------
    weights : ndarray, shape (signals,)
        Not negative.
    growth : float in [0, 1]
        Of :func:`beatmeter.fusion.pool.inverse_temperature`.
    prior : ndarray, shape (6,)
        Positive, relative; uniform by default.
    """

    weights: Floats
    growth: float
    prior: Floats = field(default_factory=lambda: np.ones(len(METERS)))

    def distribution(self, log_scores: Floats, seconds: Floats) -> Floats:
        """Pool (clips, signals, 6), of which (clips,) seconds were heard: (clips, 6)."""
        from scipy.special import softmax

        logits = np.einsum("isn,s->in", log_scores, self.weights)
        sharp = inverse_temperature(seconds, self.growth)[:, None]
        pooled: Floats = softmax(np.log(self.prior) + logits * sharp, axis=1)
        return pooled


def fit_pool(
    log_scores: Floats,
    seconds: Floats,
    target: Floats,
    sample: Floats | None = None,
    penalty: float = 1e-3,
    known: Floats | None = None,
) -> Pool:
    """The pool under which the meters are most likely.

    How common the meters are among the clips is taken as known before. Of a clip that is labelled
    with all meters alike, which has no bar, that is to be answered.

    Parameters
    ----------
    log_scores : ndarray, shape (clips, signals, 6)
        Logarithms of the signals' distributions, on clips that their calibrations have not seen;
        zero where a signal could not speak.
    seconds : ndarray, shape (clips,)
        How much was heard of each clip.
    target : ndarray, shape (clips, 6)
    sample : ndarray, shape (clips,), optional
        How much each clip counts; all meters the same when not given.
    penalty : float
        On the squares of what the weights depart by from `known`.
    known : ndarray, shape (signals,), optional
        Weights; 0 when not given.

    Returns
    -------
    Pool
        Its prior says how common the meters were.
    """
    from scipy.optimize import minimize
    from scipy.special import softmax

    counted = balanced_weights(target) if sample is None else sample / sample.sum()
    before = share_of_meters(target, counted)
    wanted = under_prior(target, before)
    steps = np.log(inverse_temperature(seconds, 1.0))
    count = log_scores.shape[1]
    centre = np.zeros(count) if known is None else known

    def loss(parameters: Floats) -> tuple[float, Floats]:
        weights, growth = parameters[:-1], parameters[-1]
        plain = np.einsum("isn,s->in", log_scores, weights)
        sharp = inverse_temperature(seconds, growth)[:, None]
        pooled = softmax(np.log(before) + plain * sharp, axis=1)
        value = -float(counted @ (wanted * np.log(np.maximum(pooled, 1e-12))).sum(axis=1))
        slope = (pooled - wanted) * counted[:, None] * sharp
        by_weight = np.einsum("isn,in->s", log_scores, slope) + 2 * penalty * (weights - centre)
        by_growth = float((slope * plain).sum(axis=1) @ steps)
        departed = float((weights - centre) @ (weights - centre))
        return value + penalty * departed, np.append(by_weight, by_growth)

    bounds = [*[(0.0, None)] * count, (0.0, 1.0)]
    begin = np.append(np.full(count, 1.0 / count) if known is None else known, _START_GROWTH)
    result = minimize(loss, begin, jac=True, method="L-BFGS-B", bounds=bounds)
    return Pool(result.x[:-1], float(result.x[-1]), before)
