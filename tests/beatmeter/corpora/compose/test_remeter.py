from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beatmeter.corpora.compose import STYLES
from beatmeter.corpora.compose.arrange import arrange
from beatmeter.corpora.compose.remeter import regroup, remeter
from beatmeter.corpora.piece import Meter, Note, Origin, Part, Piece, draw_excerpt
from beatmeter.errors import MeterError
from beatmeter.meters import METERS, meter_of

SIGNATURES = {2: "2/4", 3: "3/4", 4: "4/4", 5: "5/4", 6: "6/8", 7: "7/8", 9: "9/8", 12: "12/8"}


def song(bar, bars=24):
    """Every beat has a note whose pitch names its place in the bar, over one held bass per bar."""
    beats = bar * bars
    melody = [Note(float(b), 1.0, 60 + b % bar, 80) for b in range(beats)]
    halves = [Note(b + 0.5, 0.5, 80, 60) for b in range(beats)]
    bass = [Note(float(b), float(bar), 36, 90) for b in range(0, beats, bar)]
    return Piece(
        parts=(
            Part("melody", 0, False, tuple(sorted(melody + halves, key=lambda n: n.onset))),
            Part("bass", 0, False, tuple(bass)),
        ),
        meter=Meter((meter_of(SIGNATURES[bar]),), SIGNATURES[bar], (bar,)),
        beats=tuple(float(b) for b in range(beats + 1)),
        downbeats=tuple(float(b) for b in range(0, beats + 1, bar)),
        pulse_bpm=150.0,
        origin=Origin("test", "Song", "CC0", None),
    )


@given(
    bar=st.sampled_from(sorted(SIGNATURES)),
    meter=st.sampled_from(METERS),
    seed=st.integers(0, 10**6),
)
def test_every_meter_is_reached_from_every_other(bar, meter, seed):
    piece = remeter(np.random.default_rng(seed), song(bar), meter)
    length = sum(piece.meter.grouping)
    assert piece.meter.meters == (meter,)
    assert meter_of(f"{length}/4") == meter
    assert meter_of(piece.meter.time_signature) == meter
    assert set(np.diff(piece.downbeats)) == {length}
    assert set(piece.downbeats) <= set(piece.beats)
    assert piece.beats[-1] == piece.downbeats[-1]
    for part in piece.parts:
        onsets = [note.onset for note in part.notes]
        assert onsets == sorted(onsets)
        assert onsets[0] >= 0
        assert onsets[-1] < piece.beats[-1]
        assert all(note.duration > 0 for note in part.notes)


@given(bar=st.sampled_from((3, 4)), meter=st.sampled_from(METERS), seed=st.integers(0, 10**6))
def test_bars_begin_where_the_original_s_bars_began(bar, meter, seed):
    piece = remeter(np.random.default_rng(seed), song(bar), meter)
    at = {note.onset: note.pitch for note in piece.parts[0].notes if note.pitch < 80}
    assert {at[line] for line in piece.downbeats[:-1]} == {60}


@given(meter=st.sampled_from(METERS), seed=st.integers(0, 10**6))
def test_no_hole_is_left_under_a_held_note(meter, seed):
    piece = remeter(np.random.default_rng(seed), song(4), meter)
    bass = piece.parts[1].notes
    ends = np.array([note.onset + note.duration for note in bass])
    starts = np.array([note.onset for note in bass])
    assert starts[0] == 0
    assert np.all(starts[1:] <= ends[:-1] + 1e-6)


def test_the_own_meter_is_operated_on_too():
    changed = [
        remeter(np.random.default_rng(seed), song(4), 4).parts[0] != song(4).parts[0]
        for seed in range(40)
    ]
    assert np.mean(changed) > 0.9


def test_without_halves_nothing_becomes_compound():
    bare = song(4)
    melody = replace(bare.parts[0], notes=tuple(n for n in bare.parts[0].notes if n.pitch < 80))
    bare = replace(bare, parts=(melody, bare.parts[1]))
    for seed in range(60):
        for meter in (3, 9):
            grouping = remeter(np.random.default_rng(seed), bare, meter).meter.grouping
            assert grouping != (3, 3)


def test_unknown_meters_are_refused():
    with pytest.raises(MeterError, match="8"):
        remeter(np.random.default_rng(0), song(4), 8)


def test_an_excerpt_begins_with_a_bar_line():
    rng = np.random.default_rng(3)
    for _ in range(10):
        piece = draw_excerpt(rng, song(5), 22.0)
        assert piece.downbeats == (0, 5, 10, 15, 20, 25)
        assert {note.onset for note in piece.parts[1].notes} == {0, 5, 10, 15, 20}
        assert piece.parts[0].notes[0].pitch == 60


def test_an_arrangement_adds_players_and_keeps_the_score():
    bare = replace(song(7), parts=song(7).parts[:1])
    for seed in range(10):
        piece = arrange(np.random.default_rng(seed), bare, STYLES["jazz"])
        assert piece.parts[0] == bare.parts[0]
        assert {part.role for part in piece.parts[1:]} == {"drums", "bass"}
        assert piece.downbeats == bare.downbeats
        assert all(n.onset < bare.beats[-1] for part in piece.parts for n in part.notes)


def test_an_arranger_s_bass_fits_the_harmony():
    chords = tuple(
        Note(float(3 * bar), 3.0, pitch, 80)
        for bar in range(16)
        for pitch in ((60, 64, 67) if bar % 2 == 0 else (67, 71, 74))
    )
    sketch = replace(song(3, 16), parts=(Part("chords", 0, False, chords),))
    piece = arrange(np.random.default_rng(1), sketch, STYLES["folk"])
    bass = next(part for part in piece.parts if part.role == "bass")
    roots = {n.onset: n.pitch % 12 for n in bass.notes if n.onset % 3 == 0}
    assert roots
    assert all(pitch == (0 if line % 6 == 0 else 7) for line, pitch in roots.items())


@given(
    signature=st.sampled_from(("6/8", "9/8", "12/8")),
    groups=st.sampled_from((2, 3, 4)),
    seed=st.integers(0, 10**6),
)
def test_compound_bars_are_made_of_whole_groups(signature, groups, seed):
    eighths = {"6/8": 6, "9/8": 9, "12/8": 12}[signature]
    meter = Meter((meter_of(signature),), signature, (3,) * (eighths // 3))
    written = replace(song(eighths), meter=meter)
    piece = regroup(np.random.default_rng(seed), written, groups)
    expected = {2: ((3,), "6/8", 6), 3: ((9,), "9/8", 9), 4: ((4,), "12/8", 4)}[groups]
    assert (piece.meter.meters, piece.meter.time_signature) == expected[:2]
    assert set(np.diff(piece.downbeats)) == {expected[2]}
    beat = 1 / 3 if groups == 4 else 1.0
    assert piece.pulse_bpm == pytest.approx(written.pulse_bpm * beat)
    heard = [note for note in piece.parts[0].notes if note.pitch < 80]
    assert len(heard) == round(piece.beats[-1] / beat)
    places = np.array([note.pitch - 60 for note in heard]).reshape(-1, 3)
    assert (places == places[:, :1] // 3 * 3 + np.arange(3)).all()
