"""Labels of pulses made by hand: the counted beats, those between them, every other one."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from beatmeter.features.beatsync import subdivide
from beatmeter.signals.neural.bar_network import LENGTH_CLASSES, METER_CLASSES
from beatmeter.signals.neural.training.bars.labels import (
    UNKNOWN,
    ClipTruth,
    labels_of,
)

FRAMES = 1000
BEATS = 0.2 + 0.5 * np.arange(36)


def truth(beats_per_bar: int, pickup: int = 0, **changes) -> ClipTruth:
    """Twenty seconds of steady beats, the first bar after as many beats as a pick-up has."""
    known = {
        "beats": BEATS,
        "downbeats": BEATS[pickup::beats_per_bar] if beats_per_bar else BEATS[:0],
        "beat_known": np.ones(FRAMES, bool),
        "downbeat_known": np.ones(FRAMES, bool),
        "bar": np.full(FRAMES, beats_per_bar, np.uint8),
        "row": {"meter": beats_per_bar},
    }
    return ClipTruth(**known | changes)


def length(labels) -> object:
    return LENGTH_CLASSES[labels.length]


def test_counted_beats_with_a_pickup():
    labels = labels_of(BEATS, truth(4, pickup=3))
    assert np.flatnonzero(labels.downbeat == 1).tolist() == list(range(3, 36, 4))
    assert (length(labels), labels.counted) == (4, 1)


def test_beats_off_by_a_little_are_labelled_alike():
    rng = np.random.default_rng(0)
    moved = BEATS + 0.01 * rng.normal() + 0.012 * rng.normal(size=len(BEATS))
    exact, off = (labels_of(times, truth(3)) for times in (BEATS, moved))
    assert off.downbeat.tolist() == exact.downbeat.tolist()
    assert (length(off), off.counted) == (3, 1)


@pytest.mark.parametrize(
    ("beats_per_bar", "divisions", "bar"), [(4, 2, 8), (3, 3, 9), (5, 3, 15), (9, 2, "other")]
)
def test_beats_in_two_and_three(beats_per_bar, divisions, bar):
    labels = labels_of(subdivide(BEATS, divisions), truth(beats_per_bar))
    first = np.flatnonzero(labels.downbeat == 1)
    assert first.tolist() == list(range(0, len(labels.downbeat), beats_per_bar * divisions))
    assert (length(labels), labels.counted) == (bar, 0)


def test_every_other_beat():
    on, off = (labels_of(BEATS[first::2], truth(4)) for first in (0, 1))
    assert (length(on), on.counted) == (2, 0)
    assert on.downbeat.tolist() == [1, 0] * 9
    assert (length(off), off.counted) == ("other", 0)
    assert not off.downbeat.any()
    odd = labels_of(BEATS[::2], truth(3))  # every other bar begins between its beats
    assert length(odd) == "other"


def test_a_downbeat_belongs_to_one_beat_of_a_quick_pulse():
    quick = subdivide(BEATS, 5) + 0.04
    labels = labels_of(quick, truth(4))
    assert labels.downbeat.sum() == len(BEATS[::4])


def test_bars_of_many_lengths_have_none():
    lines = np.cumsum([0, 3, 4, 5, 3, 4, 5, 3, 4])
    labels = labels_of(BEATS, truth(4, downbeats=BEATS[lines]))
    assert (length(labels), labels.counted) == ("other", 1)
    assert np.flatnonzero(labels.downbeat).tolist() == lines.tolist()


def test_without_bars():
    labels = labels_of(BEATS, truth(0))
    assert not labels.downbeat.any()
    assert (length(labels), labels.counted) == ("none", 1)
    assert labels_of(BEATS, truth(0, beats=BEATS[:0])).counted == UNKNOWN


def test_one_downbeat_tells_no_length():
    labels = labels_of(BEATS, truth(4, downbeats=BEATS[:1]))
    assert set(labels.downbeat.tolist()) == {UNKNOWN}
    assert (labels.length, labels.counted) == (UNKNOWN, UNKNOWN)


def test_what_nobody_knows_is_not_told():
    frames = np.arange(FRAMES)
    inside = {"downbeat_known": frames < 600, "downbeats": BEATS[:24:4]}
    labels = labels_of(BEATS, truth(4, **inside))
    assert set(labels.downbeat[BEATS > 12.1].tolist()) == {UNKNOWN}
    assert labels.downbeat[:24].tolist() == [1, 0, 0, 0] * 6
    assert labels.counted == 1

    few = {"downbeat_known": frames < 200, "downbeats": BEATS[:8:4]}
    labels = labels_of(BEATS, truth(4, **few))
    assert (labels.length, labels.counted) == (UNKNOWN, 1)

    nowhere = {"downbeat_known": frames < 0, "beat_known": frames < 0}
    labels = labels_of(BEATS, truth(4, **nowhere))
    assert set(labels.downbeat.tolist()) == {UNKNOWN}
    assert (labels.length, labels.counted) == (UNKNOWN, UNKNOWN)


def test_a_gap_is_no_bar():
    seconds = np.arange(FRAMES) / 50
    known = np.round((seconds - BEATS[0]) / 0.5) % 6 < 3  # three beats, then three unknown ones
    places = [place for place in range(0, 36, 2) if place % 6 < 3]
    labels = labels_of(BEATS, truth(2, downbeat_known=known, downbeats=BEATS[places]))
    assert length(labels) == 2


@pytest.mark.parametrize(
    ("meter", "classed"),
    [(4, 4), (11, 11), (6, 3), (2, 4), (255, "other"), (13, "other"), ("waltz", "other")],
)
def test_meters(meter, classed):
    assert METER_CLASSES[truth(4, row={"meter": meter}).meter] == classed


def test_meters_that_are_not_there_or_not_known():
    assert METER_CLASSES[truth(0).meter] == "none"
    assert truth(4, row={"meter": 0}).meter == UNKNOWN
