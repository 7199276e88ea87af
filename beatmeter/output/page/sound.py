"""The sound of a page: a recording as short pieces of Ogg Opus, and the peaks of its waveform.

The delay of an encoder, 25 ms in MP3 and 48 ms in AAC, is taken off by some decoders and not by
others, and clicks would lie beside the beats. So the page plays what was analysed: our decoder's
samples, mixed to mono and encoded as Opus. Each piece of 20 s is a file of its own, which the
browser decodes when it is needed; two hours take no more of its memory than two minutes. Pieces
overlap, so that one passes into the next without a gap.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from beatmeter.audio.decode import open_recording
from beatmeter.audio.samples import Samples
from beatmeter.errors import AudioError, ReportError

if TYPE_CHECKING:
    from pathlib import Path

    from beatmeter.audio.decode import Recording

PIECE_S = 20.0  # seconds of a piece, decoded when it is played
MARGIN_S = 0.1
"""How far a piece reaches beyond both of its ends: an encoder needs 80 ms to settle."""

PEAKS_PER_S = 100  # of the waveform
LONGEST_S = 4 * 3600.0
"""A page of four hours has about 120 MB, which Chromium opens in some seconds."""

_RATE = 48_000  # Hz: what Opus decodes to
_FRAME = 960  # samples: 20 ms, Opus's usual frame
_USUAL_BIT_RATE, _LOW_BIT_RATE = 64_000, 32_000  # for mono: transparent; and good
_USUAL_UP_TO_S = 3600.0  # seconds; longer recordings get the low bit rate
_FULL_SCALE = 255  # peaks are bytes


@dataclass(frozen=True)
class Sound:
    """What a page plays, and how its waveform looks.

    Attributes
    ----------
    duration_s : float
        Seconds.
    peaks : bytes
        Greatest magnitude in each hundredth of a second; 255 is full scale.
    pieces : tuple of bytes
        Ogg Opus; empty when they are fetched.
    url : str or None
        Where pieces, of :func:`encode_piece`, are fetched: the number of one is put behind it. None
        when they are embedded.
    """

    duration_s: float
    peaks: bytes
    pieces: tuple[bytes, ...] = ()
    url: str | None = None


def piece_count(duration_s: float) -> int:
    """How many pieces a recording has."""
    return max(1, math.ceil(duration_s / PIECE_S))


def read_sound(path: str | Path) -> Sound:
    """Encode a whole recording.

    Raises
    ------
    AudioError
        If it cannot be read.
    ReportError
        If it is longer than ``LONGEST_S``.
    """
    with open_recording(path) as recording:
        duration_s = recording.duration_s
        if duration_s > LONGEST_S:
            raise ReportError(
                f"--page: {recording.name} lasts {duration_s / 3600:.1f} hours"
                f" (allowed: up to {LONGEST_S / 3600:.0f})"
            )
        peaks = bytearray()
        pieces = []
        for number in range(piece_count(duration_s)):
            samples = _piece(recording, number)
            pieces.append(_encoded(samples, recording.sample_rate, _bit_rate(duration_s)))
            peaks += _peaks(_core(samples, recording), recording.sample_rate)
    return Sound(duration_s, bytes(peaks), tuple(pieces))


def read_peaks(path: str | Path) -> bytes:
    """The peaks of a whole recording: see :class:`Sound`.

    Raises
    ------
    AudioError
        If it cannot be read.
    """
    with open_recording(path) as recording:
        found = bytearray()
        for number in range(piece_count(recording.duration_s)):
            samples = _read(recording, number * PIECE_S, (number + 1) * PIECE_S)
            found += _peaks(samples, recording.sample_rate)
    return bytes(found)


def encode_piece(path: str | Path, number: int) -> bytes:
    """One piece of a recording as an Ogg Opus file, from ``MARGIN_S`` before it to as much after.

    Parameters
    ----------
    number : int
        From 0 to ``piece_count(duration) - 1``.

    Raises
    ------
    AudioError
        If the recording cannot be read.
    IndexError
        If it has no such piece.
    """
    with open_recording(path) as recording:
        if not 0 <= number < piece_count(recording.duration_s):
            raise IndexError(number)
        samples = _piece(recording, number)
        return _encoded(samples, recording.sample_rate, _bit_rate(recording.duration_s))


def _bit_rate(duration_s: float) -> int:
    return _USUAL_BIT_RATE if duration_s <= _USUAL_UP_TO_S else _LOW_BIT_RATE


def _piece(recording: Recording, number: int) -> Samples:
    """The samples of a piece and its margins; the first one begins with silence."""
    start = number * PIECE_S
    samples = _read(recording, start - MARGIN_S, start + PIECE_S + MARGIN_S)
    before = round(MARGIN_S * recording.sample_rate) if number == 0 else 0
    return np.concatenate([np.zeros(before, np.float32), samples])


def _core(samples: Samples, recording: Recording) -> Samples:
    """The samples of a piece without its margins."""
    first = round(MARGIN_S * recording.sample_rate)
    return samples[first : first + round(PIECE_S * recording.sample_rate)]


def _read(recording: Recording, start_s: float, end_s: float) -> Samples:
    """Samples between two times; silence where nothing can be decoded."""
    try:
        return recording.read(start_s, end_s)
    except AudioError:
        length = min(end_s, recording.duration_s) - max(start_s, 0.0)
        return np.zeros(round(length * recording.sample_rate), np.float32)


def _peaks(samples: Samples, sample_rate: int) -> bytes:
    count = math.ceil(len(samples) * PEAKS_PER_S / sample_rate)
    edges = np.minimum(np.arange(count) * sample_rate // PEAKS_PER_S, len(samples) - 1)
    peaks = np.maximum.reduceat(np.abs(samples), edges) if count else samples
    return bytes((np.minimum(peaks, 1.0) * _FULL_SCALE).astype(np.uint8))


def _encoded(samples: Samples, sample_rate: int, bit_rate: int) -> bytes:
    import av
    import soxr

    if sample_rate != _RATE:
        samples = soxr.resample(samples, sample_rate, _RATE)
    target = BytesIO()
    plain = {"fflags": "+bitexact"}  # no random serial number
    with av.open(target, "w", format="ogg", options=plain) as file:
        stream = file.add_stream("libopus", rate=_RATE, layout="mono")
        stream.bit_rate = bit_rate
        for first in range(0, len(samples), _FRAME):
            block = np.clip(samples[None, first : first + _FRAME], -1.0, 1.0)
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(block, np.float32), format="flt", layout="mono"
            )
            frame.sample_rate, frame.pts = _RATE, first
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return target.getvalue()
