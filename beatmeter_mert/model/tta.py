"""Test-time augmentation: classifying a clip played faster and slower as well as it is.

The meter does not depend on the tempo, but a network is more accurate at some tempi than at others.
So a checkpoint may have clips resampled to other rates too; the logits are averaged (Krizhevsky,
Sutskever and Hinton, "ImageNet classification with deep convolutional neural networks", 2012, do so
with crops).
"""

from __future__ import annotations

from collections.abc import Sequence

from beatmeter.audio.samples import Samples
from beatmeter_mert.errors import CheckpointError

SLOWEST, FASTEST = 0.5, 2.0
"""Times the speed of the recording."""


def check_rates(rates: Sequence[float]) -> tuple[float, ...]:
    """Return the rates other than 1, each once, from slow to fast.

    Raises
    ------
    CheckpointError
        If one is out of range.
    """
    for rate in rates:
        if not SLOWEST <= rate <= FASTEST:
            raise CheckpointError(f"playback rate: {rate!r} (allowed: {SLOWEST:g} to {FASTEST:g})")
    return tuple(sorted(set(rates) - {1}))


def tta_views(clip: Samples, rates: Sequence[float], shortest: int) -> list[Samples]:
    """Return a clip as it is, then played at other rates.

    Parameters
    ----------
    clip : ndarray of float32, shape (n,)
    rates : sequence of float
        2 for twice as fast, and an octave higher.
    shortest : int
        Samples; a view that would be shorter is left out.

    Returns
    -------
    list of ndarray of float32, each about (n / rate,)
    """
    import soxr

    played = [soxr.resample(clip, rate, 1.0) for rate in rates if len(clip) >= rate * shortest]
    return [clip, *played]
