"""Where recordings come from: files and arrays, handed out as excerpts of bounded length."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from beatmeter._util.text import escape_control
from beatmeter.audio.decode import (
    SHORTEST_S,
    Samples,
    check_audible,
    is_silent,
    open_recording,
    to_mono,
)
from beatmeter.errors import AudioError, AudioWarning

Source = str | Path | npt.ArrayLike


@dataclass(frozen=True)
class OpenSource:
    """An open recording, or samples.

    Attributes
    ----------
    path : str or None
        None for samples.
    duration_s : float
        Seconds.
    """

    path: str | None
    duration_s: float
    sample_rate: int
    _read: Callable[[float, float], Samples]

    @property
    def name(self) -> str:
        """What to call it in messages."""
        return "samples" if self.path is None else escape_control(self.path)

    def excerpts(self, spans: Sequence[tuple[float, float]]) -> Iterator[tuple[float, Samples]]:
        """The audible ones of some spans, one at a time: start in seconds, and samples.

        Raises
        ------
        AudioError
            If there is one span only, and it cannot be decoded or is inaudible.

        Warns
        -----
        AudioWarning
            If one of several spans cannot be decoded.
        """
        for start, end in spans:
            try:
                samples = self._read(start, end)
            except AudioError as error:
                if len(spans) == 1:
                    raise
                warnings.warn(str(error), AudioWarning, stacklevel=2)
                continue
            if len(spans) == 1:
                check_audible(samples, self.sample_rate, self.name)
            elif len(samples) < SHORTEST_S * self.sample_rate or is_silent(samples):
                continue
            yield start, samples


@contextmanager
def open_source(source: Source, sample_rate: int | None) -> Iterator[OpenSource]:
    """Open a file, or wrap samples.

    Raises
    ------
    AudioError
        If the file cannot be read, or a sample rate is missing with samples or given with a file.
    """
    if isinstance(source, str | Path):
        if sample_rate is not None:
            raise AudioError(f"sample_rate: {sample_rate} (allowed: only with samples)")
        with open_recording(source) as recording:
            yield OpenSource(
                str(source), recording.duration_s, recording.sample_rate, recording.read
            )
        return
    if sample_rate is None or sample_rate <= 0:
        raise AudioError(f"sample_rate: {sample_rate} (allowed: Hz, above 0, with samples)")
    samples = to_mono(np.asarray(source), "samples")

    def read(start_s: float, end_s: float) -> Samples:
        return samples[round(start_s * sample_rate) : round(end_s * sample_rate)]

    yield OpenSource(None, len(samples) / sample_rate, sample_rate, read)
