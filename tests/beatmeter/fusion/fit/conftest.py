"""Labelled datasets small enough to fit in a moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

from beatmeter.datasets.audio_index import LabelledFile
from beatmeter.datasets.labels import LabelledClip, write_table
from beatmeter.fusion.fit import collection
from beatmeter.signals.accent_folding import AccentFolding
from beatmeter.signals.onset_autocorrelation import OnsetAutocorrelation

RATE = 22050


@pytest.fixture
def two_signals(monkeypatch) -> dict[str, object]:
    """Only two of the built-in signals are there to be calibrated."""
    signals = {signal.name: signal for signal in (AccentFolding(), OnsetAutocorrelation())}
    monkeypatch.setattr(collection, "calibrated_signals", lambda: signals)
    collection.evidence_parts.cache_clear()
    yield signals
    collection.evidence_parts.cache_clear()


@pytest.fixture
def make_dataset(tmp_path, drum_pattern) -> Callable[..., Path]:
    """``make_dataset({work: meters, ...})``: a folder with a drum pattern of 8 s for each work."""

    def make(works: Mapping[str, Sequence[int]], split: str = "train") -> Path:
        folder = tmp_path / "dataset"
        folder.mkdir(exist_ok=True)
        clips = []
        for number, (work, meters) in enumerate(works.items()):
            name = f"{split}-{number}.wav"
            samples = drum_pattern(meters[0], 200.0, number)[: 8 * RATE]
            soundfile.write(folder / name, samples, RATE)
            clips.append(LabelledClip(name, tuple(meters), None, work))
        write_table(folder / f"data_{split}_4_classes.tab", clips)
        return folder

    return make


@pytest.fixture
def silent_clip(tmp_path) -> LabelledFile:
    path = tmp_path / "silent.wav"
    soundfile.write(path, np.zeros(3 * RATE), RATE)
    return LabelledFile(LabelledClip("silent.wav", (4,), None, "silence"), path)
