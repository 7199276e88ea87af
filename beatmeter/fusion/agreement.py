r"""How two classifiers agree, counted on the fixtures that both were given.

With :math:`b_r` both right, :math:`b_w` both wrong, :math:`g` gains and :math:`l` losses of `n`
fixtures,

.. math:: \text{agreement} = (b_r + b_w) / n, \qquad \text{complementarity} = g / l.

A candidate that agrees too much brings nothing new, one that agrees too little is wrong too often;
complementarity above 1 says that it is right more often where the two differ. Error correlation is
the coefficient :math:`\phi` of the two being wrong.

References
----------
L. Kuncheva and C. Whitaker, Measures of diversity in classifier ensembles and their relationship
with the ensemble accuracy, Machine Learning 51 (2003).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from beatmeter._util.arrays import Booleans, Floats, Integers


@dataclass(frozen=True)
class Counts:
    """How often two classifiers were right, wrong, and of one mind.

    Each is an array, of shape () for one set of fixtures or (r,) for r resamplings of it; so are
    the statistics.

    Attributes
    ----------
    losses, gains : ndarray
        Only the ensemble is right; only the candidate is.
    same : ndarray
        Both gave the same answer.
    """

    both_right: Floats
    both_wrong: Floats
    losses: Floats
    gains: Floats
    same: Floats

    @classmethod
    def from_sums(cls, sums: Floats) -> Counts:
        """From an array of shape (..., 5) in the order of the attributes."""
        return cls(*np.moveaxis(sums.astype(np.float64), -1, 0))

    @property
    def fixtures(self) -> Floats:
        """How many there are."""
        return self.both_right + self.both_wrong + self.losses + self.gains

    @property
    def ensemble_accuracy(self) -> Floats:
        """Share that the ensemble answers right."""
        return _share(self.both_right + self.losses, self.fixtures)

    @property
    def candidate_accuracy(self) -> Floats:
        """Share that the candidate answers right."""
        return _share(self.both_right + self.gains, self.fixtures)

    @property
    def agreement(self) -> Floats:
        """Share on which both are right or both wrong."""
        return _share(self.both_right + self.both_wrong, self.fixtures)

    @property
    def complementarity(self) -> Floats:
        """Gains for every loss: infinite without losses, NaN when there are no gains either."""
        return _share(self.gains, self.losses)

    @property
    def prediction_agreement(self) -> Floats:
        """Share on which both give the same answer, right or wrong."""
        return _share(self.same, self.fixtures)

    @property
    def error_correlation(self) -> Floats:
        """Coefficient phi of the two being wrong, in [-1, 1]; NaN when one always or never is."""
        ensemble_right = self.both_right + self.losses
        candidate_right = self.both_right + self.gains
        margins = (
            ensemble_right
            * (self.fixtures - ensemble_right)
            * candidate_right
            * (self.fixtures - candidate_right)
        )
        return _share(
            self.both_right * self.both_wrong - self.losses * self.gains, np.sqrt(margins)
        )


def is_right(answers: Integers, accepted: Sequence[Sequence[int]]) -> Booleans:
    """Whether each answer is among the accepted ones: shape (n,)."""
    return np.array(
        [answer in allowed for answer, allowed in zip(answers.tolist(), accepted, strict=True)],
        dtype=bool,
    )


def count_each(
    ensemble: Integers, candidate: Integers, accepted: Sequence[Sequence[int]]
) -> Floats:
    """Count every fixture by itself: 0 or 1, shape (n, 5), columns as :class:`Counts`.

    Parameters
    ----------
    ensemble, candidate : ndarray of int, shape (n,)
        Answers.
    accepted : sequence of sequence of int, length n
    """
    first, second = is_right(ensemble, accepted), is_right(candidate, accepted)
    columns = (
        first & second,
        ~first & ~second,
        first & ~second,
        ~first & second,
        (ensemble == candidate) & (ensemble > 0),
    )
    return np.stack(columns, axis=1).astype(np.float64)


def _share(part: Floats, whole: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(part / whole)
