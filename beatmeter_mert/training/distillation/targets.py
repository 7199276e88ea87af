"""From beats and bar lines to what every frame is to answer.

The position in the bar is an angle: 0 at a downbeat, 2 pi at the next one. It is taught as the
point on the unit circle, so that there is no jump between the end of a bar and the next beginning
(as for metrical phase in Large and Kolen, "Resonance and the perception of musical meter", 1994).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

NEIGHBOUR = 0.5
"""Target of the frames beside a beat: a label is no surer than a frame."""

Frames = npt.NDArray[np.float32]


@dataclass(frozen=True)
class FrameTargets:
    """What the frames of a chunk are to answer.

    Attributes
    ----------
    beats, downbeats : ndarray of float32, shape (frames,), in [0, 1]
    phase : ndarray of float32, shape (frames, 2)
        Cosine and sine of the position in the bar.
    in_bar : ndarray of float32, shape (frames,)
        1 where the position is known: between the first and the last bar line, else 0.
    """

    beats: Frames
    downbeats: Frames
    phase: Frames
    in_bar: Frames


def frame_targets(
    times: npt.NDArray[np.float64], beats: Sequence[float], downbeats: Sequence[float]
) -> FrameTargets:
    """Tell what each frame is to answer.

    Parameters
    ----------
    times : ndarray of float, shape (frames,)
        Of the frames, evenly spaced, in seconds.
    beats, downbeats : sequence of float
        Seconds on the same clock; those outside the chunk help to place its edges.
    """
    phase, in_bar = _bar_phase(times, np.asarray(downbeats, np.float64))
    return FrameTargets(_impulses(times, beats), _impulses(times, downbeats), phase, in_bar)


def _impulses(times: npt.NDArray[np.float64], events: Sequence[float]) -> Frames:
    hop = (times[-1] - times[0]) / max(len(times) - 1, 1)
    nearest = np.rint((np.asarray(events, np.float64) - times[0]) / hop).astype(np.int64)
    target = np.zeros(len(times) + 4, np.float32)
    inside = nearest[(nearest >= -1) & (nearest <= len(times))] + 2
    for offset in (-1, 1):
        target[inside + offset] = NEIGHBOUR
    target[inside] = 1.0
    return target[2:-2]


def _bar_phase(
    times: npt.NDArray[np.float64], downbeats: npt.NDArray[np.float64]
) -> tuple[Frames, Frames]:
    if len(downbeats) < 2:
        return np.zeros((len(times), 2), np.float32), np.zeros(len(times), np.float32)
    bars = np.interp(times, downbeats, np.arange(len(downbeats)), left=np.nan, right=np.nan)
    in_bar = np.isfinite(bars)
    angle = 2 * np.pi * np.where(in_bar, bars, 0.0)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1) * in_bar[:, None]
    return circle.astype(np.float32), in_bar.astype(np.float32)
