"""Which times of two lists are the same beat."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Times = npt.NDArray[np.float64]

TOLERANCE_S = 0.07
"""Beats this near to each other are the same, as in the F-measure of the field."""


def f_measure(annotated: Times, estimated: Times) -> float:
    """Harmonic mean of precision and recall of times matched within 70 ms, in order.

    Unlike ``mir_eval.beat.f_measure`` it counts the first five seconds too.

    Parameters
    ----------
    annotated, estimated : ndarray of float
        Seconds, ascending.
    """
    i = j = hits = 0
    while i < len(annotated) and j < len(estimated):
        if abs(annotated[i] - estimated[j]) <= TOLERANCE_S:
            hits, i, j = hits + 1, i + 1, j + 1
        elif annotated[i] < estimated[j]:
            i += 1
        else:
            j += 1
    total = len(annotated) + len(estimated)
    return 2.0 * hits / total if total else 0.0
