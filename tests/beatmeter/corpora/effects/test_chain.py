from __future__ import annotations

import random

import numpy as np
import pytest

from beatmeter.corpora.effects.chain import CHAIN, apply_effects
from beatmeter.corpora.effects.codec import FORMATS, decode, encode
from beatmeter.corpora.effects.compressor import compress
from beatmeter.corpora.effects.reverb import room_response
from beatmeter.corpora.effects.warp import Warp, draw_warp, warp
from beatmeter.corpora.perform.render import SAMPLE_RATE

CLICK_TIMES = np.arange(0.4, 5.8, 0.45)


@pytest.fixture(scope="module")
def clicks() -> np.ndarray:
    """Short bursts of noise at CLICK_TIMES, six seconds of them."""
    rng = np.random.default_rng(1)
    samples = np.zeros(6 * SAMPLE_RATE)
    burst = rng.standard_normal(1200) * np.exp(-np.arange(1200) / 200)
    for time in CLICK_TIMES:
        start = round(time * SAMPLE_RATE)
        samples[start : start + len(burst)] += burst
    return (0.5 * samples / np.abs(samples).max()).astype(np.float32)


def lag_s(samples: np.ndarray, times: np.ndarray) -> float:
    """By how much the attacks come after `times`: the shift at which onsets fit them best."""
    hop = 48
    envelope = np.abs(samples[: len(samples) // hop * hop]).reshape(-1, hop).max(axis=1)
    rise = np.maximum(np.diff(np.log(envelope + 0.01)), 0)
    places = np.round(times * SAMPLE_RATE / hop).astype(int)
    shifts = np.arange(-25, 26)
    fits = [sum(rise[places + shift]) for shift in shifts]
    return float(shifts[int(np.argmax(fits))] * hop / SAMPLE_RATE)


@pytest.mark.parametrize("effect", CHAIN, ids=lambda effect: effect.name)
def test_an_effect_keeps_every_moment_in_place(effect, clicks: np.ndarray):
    for seed in range(3):
        changed = effect.apply(clicks, np.random.default_rng(seed))
        assert changed.dtype == np.float32
        assert changed.shape == clicks.shape
        assert not np.array_equal(changed, clicks)
        assert abs(lag_s(changed, CLICK_TIMES)) <= 0.006


@pytest.mark.parametrize("codec", FORMATS)
def test_a_codec_delays_nothing(codec: str, clicks: np.ndarray):
    decoded = decode(encode(clicks, SAMPLE_RATE, codec, compression=0.5))
    assert decoded.shape == clicks.shape
    assert abs(lag_s(decoded, CLICK_TIMES)) <= 0.004


@pytest.mark.parametrize(
    "change", [Warp(tempo=1.12), Warp(tempo=0.88), Warp(speed=0.95), Warp(semitones=2)]
)
def test_times_follow_a_change_of_tempo(change: Warp, clicks: np.ndarray):
    warped = warp(clicks, SAMPLE_RATE, change)
    assert len(warped) == pytest.approx(len(clicks) / change.rate, abs=2)
    assert abs(lag_s(warped, CLICK_TIMES / change.rate)) <= 0.01


def test_warps_are_described():
    assert Warp().describe() == ()
    assert Warp(speed=0.95, semitones=-2).describe() == ("speed x0.950", "pitch -2")


def test_most_recordings_are_not_warped():
    warps = [draw_warp(np.random.default_rng(seed)) for seed in range(300)]
    assert 0.5 < np.mean([warp == Warp() for warp in warps]) < 0.8
    assert all(0.7 < warp.rate < 1.3 for warp in warps)


def test_the_chain_repeats_itself_and_leaves_the_global_generators_alone(clicks: np.ndarray):
    random.seed(3)
    np.random.seed(3)  # noqa: NPY002
    before = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    for seed in range(6):
        first, names = apply_effects(clicks, np.random.default_rng(seed))
        random.random()
        random.setstate(before[0])
        second, again = apply_effects(clicks, np.random.default_rng(seed))
        np.testing.assert_array_equal(first, second)
        assert names == again
        assert np.abs(first).max() <= 1
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before  # noqa: NPY002


def test_silence_survives_the_chain():
    silence = np.zeros(3 * SAMPLE_RATE, np.float32)
    for seed in range(10):
        samples, _ = apply_effects(silence, np.random.default_rng(seed))
        assert np.isfinite(samples).all()


def test_compression_narrows_the_range():
    time = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    tone = np.sin(2 * np.pi * 220 * time) * np.where(time < 1, 0.05, 0.8)
    squeezed = compress(
        tone.astype(np.float32),
        SAMPLE_RATE,
        threshold_db=-30,
        ratio=6,
        attack_s=0.005,
        release_s=0.05,
    )
    middle, end = slice(SAMPLE_RATE // 4, SAMPLE_RATE // 2), slice(-SAMPLE_RATE // 2, None)
    ratio_before = np.abs(tone[end]).max() / np.abs(tone[middle]).max()
    ratio_after = np.abs(squeezed[end]).max() / np.abs(squeezed[middle]).max()
    assert ratio_after < 0.5 * ratio_before
    assert np.abs(squeezed).max() == pytest.approx(0.8, rel=0.01)


def test_a_room_decays_by_sixty_decibels_in_its_time():
    response = room_response(np.random.default_rng(0), 1.5, SAMPLE_RATE).astype(float)
    remaining = 10 * np.log10(np.cumsum(np.square(response)[::-1])[::-1])
    slope = np.polyfit(
        np.arange(len(remaining))[4800:24000] / SAMPLE_RATE, remaining[4800:24000], 1
    )
    assert slope[0] == pytest.approx(-60 / 1.5, rel=0.2)
