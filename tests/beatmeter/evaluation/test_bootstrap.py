"""Intervals over works."""

from __future__ import annotations

import math

import numpy as np
import pytest

from beatmeter.evaluation.bootstrap import (
    interval,
    mean_interval,
    resampled_rows,
    resampled_sums,
    sums_by_work,
)


def test_rows_of_a_work_are_summed():
    each = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 1.0]])
    assert sums_by_work(each, ["b", "a", "b"]).tolist() == [[1.0, 1.0], [2.0, 1.0]]


def test_resamplings_are_of_whole_works_and_the_same_every_time():
    each = np.ones((6, 1))
    sums = resampled_sums(each, ["a", "a", "a", "b", "b", "b"])
    assert np.all(sums == 6)
    uneven = resampled_sums(each, ["a", "b", "b", "b", "b", "b"])
    assert set(uneven.ravel()) == {2.0, 6.0, 10.0}
    assert np.array_equal(uneven, resampled_sums(each, ["a", "b", "b", "b", "b", "b"]))


def test_an_interval_over_fixtures_is_the_binomial_one():
    right = (np.arange(400) % 4 > 0).astype(float)[:, None]
    means = resampled_sums(right, [str(row) for row in range(400)])[:, 0] / 400
    found = interval(right.mean(), means)
    half = 1.96 * math.sqrt(0.75 * 0.25 / 400)
    assert found.value == 0.75
    assert found.low == pytest.approx(0.75 - half, abs=0.006)
    assert found.high == pytest.approx(0.75 + half, abs=0.006)


def test_alike_fixtures_of_a_work_widen_the_interval():
    right = (np.arange(400) % 40 < 30).astype(float)[:, None]
    alone = resampled_sums(right, [str(row) for row in range(400)])[:, 0]
    in_works = resampled_sums(right, [str(row // 10) for row in range(400)])[:, 0]
    assert in_works.std() > 2 * alone.std()


def test_undefined_resamplings_are_left_out_and_infinite_ones_are_the_largest():
    values = np.array([math.nan, 1.0, 2.0, 3.0, math.inf])
    found = interval(np.array(2.0), values)
    assert (found.low, found.high) == (1.0, math.inf)
    nothing = interval(np.array(math.nan), np.array([math.nan]))
    assert all(math.isnan(number) for number in (nothing.value, nothing.low, nothing.high))


def test_rows_and_sums_are_of_the_same_draws():
    values = np.random.default_rng(0).random(40)
    works = [str(row // 3) for row in range(40)]
    means = [values[rows].mean() for rows in resampled_rows(works)]
    one, other = interval(values.mean(), means), mean_interval(values, works)
    assert one.value == other.value
    assert (one.low, one.high) == pytest.approx((other.low, other.high))


def test_repeating_every_clip_of_a_work_does_not_narrow_the_interval():
    right = np.random.default_rng(0).random(40) < 0.7
    works = [str(row) for row in range(40)]
    once = mean_interval(right, works)
    tenfold = mean_interval(right.repeat(10), [work for work in works for _ in range(10)])
    assert once == tenfold
    assert once.low < once.value < once.high
