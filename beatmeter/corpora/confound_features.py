"""What the leakage check sees of a clip: nothing that knows of rhythm."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from beatmeter.audio.decode import load
from beatmeter.audio.samples import Samples
from beatmeter.corpora.confounds import Example
from beatmeter.corpora.dataset import read_labels
from beatmeter.datasets.fixtures import FixtureSet

_BANDS = 24
_FLOOR = 1e-10


def dataset_examples(folder: Path) -> Iterator[Example]:
    """Yield the clips of a rendered dataset that have one meter.

    Parameters
    ----------
    folder : Path

    Yields
    ------
    Example
        Clips in polymeter are left out: they have two meters.

    Raises
    ------
    DatasetError
        If the folder holds no labelled clips.
    """
    for filename, labels in read_labels(folder):
        if len(labels.meters) == 1:
            samples, sample_rate = load(folder / filename)
            yield Example(
                {
                    **sound_features(samples, sample_rate),
                    "parts": {"parts": float(labels.style.get("parts", 0))},
                    "tempo": {"beats per minute": labels.tempo_bpm},
                    "kind": {"family": labels.family, "source": labels.source},
                    "instruments": {f"soundfont {name}": 1.0 for name in labels.soundfonts},
                },
                labels.meters[0],
                labels.work,
            )


def fixture_examples(fixtures: FixtureSet) -> Iterator[Example]:
    """Yield the fixtures of a set that have one meter, as :func:`dataset_examples` does clips."""
    for fixture in fixtures.available():
        if len(fixture.meters) == 1:
            samples, sample_rate = load(fixtures.path_of(fixture))
            slowest, fastest = fixture.tempo
            yield Example(
                {
                    **sound_features(samples, sample_rate),
                    "tempo": {"slowest": slowest, "fastest": fastest},
                    "kind": {"category": fixture.category},
                },
                fixture.meters[0],
                fixture.work,
            )


def sound_features(samples: Samples, sample_rate: int) -> dict[str, dict[str, float]]:
    """Describe a recording without regard to when anything happens in it.

    Parameters
    ----------
    samples : ndarray of float32, shape (n,)
    sample_rate : int
        Hz.

    Returns
    -------
    dict
        ``spectrum`` (mean and standard deviation over time of each mel band in dB, relative to the
        loudest band), ``loudness`` (RMS and crest in dB) and ``duration`` (seconds).
    """
    import librosa

    bands = librosa.feature.melspectrogram(
        y=samples, sr=sample_rate, n_mels=_BANDS, fmax=min(8000, sample_rate / 2)
    )
    levels = 10 * np.log10(np.maximum(bands, _FLOOR))
    means, deviations = levels.mean(axis=1), levels.std(axis=1)
    spectrum = _named("mean", means - means.max()) | _named("deviation", deviations)
    rms = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
    peak = float(np.abs(samples).max())
    return {
        "spectrum": spectrum,
        "loudness": {"rms_db": 20 * np.log10(rms), "crest_db": 20 * np.log10(peak / rms)},
        "duration": {"seconds": len(samples) / sample_rate},
    }


def _named(name: str, values: Iterable[float]) -> dict[str, float]:
    return {f"{name} {number}": float(value) for number, value in enumerate(values)}
