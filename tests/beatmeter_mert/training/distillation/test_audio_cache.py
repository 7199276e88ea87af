import numpy as np
import pytest
import soundfile

from beatmeter.errors import DatasetError
from beatmeter_mert.training.distillation.audio_cache import FULL_SCALE, decoded_audio


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    (tmp_path / "dataset.json").write_text("{}")
    for number in range(4):
        samples = rng.uniform(-0.9, 0.9, 1000).astype(np.float32)
        soundfile.write(tmp_path / f"{number}.wav", samples, 24_000, subtype="FLOAT")
    return tmp_path


NAMES = [f"{number}.wav" for number in range(4)]


def original(folder, name):
    return soundfile.read(folder / name, dtype="float32")[0]


def test_it_is_what_the_files_hold(folder):
    rows = decoded_audio(folder, NAMES, 24_000)
    for row, name in zip(rows, NAMES, strict=True):
        assert np.abs(row / FULL_SCALE - original(folder, name)).max() <= 0.5 / FULL_SCALE + 1e-7


def test_a_dataset_that_grew_or_was_cut_off_is_decoded_further(folder):
    whole = np.array(decoded_audio(folder, NAMES, 24_000))
    (cache,) = folder.glob("*.int16")
    cache.write_bytes(cache.read_bytes()[:-700])
    assert np.array_equal(decoded_audio(folder, NAMES[:2], 24_000), whole[:2])
    (folder / "0.wav").rename(folder / "kept.wav")
    soundfile.write(folder / "0.wav", original(folder, "kept.wav"), 24_000, subtype="FLOAT")
    assert np.array_equal(decoded_audio(folder, NAMES, 24_000), whole)


def test_clips_of_other_lengths_or_rates_are_refused(folder):
    soundfile.write(folder / "3.wav", np.zeros(900), 24_000)
    with pytest.raises(DatasetError, match="has 900 samples"):
        decoded_audio(folder, NAMES, 24_000)
    with pytest.raises(DatasetError, match="24000 Hz"):
        decoded_audio(folder, NAMES, 16_000)
