"""Maximum-likelihood fit of a :class:`~beatmeter.signals.calibration.Calibration`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from beatmeter._util.arrays import Floats
from beatmeter.fusion.fit.importance import balanced_weights, share_of_meters, under_prior
from beatmeter.meters import METERS
from beatmeter.signals.calibration import N_CONTEXT, Calibration, standardised

_ITERATIONS = 200
_TOLERANCE = 3e-6
"""Of the loss, relative: what a fit gains beyond is far below what folds differ by."""


@dataclass(frozen=True)
class Example:
    """The evidence of one clip for one signal, and what its meter is.

    Attributes
    ----------
    evidence : ndarray of float32 or float64, shape (k, d)
        A row for each pulse; the fit computes in its precision.
    pulses : ndarray, shape (k, 3)
        Context of each pulse.
    target : ndarray, shape (6,)
        Distribution over the meters: shared equally by simultaneous ones.
    """

    evidence: npt.NDArray[np.floating]
    pulses: Floats
    target: Floats


def fit_calibration(
    examples: Sequence[Example],
    penalty: float,
    units: int = 0,
    weights: Floats | None = None,
    begin: Calibration | None = None,
) -> Calibration:
    """Fit the numbers of one signal.

    The loss is the negative log-likelihood of the meters, pulses summed out, plus ``penalty`` times
    the squares of what the numbers, but the biases, depart from where they began: from a
    calibration, or from knowing nothing. What the weights say of how common the meters are is taken
    as known before, so that the calibration does not learn it.

    Parameters
    ----------
    examples : sequence of Example
        At least one of each meter.
    penalty : float
        Not negative.
    units : int >= 0
        Hidden units of the calibration.
    weights : ndarray, optional
        How much each example counts; all meters the same when not given.
    begin : Calibration, optional
        Of as much evidence and as many units; it also standardises the evidence.

    Returns
    -------
    Calibration
    """
    from scipy.optimize import minimize

    rows = np.concatenate([example.evidence for example in examples])
    if begin is None:
        mean, scale = rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-6)
    else:
        mean, scale = np.array(begin.mean), np.array(begin.scale)
    size = rows.shape[1]
    known = None if begin is None else _Numbers.of_calibration(begin).flat()
    batch = _Batch.of(examples, mean, scale, weights, known)
    result = minimize(
        batch.loss,
        start(size, units) if known is None else known,
        args=(penalty, units),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": _ITERATIONS, "ftol": _TOLERANCE},
    )
    fitted = _Numbers.of(result.x, size, units)
    return Calibration(mean.tolist(), scale.tolist(), *(part.tolist() for part in fitted))


def n_parameters(size: int, units: int) -> int:
    """How many numbers are fitted for evidence of `size` values and hidden units."""
    return sum(map(math.prod, _shapes(size, units)))


def start(size: int, units: int) -> Floats:
    """Where a fit begins: knowing nothing, the hidden units each listening to something else."""
    numbers = _Numbers.of(np.zeros(n_parameters(size, units)), size, units)
    spread = np.random.default_rng(0).normal(size=numbers.hidden.shape)
    return numbers._replace(hidden=spread / np.sqrt(size + N_CONTEXT)).flat()


def _shapes(size: int, units: int) -> list[tuple[int, ...]]:
    n = len(METERS)
    return [(size, n), (n,), (N_CONTEXT,), (units, size + N_CONTEXT), (units,), (units, n)]


class _Numbers(NamedTuple):
    """What is fitted, in the order of a :class:`Calibration`, or its slope."""

    matrix: Floats
    bias: Floats
    context: Floats
    hidden: Floats
    hidden_bias: Floats
    output: Floats

    @classmethod
    def of(cls, parameters: Floats, size: int, units: int) -> _Numbers:
        shapes = _shapes(size, units)
        parts = np.split(parameters, np.cumsum([math.prod(shape) for shape in shapes])[:-1])
        return cls(*(part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)))

    @classmethod
    def of_calibration(cls, calibration: Calibration) -> _Numbers:
        size, units = len(calibration.mean), len(calibration.hidden)
        parts = (getattr(calibration, name) for name in cls._fields)
        return cls(
            *(
                np.reshape(np.asarray(part, np.float64), shape)
                for part, shape in zip(parts, _shapes(size, units), strict=True)
            )
        )

    def flat(self) -> Floats:
        return np.concatenate([part.ravel() for part in self])

    def without_biases(self) -> _Numbers:
        return self._replace(
            bias=np.zeros_like(self.bias), hidden_bias=np.zeros_like(self.hidden_bias)
        )


@dataclass(frozen=True)
class _Batch:
    """Examples, their pulses one after another, and what the fit is drawn to."""

    heard: npt.NDArray[np.floating]
    begins: npt.NDArray[np.int64]
    wanted: Floats
    prior: Floats
    weight: Floats
    known: Floats | None

    @classmethod
    def of(
        cls,
        examples: Sequence[Example],
        mean: Floats,
        scale: Floats,
        weights: Floats | None = None,
        known: Floats | None = None,
    ) -> _Batch:
        evidence = np.concatenate([example.evidence for example in examples])
        standard = standardised(evidence, mean, scale).astype(evidence.dtype)
        pulses = np.concatenate([example.pulses for example in examples])
        counts = [len(example.evidence) for example in examples]
        target = np.array([example.target for example in examples])
        weight = balanced_weights(target) if weights is None else weights / weights.sum()
        prior = share_of_meters(target, weight)
        return cls(
            heard=np.hstack([standard, pulses.astype(evidence.dtype)]),
            begins=np.cumsum([0, *counts[:-1]]),
            wanted=under_prior(target, prior),
            prior=prior,
            weight=weight,
            known=known,
        )

    def loss(self, parameters: Floats, penalty: float, units: int = 0) -> tuple[float, Floats]:
        evidence, pulses = self.heard[:, :-N_CONTEXT], self.heard[:, -N_CONTEXT:]
        as_heard = parameters.astype(self.heard.dtype)
        numbers = _Numbers.of(as_heard, evidence.shape[1], units)
        inner = np.tanh(self.heard @ numbers.hidden.T + numbers.hidden_bias)
        logits = evidence @ numbers.matrix + numbers.bias + inner @ numbers.output
        logits += (pulses @ numbers.context)[:, None] + np.log(self.prior).astype(logits.dtype)
        counts = np.diff([*self.begins, len(logits)])
        highest = np.maximum.reduceat(logits.max(axis=1), self.begins)
        joint = np.exp(logits - np.repeat(highest, counts)[:, None])
        marginal = np.add.reduceat(joint, self.begins)
        total = marginal.sum(axis=1)
        joint /= np.repeat(total, counts)[:, None]
        marginal = np.maximum(marginal / total[:, None], 1e-12).astype(np.float64)
        loss = -float(self.weight @ (self.wanted * np.log(marginal)).sum(axis=1))
        posterior = joint * np.repeat(self.wanted / marginal, counts, axis=0).astype(joint.dtype)
        weight = np.repeat(self.weight, counts)[:, None].astype(joint.dtype)
        slope = (joint - posterior) * weight
        inner_slope = (slope @ numbers.output.T) * (1.0 - inner**2)
        gradient = _Numbers(
            matrix=evidence.T @ slope,
            bias=slope.sum(axis=0),
            context=pulses.T @ slope.sum(axis=1),
            hidden=inner_slope.T @ self.heard,
            hidden_bias=inner_slope.sum(axis=0),
            output=inner.T @ slope,
        )
        departed = parameters if self.known is None else parameters - self.known
        shrunk = _Numbers.of(departed, evidence.shape[1], units).without_biases().flat()
        return loss + penalty * float(shrunk @ shrunk), gradient.flat() + 2 * penalty * shrunk
