from __future__ import annotations

import numpy as np
import pytest

from beatmeter.corpora.frames.beatless import clicks, no_music

RATE = 22050


@pytest.mark.parametrize("seed", range(5))
def test_a_click_sounds_at_every_beat(seed):
    sound = clicks(np.random.default_rng(seed), 10.0, RATE)
    assert len(sound.samples) == 10 * RATE
    assert len(sound.beats) > 3
    for beat in sound.beats[1:-1]:
        around = np.abs(sound.samples[round((beat - 0.02) * RATE) : round((beat + 0.03) * RATE)])
        assert around.max() > 0.2


def test_clicks_follow_their_seed():
    first, again, other = (clicks(np.random.default_rng(s), 5.0, RATE) for s in (1, 1, 2))
    assert first.beats == again.beats
    assert (first.samples == again.samples).all()
    assert first.beats != other.beats


@pytest.mark.parametrize("seed", range(12))
def test_no_music_has_sound_and_no_beats(seed):
    sound = no_music(np.random.default_rng(seed), 4.0, RATE)
    assert sound.beats == ()
    assert sound.samples.shape == (4 * RATE,)
    assert np.isfinite(sound.samples).all()
    assert np.abs(sound.samples).max() > 0
