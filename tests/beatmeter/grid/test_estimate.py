"""Time signatures and bars, read from beats whose accents are known."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from beatmeter.features.beatsync import BeatFeatures
from beatmeter.features.pulses import Pulse
from beatmeter.features.rhythm import Rhythm
from beatmeter.grid.estimate import estimate_grid
from beatmeter.meters import METERS, meter_of

FRAME_RATE = 100.0
THIRDS, HALVES = (1 / 3, 2 / 3), (1 / 2,)


def pulse_of(bpm: float, count: int = 60) -> Pulse:
    return Pulse(bpm, 0.5 + np.arange(count) * 60.0 / bpm, 1.0)


def counted(*pulses: Pulse, every: int, first: int = 0, subdivision: tuple[float, ...] = ()):
    """A rhythm accented on every so manieth beat of its last pulse, and on no other's."""
    features = []
    for pulse in pulses:
        accents = np.zeros((len(pulse.beats), 3), np.float32)
        if pulse is pulses[-1]:
            accents[first::every] = 1.0
        features.append(BeatFeatures(accents, *[np.zeros(0, np.float32)] * 3))
    envelope = np.zeros(8000, np.float32)
    for fraction in (0.0, *subdivision):
        times = pulses[-1].beats + fraction * 60.0 / pulses[-1].bpm
        envelope[np.round(times * FRAME_RATE).astype(int)] = 1.0
    return SimpleNamespace(
        pulses=pulses,
        tactus=pulses[0],
        beat_features=features,
        onset_envelope=envelope,
        frame_rate=FRAME_RATE,
    )


@pytest.mark.parametrize("meter", METERS)
def test_downbeats_are_the_accented_beats_a_bar_apart(meter):
    pulse = pulse_of(120.0)
    reading = estimate_grid(counted(pulse, every=meter, first=2), meter)
    np.testing.assert_array_equal(reading.beats, pulse.beats)
    np.testing.assert_array_equal(reading.downbeats, pulse.beats[2::meter])
    assert np.diff(reading.downbeats) == pytest.approx(meter * 0.5)
    assert reading.bpm == 120.0


@pytest.mark.parametrize(
    ("meter", "bpm", "subdivision", "expected"),
    [
        (3, 120, (), "3/4"),
        (3, 189, (), "3/4"),
        (3, 190, (), "6/8"),
        (4, 120, (), "4/4"),
        (4, 120, HALVES, "4/4"),
        (4, 120, THIRDS, "12/8"),
        (4, 120, (1 / 3,), "4/4"),
        (4, 120, THIRDS + HALVES, "4/4"),
        (4, 170, THIRDS, "4/4"),
        (5, 120, (), "5/4"),
        (5, 190, (), "5/8"),
        (7, 120, (), "7/4"),
        (7, 240, (), "7/8"),
        (9, 120, (), "9/8"),
        (9, 300, (), "9/8"),
        (11, 300, (), "11/8"),
    ],
)
def test_the_time_signature_follows_tempo_and_subdivision(meter, bpm, subdivision, expected):
    rhythm = counted(pulse_of(bpm), every=meter, subdivision=subdivision)
    assert estimate_grid(rhythm, meter).time_signature == expected
    assert meter_of(expected) == meter


def test_bars_are_counted_on_the_pulse_that_explains_the_accents():
    tactus, other = pulse_of(100.0), pulse_of(150.0)
    assert estimate_grid(counted(tactus, other, every=7), 7).bpm == 150.0
    assert estimate_grid(counted(other, tactus, every=7), 7).bpm == 100.0


@pytest.mark.parametrize("count", [1, 2, 7])
def test_with_too_few_beats_for_two_bars_the_tactus_is_counted_from_its_first(count):
    pulse = pulse_of(100.0, count)
    reading = estimate_grid(counted(pulse, every=4, first=1), 4)
    np.testing.assert_array_equal(reading.downbeats, pulse.beats[::4])
    assert reading.time_signature == "4/4"


def test_shifting_moves_every_time_and_nothing_else():
    reading = estimate_grid(counted(pulse_of(200.0), every=5), 5)
    later = reading.shifted(30.0)
    np.testing.assert_allclose(later.beats - reading.beats, 30.0)
    np.testing.assert_allclose(later.downbeats - reading.downbeats, 30.0)
    assert (later.bpm, later.time_signature) == (reading.bpm, reading.time_signature)


@pytest.mark.parametrize(("meter", "bpm"), [(4, 90), (5, 140), (7, 200), (9, 280)])
def test_bars_of_generated_drums_have_their_length(drum_pattern, meter, bpm):
    reading = estimate_grid(Rhythm(drum_pattern(meter, bpm, 0), 22050), meter)
    assert set(reading.downbeats) <= set(reading.beats)
    assert np.median(np.diff(reading.downbeats)) == pytest.approx(meter * 60 / bpm, rel=0.02)
