import numpy as np
import pytest

from beatmeter.signals.folding import LENGTHS, explained_variance, lag_similarity, sums_by_place


def test_the_right_length_explains_a_repeating_pattern():
    values = np.tile([[3.0], [0.0], [1.0], [0.0], [1.0]], (9, 1))
    shares = dict(zip(LENGTHS, explained_variance(values)[:, 0], strict=True))
    assert shares[5] == pytest.approx(1.0)
    assert shares[10] == pytest.approx(1.0)
    assert max(share for n, share in shares.items() if n % 5) < 0.2


def test_noise_is_explained_by_no_length_on_average():
    rng = np.random.default_rng(0)
    shares = [explained_variance(rng.normal(size=(40, 1)))[:, 0] for _ in range(300)]
    assert np.mean(shares, axis=0) == pytest.approx(0.0, abs=0.03)


def test_what_cannot_be_told_is_zero():
    assert not explained_variance(np.ones((30, 2))).any()
    short = explained_variance(np.arange(7.0)[:, None])[:, 0]
    assert [n for n, share in zip(LENGTHS, short, strict=True) if share] == [2, 3]
    for beats in (0, 1, 3):
        assert not explained_variance(np.arange(beats)[:, None].astype(float)).any()
    assert lag_similarity(np.ones((6, 2)), 3) == 0.0


def test_lag_similarity_is_the_mean_inner_product():
    rows = np.eye(3)[[0, 1, 2] * 4]
    assert lag_similarity(rows, 3) == pytest.approx(1.0)
    assert lag_similarity(rows, 2) == pytest.approx(0.0)


def test_beats_are_summed_at_their_places_in_bars_of_every_length():
    values = np.random.default_rng(0).normal(size=(17, 2))
    sums, counts = sums_by_place(values)
    places = [(length, place) for length in LENGTHS for place in range(length)]
    for row, (length, place) in enumerate(places):
        assert sums[row] == pytest.approx(values[place::length].sum(axis=0))
        assert counts[row] == len(values[place::length])
