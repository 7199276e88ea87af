"""The input of the BeatNet network: a log spectrogram and its rise, 50 frames a second."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from beatmeter.audio.samples import Samples

SAMPLE_RATE = 22050
FRAMES_PER_SECOND = 50
_HOP_LENGTH = 441
_FRAME_LENGTH = 1411
_BANDS_PER_OCTAVE = 24


def features(samples: Samples) -> npt.NDArray[np.float32]:
    """Features of a recording at 22,050 Hz: shape (frames, 272)."""
    from madmom_infer.audio.signal import FramedSignalProcessor, SignalProcessor
    from madmom_infer.audio.spectrogram import (
        FilteredSpectrogramProcessor,
        LogarithmicSpectrogramProcessor,
        SpectrogramDifferenceProcessor,
    )
    from madmom_infer.audio.stft import ShortTimeFourierTransformProcessor

    stages = [
        SignalProcessor(num_channels=1, sample_rate=SAMPLE_RATE),
        FramedSignalProcessor(frame_size=_FRAME_LENGTH, hop_size=_HOP_LENGTH),
        ShortTimeFourierTransformProcessor(),
        FilteredSpectrogramProcessor(
            num_bands=_BANDS_PER_OCTAVE, fmin=30, fmax=17000, norm_filters=True
        ),
        LogarithmicSpectrogramProcessor(mul=1, add=1),
        SpectrogramDifferenceProcessor(diff_ratio=0.5, positive_diffs=True, stack_diffs=np.hstack),
    ]
    value: object = samples
    for stage in stages:
        value = stage.process(value)
    return np.ascontiguousarray(np.asarray(value), np.float32)
