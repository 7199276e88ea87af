import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beatmeter.features import pulses

FRAME_RATE = 86.13


def impulses(period, frames=2600, phase=10.0, jitter=0.0, seed=0):
    rng = np.random.default_rng(seed)
    times = np.arange(phase, frames - 2, period)
    envelope = np.zeros(frames, np.float32)
    envelope[np.round(times + rng.normal(0, jitter, len(times))).astype(int) % frames] = 1.0
    return envelope


def test_autocorrelation_agrees_with_its_definition():
    envelope = np.random.default_rng(0).random(200).astype(np.float32)
    centred = envelope - envelope.mean()
    found = pulses.autocorrelation(envelope, 50)
    for lag in (0, 1, 17, 50):
        products = centred[lag:] * centred[: 200 - lag]
        assert found[lag] == pytest.approx(products.mean() / np.mean(centred**2), abs=1e-5)


def test_autocorrelation_of_nothing_is_zero():
    assert not pulses.autocorrelation(np.ones(100, np.float32), 20).any()


@settings(max_examples=20, deadline=None)
@given(bpm=st.floats(70, 170))
def test_the_tactus_of_a_click_track_is_its_tempo_or_a_simple_relative(bpm):
    period = 60 * FRAME_RATE / bpm
    acf = pulses.autocorrelation(impulses(period), 1200)
    found = pulses.tactus_periods(acf, FRAME_RATE)[0] / period
    assert min(abs(found / ratio - 1) for ratio in (0.5, 1.0, 2.0)) < 0.03


def test_the_second_period_is_unrelated_to_the_first():
    acf = pulses.autocorrelation(impulses(30.0), 1200)
    first, second = pulses.tactus_periods(acf, FRAME_RATE)
    assert min(abs(second * ratio / first - 1) for ratio in pulses.RATIOS) > 0.03


@given(first=st.floats(25, 100), second=st.floats(25, 100))
def test_related_periods_are_in_range_distinct_and_led_by_the_first(first, second):
    periods = pulses.related_periods(first, second, FRAME_RATE)
    bpms = 60 * FRAME_RATE / np.array(periods)
    assert periods[0] == first
    assert (bpms >= pulses.SLOWEST_BPM).all()
    assert (bpms <= pulses.FASTEST_BPM).all()
    assert np.diff(np.sort(np.log(periods))).min() > 0.03


@pytest.mark.parametrize("period", [14.3, 30.0, 57.7, 110.2])
def test_beats_of_a_click_track_lie_on_its_clicks(period):
    envelope = impulses(period, jitter=0.5)
    (beats,) = pulses.track_beats(envelope, np.array([period]))
    on_click = [envelope[max(0, b - 2) : b + 3].max() > 0 for b in beats]
    assert np.mean(on_click) > 0.97
    assert len(beats) == pytest.approx(len(envelope) / period, abs=2)


def test_several_periods_are_tracked_as_each_would_be_alone():
    envelope = impulses(25.0, jitter=1.0)
    periods = np.array([25.0, 50.0, 12.5])
    together = pulses.track_beats(envelope, periods)
    for period, beats in zip(periods, together, strict=True):
        np.testing.assert_array_equal(beats, pulses.track_beats(envelope, np.array([period]))[0])


def test_beats_follow_a_tempo_that_drifts():
    periods = np.linspace(40, 50, 55)
    times = np.cumsum(periods)
    envelope = np.zeros(int(times[-1]) + 20, np.float32)
    envelope[np.round(times).astype(int)] = 1.0
    (beats,) = pulses.track_beats(envelope, np.array([45.0]))
    hits = [np.abs(times - beat).min() <= 2 for beat in beats]
    assert np.mean(hits) > 0.95


def test_salience_tells_beats_from_the_gaps_between():
    envelope = impulses(40.0)
    on = np.flatnonzero(envelope)
    assert pulses.salience(envelope, on) > 3
    assert pulses.salience(envelope, on[:-1] + 20) < -3
    assert pulses.salience(np.zeros(100, np.float32), np.array([10, 20, 30])) == 0.0
