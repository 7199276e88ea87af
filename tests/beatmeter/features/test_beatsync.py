import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from beatmeter.features import beatsync


def means_of(values, edges):
    return beatsync.means_between(beatsync.cumulated(values), edges)


def test_means_between_edges_are_means_of_rows():
    values = np.arange(20, dtype=np.float32).reshape(10, 2)
    found = means_of(values, np.array([0.0, 4.0, 10.0]))
    np.testing.assert_allclose(found, [values[:4].mean(0), values[4:].mean(0)], rtol=1e-6)


@given(st.lists(st.floats(0, 10), min_size=3, max_size=6, unique=True))
def test_means_between_fractional_edges_keep_the_total(edges):
    edges = np.sort(edges)
    if np.diff(edges).min() < 1e-3:
        return
    values = np.random.default_rng(0).random((10, 1)).astype(np.float32)
    means = means_of(values, edges)[:, 0]
    whole = means_of(values, edges[[0, -1]])[0, 0]
    np.testing.assert_allclose(means @ np.diff(edges), whole * (edges[-1] - edges[0]), rtol=1e-3)


def test_subdividing_keeps_every_beat():
    beats = np.array([0.0, 1.0, 2.5, 3.0])
    cells = beatsync.subdivide(beats, 4)
    assert len(cells) == 13
    np.testing.assert_allclose(cells[::4], beats)


def test_harmonic_change_is_one_between_strangers_and_zero_between_equals():
    chroma = np.eye(12, dtype=np.float32)[[0, 0, 4, 4]]
    np.testing.assert_allclose(beatsync.harmonic_change(chroma), [0, 0, 1, 0], atol=1e-6)


def test_constant_columns_become_zero_when_standardised():
    values = np.stack([np.arange(5.0), np.full(5, 3.0)], axis=1)
    found = beatsync.standardise(values)
    np.testing.assert_allclose(found[:, 1], 0.0)
    np.testing.assert_allclose(found[:, 0].std(), 1.0)
