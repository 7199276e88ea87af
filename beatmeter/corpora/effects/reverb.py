"""A room around a dry recording."""

from __future__ import annotations

import numpy as np

from beatmeter.audio.samples import Samples

_EARLY_REFLECTIONS = 8
_EARLY_S = 0.06


def room_response(rng: np.random.Generator, reverberation_s: float, sample_rate: int) -> Samples:
    """Draw the impulse response of a room, without its direct sound.

    Sparse early reflections, then noise that decays by 60 dB in the reverberation time and loses
    its treble on the way (Moorer, *About this reverberation business*, 1979).

    Parameters
    ----------
    reverberation_s : float > 0
        RT60 in seconds.
    sample_rate : int
        Hz.

    Returns
    -------
    ndarray of float32, shape (round(reverberation_s * sample_rate),)
        Of unit energy.
    """
    from scipy.signal import lfilter

    length = round(reverberation_s * sample_rate)
    time = np.arange(length) / sample_rate
    tail = rng.standard_normal(length) * 10.0 ** (-3.0 * time / reverberation_s)
    tail *= np.minimum(time / _EARLY_S, 1.0)
    damping = rng.uniform(0.2, 0.8)
    tail = lfilter([1 - damping], [1, -damping], tail)
    tail /= np.sqrt(np.square(tail).sum())
    reflections = rng.uniform(0.003, _EARLY_S, _EARLY_REFLECTIONS)
    positions = np.minimum((reflections * sample_rate).astype(int), length - 1)
    tail[positions] += rng.uniform(-0.3, 0.3, _EARLY_REFLECTIONS) * np.exp(-reflections / _EARLY_S)
    response: Samples = (tail / np.sqrt(np.square(tail).sum())).astype(np.float32)
    return response


def reverberate(samples: Samples, response: Samples, wet: float) -> Samples:
    """Add a room's sound to a dry recording, whose attacks keep their place.

    Parameters
    ----------
    samples : ndarray, shape (n,)
    response : ndarray, shape (k,)
        Of unit energy, without direct sound.
    wet : float >= 0
        Amplitude of the room beside the dry sound's 1.

    Returns
    -------
    ndarray of float32, shape (n,)
    """
    from scipy.signal import oaconvolve

    around = oaconvolve(samples, response)[: len(samples)]
    together: Samples = (samples + wet * around).astype(np.float32)
    return together
