import itertools

import numpy as np
import pytest

from beatmeter.corpora.compose import POLYMETERS, STYLES, compose
from beatmeter.corpora.compose.drums import CYCLES, cycle
from beatmeter.corpora.compose.groupings import COARSE, FINE, heads, regrouped
from beatmeter.corpora.compose.rhythm import euclidean
from beatmeter.errors import MeterError
from beatmeter.meters import METERS, meter_of

ALL_GROUPINGS = sorted({g for table in (FINE, COARSE) for gs in table.values() for g in gs})


@pytest.mark.parametrize("meter", METERS)
def test_every_grouping_counts_as_its_meter(meter):
    for grouping in FINE[meter] + COARSE[meter]:
        assert meter_of(f"{sum(grouping)}/4") == meter


@pytest.mark.parametrize("grouping", ALL_GROUPINGS)
def test_regrouped_bars_and_drum_cycles_have_the_bar_s_length(grouping):
    rng = np.random.default_rng(0)
    assert {sum(other) for other in regrouped(rng, grouping)} == {sum(grouping)}
    assert {len(cycle(grouping, choice)) for choice in range(6)} == {sum(grouping)}


def test_cycles_begin_with_the_low_stroke():
    assert all(signs[0] == "D" for known in CYCLES.values() for signs in known)


@pytest.mark.parametrize(("onsets", "steps"), [(3, 8), (5, 8), (7, 12), (4, 9), (5, 11)])
def test_euclidean_rhythms_are_maximally_even(onsets, steps):
    struck = euclidean(onsets, steps, 0)
    gaps = np.diff([*struck, struck[0] + steps])
    assert len(struck) == onsets
    assert gaps.max() - gaps.min() <= 1


@pytest.mark.parametrize("meters", [*((meter,) for meter in METERS), *POLYMETERS])
def test_pieces_are_whole_bars_with_all_notes_inside(meters):
    for seed in range(6):
        piece = compose(seed, meters, seconds=20.0)
        bar = sum(piece.meter.grouping)
        assert piece.meter.meters == meters
        assert meter_of(piece.meter.time_signature) in meters
        assert set(np.diff(piece.downbeats)) == {bar}
        assert set(piece.downbeats) <= set(piece.beats)
        assert piece.beats[-1] == piece.downbeats[-1]
        assert piece.beats[-1] * 60 / piece.pulse_bpm >= 20.0
        for part in piece.parts:
            onsets = [note.onset for note in part.notes]
            assert onsets == sorted(onsets)
            assert onsets[0] >= 0
            assert onsets[-1] < piece.beats[-1] + 0.1
            assert all(0 <= n.pitch <= 127 and 1 <= n.velocity <= 127 for n in part.notes)
            assert all(note.duration > 0 for note in part.notes)


def test_the_same_seed_gives_the_same_piece_and_another_seed_another():
    assert compose(5, (7,)) == compose(5, (7,))
    assert compose(5, (7,)) != compose(6, (7,))


@pytest.mark.parametrize("meters", [(6,), (3, 5), (4, 3), ()])
def test_other_meters_are_refused(meters):
    with pytest.raises(MeterError, match="allowed"):
        compose(0, meters)


@pytest.mark.parametrize("style", STYLES.values(), ids=list(STYLES))
def test_every_style_plays_in_every_meter(style):
    for seed, meter in enumerate(METERS):
        piece = compose(seed, (meter,), style, seconds=8.0)
        assert sum(len(part.notes) for part in piece.parts) > 8
        assert style.family in piece.origin.work


def _onset_profile(meter, role, seeds):
    """Mean onsets on heads and on the other beats of a bar, in bars grouped in two and more."""
    on_heads, elsewhere = [], []
    for seed in seeds:
        piece = compose(seed, (meter,), seconds=30.0)
        grouping = piece.meter.grouping
        for part in (part for part in piece.parts if part.role == role):
            counts = np.zeros(sum(grouping))
            for note in part.notes:
                if abs(note.onset - round(note.onset)) < 1e-3:
                    counts[round(note.onset) % sum(grouping)] += 1
            first = np.isin(np.arange(sum(grouping)), heads(grouping))
            on_heads.append(counts[first].mean())
            elsewhere.append(counts[~first].mean())
    return np.mean(on_heads), np.mean(elsewhere)


@pytest.mark.parametrize("meter", [5, 7, 9, 11])
def test_the_bass_speaks_the_groups(meter):
    on_heads, elsewhere = _onset_profile(meter, "bass", range(30))
    assert on_heads > 1.5 * elsewhere


def test_downbeats_are_not_always_loudest_nor_always_struck():
    silent, softer, bars = 0, 0, 0
    for seed in range(40):
        piece = compose(seed, (METERS[seed % 6],), seconds=15.0)
        loudest = {}
        for note in itertools.chain.from_iterable(part.notes for part in piece.parts):
            beat = round(note.onset, 3)
            loudest[beat] = max(loudest.get(beat, 0), note.velocity)
        bar = sum(piece.meter.grouping)
        for line in piece.downbeats[:-1]:
            inside = [v for beat, v in loudest.items() if line <= beat < line + bar]
            bars += 1
            silent += line not in loudest
            softer += bool(inside) and loudest.get(line, 0) < max(inside)
    assert 0.005 < silent / bars < 0.4
    assert 0.2 < softer / bars < 0.9


def test_pulse_players_and_density_say_nothing_of_the_meter():
    """Kruskal-Wallis over the six meters; with fixed seeds, so it holds or fails for good."""
    from scipy.stats import kruskal

    groups = [
        [_surface(compose(1000 * meter + s, (meter,), seconds=12.0)) for s in range(60)]
        for meter in METERS
    ]
    for measured in np.array(groups).transpose(2, 0, 1):
        assert kruskal(*measured).pvalue > 0.01


def _surface(piece):
    notes = [note for part in piece.parts for note in part.notes]
    seconds = piece.beats[-1] * 60 / piece.pulse_bpm
    return (
        piece.pulse_bpm,
        len(piece.parts),
        float(any(part.is_drums for part in piece.parts)),
        len(notes) / seconds,
        float(np.mean([note.velocity for note in notes])),
    )


@pytest.mark.parametrize("meters", POLYMETERS)
def test_polymeter_has_a_layer_in_each_meter(meters):
    """Parts repeat at the bar of one layer or of the other."""
    bars = {sum(compose(seed, meters, seconds=5.0).meter.grouping) for seed in range(12)}
    counted = {meter_of(f"{bar}/4") for bar in bars}
    assert counted == set(meters)
