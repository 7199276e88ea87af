from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from beatmeter.errors import AudioError
from beatmeter_mert.errors import CheckpointError
from beatmeter_mert.model.preprocessing import (
    Preprocessing,
    centre_crop,
    chunk_spans,
    prepare,
    shortest_for,
    z_score,
)

AUDIO = Preprocessing()


@given(st.integers(1, 40 * 24_000))
def test_spans_follow_each_other_and_leave_out_less_than_a_second(length):
    spans = chunk_spans(length, AUDIO)
    starts, stops = zip(*spans, strict=True)
    assert starts == (0, *stops[:-1])
    assert all(stop - start == AUDIO.chunk_samples for start, stop in spans[:-1])
    assert 24_000 <= stops[-1] - starts[-1] <= AUDIO.chunk_samples
    assert stops[-1] == 24_000 if length < 24_000 else 0 <= length - stops[-1] < 24_000


def test_thirty_seconds_are_six_chunks_of_five():
    assert [stop - start for start, stop in chunk_spans(30 * 24_000, AUDIO)] == [120_000] * 6


def test_last_piece_is_kept_from_one_second_on():
    assert len(chunk_spans(11 * 24_000, AUDIO)) == 3
    assert len(chunk_spans(11 * 24_000 - 1, AUDIO)) == 2


def test_the_centre_is_kept():
    samples = np.arange(100, dtype=np.float32)
    assert centre_crop(samples, 40).tolist() == list(range(30, 70))
    assert centre_crop(samples, 100) is not None
    assert len(centre_crop(samples, 101)) == 100


def test_preparing_resamples_mixes_and_crops():
    rate = 48_000
    tone = np.sin(2 * np.pi * 440 * np.arange(40 * rate) / rate)
    clip = prepare(np.stack([tone, tone], axis=1), rate, AUDIO)
    assert clip.dtype == np.float32
    assert len(clip) == 30 * 24_000
    spectrum = np.abs(np.fft.rfft(clip))
    assert spectrum.argmax() / 30 == pytest.approx(440, abs=0.1)


@pytest.mark.parametrize("bad", [np.zeros(0), np.array([0.0, np.nan] * 24_000)])
def test_sound_that_cannot_be_heard_is_an_error(bad):
    with pytest.raises(AudioError, match="audio"):
        prepare(bad, 24_000, AUDIO)


@pytest.mark.parametrize("rate", [0, -1, 999, float("nan")])
def test_sample_rate_out_of_range_is_an_error(rate):
    with pytest.raises(AudioError, match="sample rate"):
        prepare(np.zeros(24_000), rate, AUDIO)


def test_z_score_is_that_of_the_published_preprocessor():
    from transformers import Wav2Vec2FeatureExtractor

    rng = np.random.default_rng(0)
    chunks = [1e-3 * rng.standard_normal(24_000) + offset for offset in (0.0, 0.5)]
    extractor = Wav2Vec2FeatureExtractor(sampling_rate=24_000, do_normalize=True)
    expected = extractor(chunks, sampling_rate=24_000, return_tensors="np").input_values
    ours = z_score(torch.tensor(np.stack(chunks), dtype=torch.float32))
    np.testing.assert_allclose(ours.numpy(), expected, atol=1e-4)


def test_silence_stays_finite():
    assert z_score(torch.zeros(1, 24_000)).abs().max() == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"sample_rate": 0},
        {"sample_rate": 24_000.0},
        {"chunk_seconds": 0.5},
        {"chunk_seconds": "5"},
        {"clip_seconds": 4.0},
        {"clip_seconds": float("inf")},
    ],
)
def test_settings_out_of_range_are_named(wrong):
    with pytest.raises(CheckpointError, match=next(iter(wrong))):
        Preprocessing(**wrong)


@given(st.integers(1, 70 * 24_000))
def test_pieces_are_as_long_as_wide_convolutions_need(length):
    wide = Preprocessing(chunk_seconds=30.0, clip_seconds=60.0, shortest_seconds=13.0)
    spans = chunk_spans(length, wide)
    assert all(stop - start >= 13 * 24_000 for start, stop in spans)
    assert (spans[-1][1] > length) == (length < 13 * 24_000)


def test_the_shortest_clip_goes_by_what_the_convolutions_see():
    assert shortest_for([10, 3, 2], [5, 2, 2], 24_000) == 1.0
    seconds = shortest_for([256, 160], [240, 1], 24_000)
    assert 1.25 * (256 + 159 * 240) / 24_000 <= seconds < 1.25 * (256 + 159 * 240) / 24_000 + 1


def test_a_chunk_lasts_as_long_as_the_shortest_clip():
    with pytest.raises(CheckpointError, match=r"chunk_seconds: 5\.0 \(allowed: 13 to 3600\)"):
        Preprocessing(shortest_seconds=13.0)
