"""Fitting whether there are bars: a logistic regression."""

from __future__ import annotations

import numpy as np

from beatmeter._util.arrays import Booleans, Floats
from beatmeter.grid.presence import PresenceModel

_PENALTY = 1e-3  # on the squares of the weights, the bias left out


def fit_presence(features: Floats, present: Booleans) -> PresenceModel:
    """Fit whether there are bars.

    Parameters
    ----------
    features : ndarray, shape (clips, f)
        Of :func:`beatmeter.grid.presence.presence_features`.
    present : ndarray of bool, shape (clips,)
        Whether each clip has bars.
    """
    from scipy.optimize import minimize
    from scipy.special import expit

    mean, scale = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-6)
    standard = np.column_stack([(features - mean) / scale, np.ones(len(features))])
    sign = np.where(present, 1.0, -1.0)
    shrunk = np.ones(standard.shape[1])
    shrunk[-1] = 0.0  # the bias is free

    def loss(numbers: Floats) -> tuple[float, Floats]:
        margins = sign * (standard @ numbers)
        value = np.logaddexp(0.0, -margins).mean() + _PENALTY * shrunk @ numbers**2
        slope = -(standard.T @ (sign * expit(-margins))) / len(sign)
        return float(value), slope + 2.0 * _PENALTY * shrunk * numbers

    found = minimize(loss, np.zeros(standard.shape[1]), jac=True, method="L-BFGS-B").x
    return PresenceModel(mean.tolist(), scale.tolist(), found[:-1].tolist(), float(found[-1]))
