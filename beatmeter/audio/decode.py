"""Reading recordings: any format, any rate, any number of channels, to mono float32.

libsndfile reads wav, flac, mp3, ogg vorbis and opus; ffmpeg, where it is installed, decodes the
rest (m4a, webm, ...) into a temporary file first. A file is known by its content: its suffix only
decides whether a folder's search finds it. Recordings are read in pieces, so that memory does not
grow with their length.
"""

from __future__ import annotations

import os
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from beatmeter._util.text import escape_control
from beatmeter.audio import ffmpeg
from beatmeter.errors import AudioError, AudioWarning

if TYPE_CHECKING:
    from soundfile import SoundFile

Samples = npt.NDArray[np.float32]

NATIVE_SUFFIXES = frozenset({".wav", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".aif", ".aiff"})
FFMPEG_SUFFIXES = frozenset({".m4a", ".mp4", ".aac", ".webm", ".mka", ".wma", ".mkv"})
AUDIO_SUFFIXES = NATIVE_SUFFIXES | FFMPEG_SUFFIXES

SHORTEST_S = 2.0
SILENCE_PEAK = 1e-4
_SALVAGE_FRAMES = 4096
_NEGLIGIBLE_S = 0.1
_STANDARD_ERROR = threading.Lock()


@dataclass(frozen=True)
class Recording:
    """An open recording, read in pieces.

    Attributes
    ----------
    path : Path
    sample_rate : int
        Hz.
    frames : int
        Length in samples, of what can be decoded.
    channels : int
    """

    path: Path
    sample_rate: int
    frames: int
    channels: int
    _file: SoundFile

    @property
    def duration_s(self) -> float:
        """Length in seconds, of what can be decoded."""
        return self.frames / self.sample_rate

    def read(self, start_s: float, end_s: float) -> Samples:
        """Return the samples between two times, mono: shape (n,), empty past the end.

        Raises
        ------
        AudioError
            If nothing of the piece can be decoded, or it holds NaN or infinity.

        Warns
        -----
        AudioWarning
            If the file is damaged within the piece, which then ends there.
        """
        first = round(start_s * self.sample_rate)
        last = min(round(end_s * self.sample_rate), self.frames)
        if last <= first:
            return np.zeros(0, np.float32)
        import soundfile

        with _quietly():
            try:
                self._file.seek(first)
                block = self._file.read(last - first, dtype="float32", always_2d=True)
            except soundfile.LibsndfileError:
                block = self._salvage(first, last - first)
        if not len(block):
            raise AudioError(f"{self.path}: cannot be decoded at {start_s:.1f} s")
        if len(block) < last - first:
            damage_s = start_s + len(block) / self.sample_rate
            message = escape_control(f"{self.path}: is damaged at {damage_s:.1f} s")
            warnings.warn(message, AudioWarning, stacklevel=2)
        return to_mono(block, str(self.path))

    def _salvage(self, first: int, count: int) -> npt.NDArray[np.float32]:
        """The frames from `first` to where decoding fails: shape (n, channels), n <= count."""
        import soundfile

        pieces = [np.zeros((0, self.channels), np.float32)]
        with suppress(soundfile.LibsndfileError):
            self._file.seek(first)
            while len(pieces[-1]) or len(pieces) == 1:
                wanted = min(_SALVAGE_FRAMES, count - sum(map(len, pieces)))
                pieces.append(self._file.read(wanted, dtype="float32", always_2d=True))
        return np.concatenate(pieces)


@contextmanager
def open_recording(path: str | Path) -> Iterator[Recording]:
    """Open a recording for reading in pieces.

    Parameters
    ----------
    path : str or Path

    Yields
    ------
    Recording

    Raises
    ------
    AudioError
        If there is no such file, it may not be read, it is empty, or nothing can decode it.

    Warns
    -----
    AudioWarning
        If it breaks off before the length that it declares; what is there can be read.
    """
    path = Path(path)
    _check_file(path)
    with tempfile.TemporaryDirectory(prefix="beatmeter-") as scratch:
        readable = _readable(path, Path(scratch) / "decoded.flac")
        frames = _decodable_frames(readable)
        with _open_native(readable) as file:
            held, declared = frames / file.samplerate, file.frames / file.samplerate
            if declared - held > _NEGLIGIBLE_S:
                warnings.warn(
                    escape_control(f"{path}: breaks off after {held:.1f} s of {declared:.1f} s"),
                    AudioWarning,
                    stacklevel=3,
                )
            yield Recording(path, file.samplerate, frames, file.channels, file)


def load(path: str | Path) -> tuple[Samples, int]:
    """Read a whole recording.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    samples : ndarray of float32, shape (n,)
    sample_rate : int
        Hz.

    Raises
    ------
    AudioError
        If it cannot be read, is shorter than two seconds, silent, or not finite.
    """
    with open_recording(path) as recording:
        samples = recording.read(0.0, recording.duration_s)
        check_audible(samples, recording.sample_rate, str(path))
        return samples, recording.sample_rate


def to_mono(block: npt.NDArray[np.floating], name: str) -> Samples:
    """Mix channels to one: shape (n, channels) or (n,) to (n,), float32.

    Channels that cancel each other are replaced by the loudest one.

    Raises
    ------
    AudioError
        If any sample is NaN or infinite, or the array has more than two dimensions.
    """
    if block.ndim > 2:
        raise AudioError(f"{name}: samples of shape {block.shape} (allowed: (n,) or (n, channels))")
    if not np.isfinite(block).all():
        raise AudioError(f"{name}: holds NaN or infinite samples (allowed: finite numbers)")
    if block.ndim == 1:
        return np.ascontiguousarray(block, np.float32)
    if block.shape[1] == 0:
        raise AudioError(f"{name}: has no channels (allowed: at least one)")
    mixed = block.mean(axis=1, dtype=np.float32)
    energy = np.square(block, dtype=np.float64).sum(axis=0)
    if np.square(mixed, dtype=np.float64).sum() < 0.01 * energy.max() / block.shape[1]:
        mixed = block[:, int(energy.argmax())]
    return np.ascontiguousarray(mixed, np.float32)


def check_audible(samples: Samples, sample_rate: int, name: str) -> None:
    """Raise :class:`AudioError` if there is too little to hear a meter in.

    Parameters
    ----------
    samples : ndarray, shape (n,)
    sample_rate : int
        Hz, at least 1000.
    name : str
        What to call the recording in the message.
    """
    if sample_rate < 1000:
        raise AudioError(f"{name}: sample rate {sample_rate} Hz (allowed: 1000 Hz or more)")
    duration = len(samples) / sample_rate
    if duration < SHORTEST_S:
        raise AudioError(f"{name}: {duration:.2f} s long (allowed: {SHORTEST_S:.0f} s or more)")
    if is_silent(samples):
        raise AudioError(f"{name}: is silent (allowed: a peak above {SILENCE_PEAK:g})")


def is_silent(samples: Samples) -> bool:
    """Whether samples, one at least, stay within the silence around a constant."""
    return bool(np.ptp(samples) < 2 * SILENCE_PEAK)


def _check_file(path: Path) -> None:
    try:
        if path.is_dir():
            raise AudioError(f"{path}: is a folder (allowed: an audio file)")
        if path.exists() and not path.is_file():
            raise AudioError(f"{path}: is not a regular file (allowed: an audio file)")
        with path.open("rb") as file:
            empty = not file.read(1)
    except FileNotFoundError as error:
        raise AudioError(f"{path}: no such file") from error
    except OSError as error:
        raise AudioError(f"{path}: cannot be read ({error.strerror})") from error
    if empty:
        raise AudioError(f"{path}: is empty (allowed: an audio file)")


def _readable(path: Path, scratch: Path) -> Path:
    """`path` if libsndfile reads it rightly, else `scratch`, decoded by ffmpeg."""
    import soundfile

    try:
        with _open_native(path) as file:
            guessed = file.format == "MP3" and not _declares_length(path)
        if not (guessed and ffmpeg.available()):
            return path
    except soundfile.LibsndfileError as error:
        if path.suffix.lower() not in FFMPEG_SUFFIXES and not ffmpeg.available():
            reason = error.error_string.rstrip(".")
            raise AudioError(f"{path}: is not audio that can be decoded ({reason})") from error
    ffmpeg.decode(path, scratch)
    return scratch


def _open_native(path: Path) -> SoundFile:
    import soundfile

    # Through a descriptor, for libsndfile takes the name "-" and the suffix .raw specially.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    with _quietly():
        return soundfile.SoundFile(descriptor)


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep from the terminal what mpg123 has to say of damaged files, in C and at length."""
    with _STANDARD_ERROR:
        kept = os.dup(2)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, 2)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(nowhere)
            os.close(kept)


def _declares_length(mp3: Path) -> bool:
    """Whether the first frame says how many follow; else libsndfile guesses from the bit rate."""
    with mp3.open("rb") as file:
        tag = file.read(10)
        size = 0
        if tag.startswith(b"ID3"):
            shifts = (21, 14, 7, 0)
            size = 10 + sum((b & 0x7F) << shift for b, shift in zip(tag[6:], shifts, strict=True))
        file.seek(size)
        first_frame = file.read(192)
    return any(mark in first_frame for mark in (b"Xing", b"Info", b"VBRI"))


def _decodable_frames(path: Path) -> int:
    """Length of what can be decoded, in samples: the declared one unless the file breaks off."""
    import soundfile

    with _open_native(path) as file, suppress(soundfile.LibsndfileError), _quietly():
        file.seek(max(0, file.frames - 1))
        if len(file.read(1)) == min(1, file.frames):
            return int(file.frames)
    frames = 0
    with _open_native(path) as file, suppress(soundfile.LibsndfileError), _quietly():
        while piece := len(file.read(_SALVAGE_FRAMES)):
            frames += piece
    return frames
