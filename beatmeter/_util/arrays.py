"""Types of arrays, by what they hold, and times in them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]


def is_ascending(times: npt.ArrayLike) -> bool:
    """Whether times are finite, each later than the one before."""
    return bool(np.isfinite(times).all() and (np.diff(times) > 0).all())


def within(times: Floats, seconds: float) -> tuple[float, ...]:
    """Those of the times that lie from 0 to below `seconds`."""
    return tuple(times[(times >= 0) & (times < seconds)].tolist())
