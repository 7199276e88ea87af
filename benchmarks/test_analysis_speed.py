"""What the signals cost, against what librosa's own front end costs on the same samples.

``pytest benchmarks/test_analysis_speed.py`` prints CPU seconds for 30 s of audio.
"""

from __future__ import annotations

import time
from statistics import median

import numpy as np
import pytest

from beatmeter.features.rhythm import Rhythm
from beatmeter.grid.estimate import estimate_grid
from beatmeter.grid.evidence import gather_evidence
from beatmeter.signals import beatmeter_signals

RATE = 22050
SECONDS = 30
ROUNDS = 9
MOST_TIMES_LIBROSA = 2.0


@pytest.fixture(scope="module")
def samples() -> np.ndarray:
    rng = np.random.default_rng(0)
    music = rng.standard_normal(SECONDS * RATE) * 0.01
    burst = np.exp(-np.arange(4000) / 700.0)
    for i in range(70):
        start = round(i * 0.42 * RATE)
        pitch = 220.0 * 2 ** (rng.integers(12) / 12)
        music[start : start + 4000] += burst * np.sin(2 * np.pi * pitch * np.arange(4000) / RATE)
    return music.astype(np.float32)


def all_dsp_signals(samples: np.ndarray) -> None:
    rhythm = Rhythm(samples, RATE)
    for signal in beatmeter_signals():
        if not signal.name.startswith("neural_"):
            signal.score(rhythm)


def dsp_signals_and_grid(samples: np.ndarray) -> None:
    """What the network's absence leaves of an analysis: signals, evidence of the grid, the grid."""
    rhythm, signals = Rhythm(samples, RATE), beatmeter_signals()
    dsp = {s.name: s for s in signals if not s.name.startswith("neural_")}
    for signal in dsp.values():
        signal.score(rhythm)
    estimate_grid([gather_evidence(rhythm, dsp, dict.fromkeys(dsp, 0.2))], 4)


def librosas_front_end(samples: np.ndarray) -> None:
    import librosa

    envelope = librosa.onset.onset_strength(y=samples, sr=RATE)
    librosa.beat.beat_track(onset_envelope=envelope, sr=RATE)
    librosa.feature.chroma_stft(y=samples, sr=RATE)


def cpu_seconds(work, samples: np.ndarray) -> float:
    start = time.process_time()
    work(samples)
    return time.process_time() - start


@pytest.mark.parametrize("work", [all_dsp_signals, dsp_signals_and_grid])
def test_the_cost_is_at_most_twice_that_of_librosas_front_end(samples, work):
    for each in (work, librosas_front_end):
        each(samples)
    pairs = [
        (cpu_seconds(work, samples), cpu_seconds(librosas_front_end, samples))
        for _ in range(ROUNDS)
    ]
    ours, theirs = (median(column) for column in zip(*pairs, strict=True))
    ratio = median(a / b for a, b in pairs)
    print(f"\n{SECONDS} s of audio, CPU seconds, median of {ROUNDS} pairs:")
    print(f"  {work.__name__:20} {ours:.3f}  ({SECONDS / ours:.0f} times real time)")
    print(f"  librosa's front end  {theirs:.3f}  (onset strength, beat tracking, chroma_stft)")
    print(f"  ratio                {ratio:.2f}")
    assert ratio <= MOST_TIMES_LIBROSA


def test_thirty_seconds_through_every_dsp_signal(benchmark, samples):
    benchmark(all_dsp_signals, samples)
