r"""The semitone spectrogram, in which the bar network hears harmony: 72 pitches, 25 a second.

Magnitudes of a short-time Fourier transform under a triangle of a semitone to each side of each
pitch, E1 to D#7 at A4 = 440 Hz, the mean of them, then :math:`\log(1 + 10^4 x)` as in
:mod:`.spectrogram`. Windows are as long as semitones need: 372 ms for the lower two octaves, 186 ms
above. Frame `t` is centred on sample ``882 t`` at 22,050 Hz.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from beatmeter.features import spectra
from beatmeter.signals.neural.spectrogram import SAMPLE_RATE, at_one_loudness, compressed

Array = npt.NDArray[np.float32]

HOP_LENGTH = 882
FRAMES_PER_SECOND = SAMPLE_RATE // HOP_LENGTH
LOWEST = 28
"""MIDI number of E1, the lowest string of a double bass."""
N_PITCHES = 72
N_BASS = 24
"""Of the pitches, the lowest, that count as bass: up to D#3."""
_BASS_FFT, _FFT = 8192, 4096


def log_pitches(samples: npt.ArrayLike) -> Array:
    """The spectrogram of a recording.

    Parameters
    ----------
    samples : array_like, shape (n,)
        Mono, at 22,050 Hz.

    Returns
    -------
    ndarray of float32, shape (1 + n // 882, 72)
        0 and above.
    """
    scaled = at_one_loudness(np.asarray(samples, np.float32))
    parts = [
        spectra.magnitude_spectrogram(scaled, n_fft, HOP_LENGTH) @ _filters(n_fft, first, count)
        for n_fft, first, count in (
            (_BASS_FFT, LOWEST, N_BASS),
            (_FFT, LOWEST + N_BASS, N_PITCHES - N_BASS),
        )
    ]
    return compressed(np.concatenate(parts, axis=1))


@cache
def _filters(n_fft: int, first: int, count: int) -> Array:
    """Triangles over frequency bins, each of sum 1: shape (1 + n_fft // 2, count)."""
    frequencies = np.fft.rfftfreq(n_fft, 1.0 / SAMPLE_RATE)
    centres = 440.0 * 2.0 ** ((first + np.arange(count) - 69.0) / 12.0)
    reach = np.maximum(centres * (2.0 ** (1 / 12) - 1.0), SAMPLE_RATE / n_fft)
    triangles = np.maximum(0.0, 1.0 - np.abs(frequencies[:, None] - centres) / reach)
    return (triangles / triangles.sum(axis=0)).astype(np.float32)
