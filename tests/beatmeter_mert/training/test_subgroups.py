from dataclasses import replace

import numpy as np
import pytest

from beatmeter.corpora.clip import Clip, ClipLabels
from beatmeter.corpora.dataset import DatasetFolder, SplitShares
from beatmeter_mert.training.subgroups import subgroups_of

LABELS = ClipLabels(
    meters=(7,),
    time_signature="7/8",
    grouping=(2, 2, 3),
    beats=(0.1, 0.4),
    downbeats=(0.1,),
    tempo_bpm=200.0,
    family="composed",
    source="test",
    work="w",
    licence="CC0",
    seed=0,
    soundfonts=("small",),
    effects=(),
    style={"parts": "3", "drums": "yes", "ensemble": "balkan band"},
)


@pytest.fixture
def rendered(tmp_path):
    dataset = DatasetFolder(tmp_path)
    dataset.prepare({"made": "for tests"})
    sound = np.zeros(24_000, np.float32)
    slow = replace(LABELS, tempo_bpm=79.9, style={"parts": "1", "drums": "no"}, family="arranged")
    unknown = replace(LABELS, tempo_bpm=80.0, style={}, family="spliced")
    for index, labels in enumerate([LABELS, slow, unknown]):
        dataset.add(index, Clip(sound, labels))
    dataset.write_tables(3, SplitShares(0.5, 0.5, 0.0))
    return tmp_path


def test_rendered_music_is_told_by_how_it_was_made(rendered):
    names = [f"audio/{index:06d}.ogg" for index in (2, 0, 1)]
    assert subgroups_of(rendered, names) == {
        "made": ["spliced", "composed", "arranged"],
        "tempo": [" 80 to 120 BPM", "160 BPM or more", "  0 to 80 BPM"],
        "parts": ["unknown", "2 to 3", "1"],
        "drums": ["unknown", "yes", "no"],
        "players": ["unknown", "balkan band", "unknown"],
    }


def test_of_other_music_nothing_is_told(tmp_path, rendered):
    assert subgroups_of(tmp_path / "elsewhere", ["a.wav"]) == {}
    assert subgroups_of(rendered, ["a.wav"]) == {}
