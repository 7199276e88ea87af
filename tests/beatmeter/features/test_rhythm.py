"""A recording's features: computed once, consistent, and blind to loudness."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from beatmeter.errors import AudioError
from beatmeter.features import spectra
from beatmeter.features.rhythm import N_MELS, N_TIMBRE, Rhythm
from beatmeter.signals import beatmeter_signals

RATE = 22050
FEATURES = (
    *("log_mel", "flux", "onset_envelope", "low_envelope", "chroma", "timbre"),
    *("autocorrelation", "pulses", "beat_features", "band_flux"),
)


@pytest.fixture(scope="module")
def samples(drum_pattern) -> np.ndarray:
    return drum_pattern(4, 120.0, 0)[: 12 * RATE]


@pytest.fixture(scope="module")
def rhythm(samples) -> Rhythm:
    return Rhythm(samples, RATE)


@pytest.mark.parametrize("name", FEATURES)
def test_a_feature_asked_for_twice_is_the_same_object(rhythm, name):
    assert getattr(rhythm, name) is getattr(rhythm, name)


def test_however_many_signals_ask_each_spectrogram_is_computed_once(samples, monkeypatch):
    computed: Counter[int] = Counter()
    compute = spectra.magnitude_spectrogram

    def counting(samples, n_fft, hop_length):
        computed[n_fft] += 1
        return compute(samples, n_fft, hop_length)

    monkeypatch.setattr(spectra, "magnitude_spectrogram", counting)
    rhythm = Rhythm(samples, RATE)
    for signal in beatmeter_signals():
        if not signal.name.startswith("neural_"):
            signal.score(rhythm)
    assert sorted(computed.values()) == [1, 1]


def test_nothing_is_computed_before_it_is_asked_for(samples):
    assert not set(FEATURES) & vars(Rhythm(samples, RATE)).keys()


def test_two_who_ask_for_a_rate_get_the_same_array(samples):
    rhythm = Rhythm(samples, RATE)
    assert rhythm.resampled(24000) is rhythm.resampled(24000)
    assert rhythm.resampled(RATE) is rhythm.samples
    assert rhythm.resampled(24000).dtype == np.float32
    assert len(rhythm.resampled(24000)) == pytest.approx(12 * 24000, abs=1)


def test_resampling_keeps_the_pitch():
    tone = np.sin(2 * np.pi * 440.0 * np.arange(3 * 44100) / 44100)
    resampled = Rhythm(tone, 44100).resampled(16000)
    spectrum = np.abs(np.fft.rfft(resampled * np.hanning(len(resampled))))
    assert spectrum.argmax() * 16000 / len(resampled) == pytest.approx(440.0, abs=0.5)


def test_features_agree_on_their_lengths(rhythm):
    frames = len(rhythm.onset_envelope)
    assert frames == pytest.approx(rhythm.duration_s * rhythm.frame_rate, abs=2)
    assert rhythm.log_mel.shape == rhythm.flux.shape == (frames, N_MELS)
    assert rhythm.low_envelope.shape == (frames,)
    assert rhythm.band_flux.shape == (frames, 4)
    assert rhythm.timbre.shape == (frames, N_TIMBRE)
    assert rhythm.chroma.shape[1] == 12
    assert len(rhythm.chroma) == pytest.approx(rhythm.duration_s * rhythm.chroma_rate, abs=2)
    assert len(rhythm.beat_features) == len(rhythm.pulses)
    for pulse, features in zip(rhythm.pulses, rhythm.beat_features, strict=True):
        count = len(pulse.beats)
        assert features.accents.shape == (count, 3)
        assert features.patterns.shape == (count, 4, 4)
        assert features.chroma.shape == features.timbre.shape == (count, 12)


def test_the_tactus_is_the_first_pulse_and_its_beats_lie_within(rhythm):
    assert rhythm.tactus is rhythm.pulses[0]
    assert rhythm.tempo_bpm == pytest.approx(120.0, rel=0.01)
    np.testing.assert_array_equal(rhythm.beats, rhythm.tactus.beats)
    for pulse in rhythm.pulses:
        assert (np.diff(pulse.beats) > 0).all()
        assert pulse.beats[0] >= 0.0
        assert pulse.beats[-1] <= rhythm.duration_s


def test_chroma_frames_have_unit_norm_or_are_silent():
    time = np.arange(4 * RATE) / RATE
    rhythm = Rhythm(np.where(time < 2.0, np.sin(2 * np.pi * 220.0 * time), 0.0), RATE)
    norms = np.linalg.norm(rhythm.chroma, axis=1)
    half = len(norms) // 2
    assert norms[2 : half - 4] == pytest.approx(1.0, abs=1e-4)
    assert norms[half + 4 :] == pytest.approx(0.0)
    assert (rhythm.chroma[2 : half - 4].argmax(axis=1) == 9).all()


def test_loudness_changes_neither_onsets_nor_beats(samples, rhythm):
    quiet = Rhythm(0.05 * samples, RATE)
    agreement = np.corrcoef(quiet.onset_envelope, rhythm.onset_envelope)[0, 1]
    assert agreement > 0.98
    assert quiet.tempo_bpm == pytest.approx(rhythm.tempo_bpm, rel=0.005)
    assert quiet.beats == pytest.approx(rhythm.beats, abs=0.02)


def test_channels_are_mixed(samples, rhythm):
    stereo = Rhythm(np.stack([samples, samples], axis=1), RATE)
    np.testing.assert_allclose(stereo.samples, rhythm.samples, atol=1e-7)
    assert stereo.duration_s == pytest.approx(12.0)


@pytest.mark.parametrize(
    ("broken", "rate", "complaint"),
    [
        (np.zeros(3 * RATE), RATE, "is silent"),
        (np.ones(3 * RATE), RATE, "is silent"),
        (np.full(3 * RATE, np.inf), RATE, "NaN or infinite"),
        (np.ones(RATE), RATE, r"1\.00 s long"),
        (np.zeros((2, 3, 4)), RATE, r"shape \(2, 3, 4\)"),
        (np.zeros((5, 0)), RATE, "no samples"),
        (np.tile([0.5, -0.5], 5000), 500, "sample rate 500 Hz"),
    ],
)
def test_what_is_no_recording_is_refused_by_name(broken, rate, complaint):
    with pytest.raises(AudioError, match=f"^here.wav: .*{complaint}"):
        Rhythm(broken, rate, "here.wav")
    with pytest.raises(AudioError, match=r"^samples: "):
        Rhythm(broken, rate)
