"""Maximum-likelihood fit of a :class:`~beatmeter.signals.calibration.Calibration`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from beatmeter.meters import METERS
from beatmeter.signals.calibration import N_CONTEXT, Calibration, standardised

Floats = npt.NDArray[np.float64]

_ITERATIONS = 200


@dataclass(frozen=True)
class Example:
    """The evidence of one clip for one signal, and what its meter is.

    Attributes
    ----------
    evidence : ndarray, shape (k, d)
        A row for each pulse.
    pulses : ndarray, shape (k, 3)
        Context of each pulse.
    target : ndarray, shape (6,)
        Distribution over the meters: shared equally by simultaneous ones.
    """

    evidence: Floats
    pulses: Floats
    target: Floats


def fit_calibration(examples: Sequence[Example], penalty: float, units: int = 0) -> Calibration:
    """Fit the numbers of one signal.

    The loss is the mean negative log-likelihood of the meters, pulses summed out, each meter
    weighing the same in all, plus ``penalty`` times the squares of all numbers but the biases.

    Parameters
    ----------
    examples : sequence of Example
        At least one of each meter.
    penalty : float
        Not negative; shrinks towards knowing nothing.
    units : int >= 0
        Hidden units of the calibration.

    Returns
    -------
    Calibration
    """
    from scipy.optimize import minimize

    rows = np.concatenate([example.evidence for example in examples])
    mean, scale = rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-6)
    batch = _Batch.of(examples, mean, scale)
    size = rows.shape[1]
    result = minimize(
        batch.loss,
        start(size, units),
        args=(penalty, units),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": _ITERATIONS},
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

    def flat(self) -> Floats:
        return np.concatenate([part.ravel() for part in self])

    def without_biases(self) -> _Numbers:
        return self._replace(
            bias=np.zeros_like(self.bias), hidden_bias=np.zeros_like(self.hidden_bias)
        )


@dataclass(frozen=True)
class _Batch:
    heard: Floats
    absent: npt.NDArray[np.bool_]
    target: Floats
    weight: Floats

    @classmethod
    def of(cls, examples: Sequence[Example], mean: Floats, scale: Floats) -> _Batch:
        most = max(len(example.evidence) for example in examples)
        evidence = np.zeros((len(examples), most, len(mean)))
        pulses = np.zeros((len(examples), most, N_CONTEXT))
        absent = np.ones((len(examples), most), dtype=bool)
        for row, example in enumerate(examples):
            k = len(example.evidence)
            evidence[row, :k] = standardised(example.evidence, mean, scale)
            pulses[row, :k] = example.pulses
            absent[row, :k] = False
        target = np.array([example.target for example in examples])
        heard = np.concatenate([evidence, pulses], axis=2).reshape(len(examples) * most, -1)
        return cls(heard, absent, target, balanced_weights(target))

    def loss(self, parameters: Floats, penalty: float, units: int = 0) -> tuple[float, Floats]:
        evidence, pulses = self.heard[:, :-N_CONTEXT], self.heard[:, -N_CONTEXT:]
        numbers = _Numbers.of(parameters, evidence.shape[1], units)
        inner = np.tanh(self.heard @ numbers.hidden.T + numbers.hidden_bias)
        logits = evidence @ numbers.matrix + numbers.bias + inner @ numbers.output
        logits = (logits + (pulses @ numbers.context)[:, None]).reshape(*self.absent.shape, -1)
        logits[self.absent] = -np.inf
        logits -= logits.max(axis=(1, 2), keepdims=True)
        joint = np.exp(logits)
        joint /= joint.sum(axis=(1, 2), keepdims=True)
        marginal = np.maximum(joint.sum(axis=1), 1e-12)
        loss = -float(self.weight @ (self.target * np.log(marginal)).sum(axis=1))
        posterior = joint * (self.target / marginal)[:, None, :]
        slope = ((joint - posterior) * self.weight[:, None, None]).reshape(-1, len(METERS))
        inner_slope = (slope @ numbers.output.T) * (1.0 - inner**2)
        gradient = _Numbers(
            matrix=evidence.T @ slope,
            bias=slope.sum(axis=0),
            context=pulses.T @ slope.sum(axis=1),
            hidden=inner_slope.T @ self.heard,
            hidden_bias=inner_slope.sum(axis=0),
            output=inner.T @ slope,
        )
        shrunk = numbers.without_biases().flat()
        return loss + penalty * float(shrunk @ shrunk), gradient.flat() + 2 * penalty * shrunk


def balanced_weights(target: Floats, totals: Floats | None = None) -> Floats:
    """Weights that sum to 1 and give every meter its total: (n, 6) to (n,).

    Parameters
    ----------
    target : ndarray, shape (n, 6)
    totals : ndarray, shape (6,), optional
        Relative; all alike when not given.
    """
    present = target.sum(axis=0)
    wanted = np.ones_like(present) if totals is None else totals
    share = np.divide(wanted, present, out=np.zeros_like(present), where=present > 0)
    weights: Floats = target @ share
    return weights / weights.sum()
