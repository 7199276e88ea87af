r"""The log-mel spectrogram that the frame network hears: 81 bands, 50 frames a second.

Magnitudes of a short-time Fourier transform (Hann window of 1,024 samples at 22,050 Hz, 46 ms), the
mean of them under each of 81 triangles on Slaney's mel scale from 30 Hz to 10 kHz, then
:math:`\log(1 + 10^4 x)`. The samples are brought to one loudness before, so that the level of a
recording says nothing. Frame `t` is centred on sample ``441 t``: what happens at `s` seconds is in
frame ``round(50 s)``. In training files each value is one byte, 1/32 a step.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from beatmeter.features import spectra

SAMPLE_RATE = 22050
HOP_LENGTH = 441
FRAMES_PER_SECOND = 50
N_BANDS = 81
N_FFT = 1024
RANGE_HZ = (30.0, 10000.0)
LOUDNESS = 0.1
"""Root mean square that the samples are brought to."""
_QUIETEST = 1e-5
"""Root mean square below which samples are not made louder: silence stays silence."""
COMPRESSION = 1e4
"""Puts a level of -60 dB of a loud partial near 0.5, a loud partial near 7."""
STEPS = 32
"""Steps of a stored byte per unit: 0 to 7.97 in all."""

Array = npt.NDArray[np.float32]


def log_mel(samples: npt.ArrayLike) -> Array:
    """The spectrogram of a recording.

    Parameters
    ----------
    samples : array_like, shape (n,)
        Mono, at 22,050 Hz.

    Returns
    -------
    ndarray of float32, shape (1 + n // 441, 81)
        0 and above.
    """
    scaled = at_one_loudness(np.asarray(samples, np.float32))
    magnitudes = spectra.magnitude_spectrogram(scaled, N_FFT, HOP_LENGTH)
    mel = magnitudes @ _filters()
    return compressed(mel)


def at_one_loudness(samples: Array) -> Array:
    """Samples of a recording times what brings their root mean square to ``LOUDNESS``."""
    rms = float(np.sqrt(np.mean(np.square(samples), dtype=np.float64))) if len(samples) else 0.0
    return samples * np.float32(LOUDNESS / max(rms, _QUIETEST))


def compressed(magnitudes: Array) -> Array:
    """Magnitudes as a spectrogram holds them, in their own place: ``log(1 + COMPRESSION x)``."""
    magnitudes *= np.float32(COMPRESSION)
    return np.log1p(magnitudes, out=magnitudes)


def to_bytes(values: Array) -> npt.NDArray[np.uint8]:
    """A spectrogram as it is stored for training: of the same shape."""
    return np.clip(np.round(values * STEPS), 0, 255).astype(np.uint8)


@cache
def _filters() -> Array:
    triangles = spectra.mel_filterbank(SAMPLE_RATE, N_FFT, N_BANDS, *RANGE_HZ)
    weights: Array = triangles / triangles.sum(axis=0, keepdims=True)
    return weights
