"""Spectra and the filterbanks laid over them."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]


def magnitude_spectrogram(samples: Array, n_fft: int, hop_length: int) -> Array:
    """Magnitudes of the short-time Fourier transform with a Hann window.

    Frame `i` is centred on sample ``i * hop_length``; the ends are padded with zeros.

    Parameters
    ----------
    samples : ndarray of float32, shape (n,)
    n_fft : int
        Even.
    hop_length : int

    Returns
    -------
    ndarray of float32, shape (1 + n // hop_length, 1 + n_fft // 2)
        A sinusoid of amplitude 1 peaks near 1.
    """
    from scipy.fft import rfft

    padded = np.pad(samples, n_fft // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, n_fft)[::hop_length]
    window = _hann(n_fft)
    spectrum: Array = np.abs(rfft(frames * window, axis=1))
    spectrum *= 2.0 / float(window.sum())
    return spectrum


@cache
def mel_filterbank(sample_rate: int, n_fft: int, n_mels: int, fmin: float, fmax: float) -> Array:
    """Triangular filters, evenly spaced on Slaney's mel scale, each of area 1 in Hz.

    Returns
    -------
    ndarray of float32, shape (1 + n_fft // 2, n_mels)

    References
    ----------
    M. Slaney, Auditory Toolbox, Technical Report 1998-010, Interval Research, 1998.
    """
    frequencies = np.fft.rfftfreq(n_fft, 1.0 / sample_rate)
    edges = _mel_to_hz(np.linspace(_hz_to_mel(fmin), _hz_to_mel(fmax), n_mels + 2))
    rising = (frequencies[:, None] - edges[:-2]) / np.diff(edges)[:-1]
    falling = (edges[2:] - frequencies[:, None]) / np.diff(edges)[1:]
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    return (triangles * (2.0 / (edges[2:] - edges[:-2]))).astype(np.float32)


@cache
def chroma_filterbank(sample_rate: int, n_fft: int, fmin: float, fmax: float) -> Array:
    """Weights that fold a spectrum between two frequencies onto the twelve pitch classes.

    Each bin goes to the pitch classes around it with a Gaussian of half a semitone's width, for
    A4 = 440 Hz; higher octaves count less, falling by half an octave above 1 kHz.

    Returns
    -------
    ndarray of float32, shape (1 + n_fft // 2, 12)
        Column 0 is C.
    """
    frequencies = np.fft.rfftfreq(n_fft, 1.0 / sample_rate)
    inside = (frequencies >= fmin) & (frequencies <= fmax)
    pitch = 69.0 + 12.0 * np.log2(np.where(inside, frequencies, 440.0) / 440.0)
    distance = (pitch[:, None] - np.arange(12) + 6.0) % 12.0 - 6.0
    octaves_above = np.maximum(0.0, np.log2(np.where(inside, frequencies, 440.0) / 1000.0))
    weights = np.exp(-0.5 * (distance / 0.5) ** 2) * 0.5 ** octaves_above[:, None]
    return (weights * inside[:, None]).astype(np.float32)


@cache
def dct_basis(n_mels: int, n_coefficients: int) -> Array:
    """Orthonormal DCT-II basis without its constant: shape (n_mels, n_coefficients)."""
    positions = (np.arange(n_mels) + 0.5) / n_mels
    orders = np.arange(1, n_coefficients + 1)
    basis = np.sqrt(2.0 / n_mels) * np.cos(np.pi * positions[:, None] * orders)
    return basis.astype(np.float32)


@cache
def _hann(length: int) -> Array:
    return np.hanning(length + 1)[:-1].astype(np.float32)


def _hz_to_mel(hz: float) -> float:
    return hz / (200.0 / 3.0) if hz < 1000.0 else 15.0 + 27.0 * np.log(hz / 1000.0) / np.log(6.4)


def _mel_to_hz(mel: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.where(
        mel < 15.0, mel * (200.0 / 3.0), 1000.0 * np.exp((mel - 15.0) * np.log(6.4) / 27.0)
    )
