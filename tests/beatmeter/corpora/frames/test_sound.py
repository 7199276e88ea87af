"""Clips as sound: the same music and beats as in shards."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from beatmeter.corpora.frames.shards import FramesConfig, write_shards
from beatmeter.corpora.frames.sound import write_sound
from beatmeter.datasets.beat_annotations import read_annotated
from beatmeter.signals.neural.spectrogram import SAMPLE_RATE, log_mel, to_bytes
from tests.beatmeter.corpora.frames.conftest import read_shards


@pytest.fixture
def config(table_path: Path, small_soundfont_path: Path) -> FramesConfig:
    return FramesConfig(
        table_path,
        (small_soundfont_path,),
        split="val",
        families=("composed", "no music"),
        seconds=5.0,
        seed=4,
        clips_per_shard=3,
    )


def test_sound_and_shards_hold_the_same_clips(config, tmp_path):
    write_sound(config, tmp_path / "sound", 3)
    write_shards(config, tmp_path / "shards", 3)
    (shard,) = read_shards(tmp_path / "shards")
    clips = read_annotated(tmp_path / "sound")
    assert len(clips) == 3
    for number, clip in enumerate(clips):
        samples, rate = soundfile.read(clip.path)
        assert rate == SAMPLE_RATE
        first, last = shard["frames_start"][number : number + 2]
        stored = shard["mel"][first:last].astype(int)
        assert np.abs(to_bytes(log_mel(samples)).astype(int) - stored).mean() < 1.0
        for name, heard in (("beats", clip.beats), ("downbeats", clip.downbeats)):
            low, high = shard[f"{name}_start"][number : number + 2]
            np.testing.assert_allclose(heard, shard[name][low:high], atol=6e-4)
        assert clip.row["held_out"] == "work"
