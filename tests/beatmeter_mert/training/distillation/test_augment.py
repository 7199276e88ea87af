import numpy as np
import pytest

from beatmeter_mert.training.distillation.augment import augment, draw_speed
from beatmeter_mert.training.distillation.settings import AugmentSettings

OFF = AugmentSettings(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def test_switched_off_it_changes_nothing(music):
    samples = music(1)
    assert np.array_equal(augment(samples, 24_000, OFF, np.random.default_rng(0)), samples)
    assert draw_speed(OFF, np.random.default_rng(0)) == 1.0


def test_the_same_draw_gives_the_same_sound_and_another_another(music):
    samples = music(1)
    one, same, other = (
        augment(samples, 24_000, AugmentSettings(), np.random.default_rng(seed))
        for seed in (1, 1, 2)
    )
    assert one.shape == samples.shape
    assert one.dtype == np.float32
    assert np.array_equal(one, same)
    assert not np.allclose(one, other)


@pytest.mark.parametrize("seed", range(10))
def test_the_onsets_stay_where_they_are(clicks, seed):
    clip = clicks(4, period=0.5)
    changed = augment(clip.samples, 24_000, AugmentSettings(), np.random.default_rng(seed))
    energy, there = (
        np.add.reduceat(np.square(samples), np.arange(0, len(samples), 240))
        for samples in (changed, clip.samples)
    )
    beside_a_click = np.convolve(there > 1e-3, [1, 1, 1], "same") > 0
    assert beside_a_click[np.argsort(energy)[-4:]].all()


def test_noise_is_no_louder_than_allowed(music):
    samples = music(2)
    settings = AugmentSettings(0.0, 0.0, 0.0, 1.0, -20.0, 0.0, 0.0)
    for seed in range(5):
        noise = augment(samples, 24_000, settings, np.random.default_rng(seed)) - samples
        assert 1e-3 < noise.std() / samples.std() < 0.11


def test_speeds_are_as_often_above_one_as_below():
    rng = np.random.default_rng(0)
    speeds = np.array([draw_speed(AugmentSettings(speed=0.2), rng) for _ in range(2000)])
    assert speeds.min() >= 1 / 1.2
    assert speeds.max() <= 1.2
    assert abs(np.mean(speeds > 1) - 0.5) < 0.05
