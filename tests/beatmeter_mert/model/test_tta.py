from __future__ import annotations

import json

import numpy as np
import pytest

from beatmeter.meters import METERS
from beatmeter_mert.errors import CheckpointError
from beatmeter_mert.model import MertMeterClassifier
from beatmeter_mert.model.tta import check_rates, tta_views

RATE = 24_000


@pytest.mark.parametrize("rate", [0.75, 1.25])
def test_a_view_is_as_much_shorter_and_higher_as_it_is_faster(rate):
    tone = np.sin(2 * np.pi * 440 * np.arange(4 * RATE) / RATE).astype(np.float32)
    as_it_is, played = tta_views(tone, [rate], RATE)
    np.testing.assert_array_equal(as_it_is, tone)
    assert len(played) == pytest.approx(len(tone) / rate, abs=2)
    spectrum = np.abs(np.fft.rfft(played))
    assert np.argmax(spectrum) * RATE / len(played) == pytest.approx(440 * rate, rel=0.01)


def test_a_view_that_would_be_too_short_is_left_out():
    clip = np.zeros(2 * RATE, np.float32)
    assert len(tta_views(clip, [0.5, 2.0], RATE)) == 3
    assert len(tta_views(clip[1:], [0.5, 2.0], RATE)) == 2
    assert len(tta_views(clip[:100], [2.0], RATE)) == 1


def test_the_clip_has_the_mean_logit_and_its_chunks_are_those_of_it_as_it_is(trained_like, music):
    model = trained_like().eval()
    clip = music(8)
    plain = model.predict(clip, RATE)
    model.config.tta_rates = (0.8, 1.25)
    both = model.predict(clip, RATE)
    for chunk, alone in zip(both.chunks, plain.chunks, strict=True):
        assert (chunk.start_s, chunk.end_s) == (alone.start_s, alone.end_s)
        assert chunk.probabilities == pytest.approx(alone.probabilities, abs=1e-6)
    model.config.tta_rates = ()
    heard = [model.predict(v, RATE).probabilities for v in tta_views(clip, (0.8, 1.25), RATE)]
    p = np.array([[row[meter] for meter in METERS] for row in heard])
    logit = np.log(p / (1 - p)).mean(axis=0)
    expected = dict(zip(METERS, 1 / (1 + np.exp(-logit)), strict=True))
    assert both.probabilities == pytest.approx(expected, abs=1e-5)
    assert both.probabilities != pytest.approx(plain.probabilities, abs=1e-5)


def test_rates_are_kept_with_the_checkpoint(tmp_path, trained_like):
    model = trained_like()
    model.config.tta_rates = check_rates([1.25, 1, 0.8])
    model.save_pretrained(tmp_path)
    assert MertMeterClassifier.from_pretrained(tmp_path).config.tta_rates == (0.8, 1.25)


@pytest.fixture
def described(tmp_path, trained_like):
    """Save a checkpoint whose description holds these rates, or none: rates -> folder."""

    def save(**rates):
        trained_like().save_pretrained(tmp_path)
        path = tmp_path / "head" / "config.json"
        content = json.loads(path.read_text())
        del content["playback_rates"]
        path.write_text(json.dumps(content | rates))
        return tmp_path

    return save


def test_a_checkpoint_without_rates_is_heard_as_it_is(described):
    assert MertMeterClassifier.from_pretrained(described()).config.tta_rates == ()


@pytest.mark.parametrize("rate", [0.4, 2.5, float("nan")])
def test_rates_out_of_range_are_named(rate):
    with pytest.raises(CheckpointError, match=rf"playback rate: {rate} \(allowed: 0.5 to 2\)"):
        check_rates([1.25, rate])


@pytest.mark.parametrize("rates", ["fast", [None], 3])
def test_rates_that_are_no_numbers_are_damage(described, rates):
    with pytest.raises(CheckpointError, match="is damaged"):
        MertMeterClassifier.from_pretrained(described(playback_rates=rates))
