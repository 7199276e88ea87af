"""The nearest of other times, and the greatest value near a time."""

import numpy as np

from beatmeter.features.near import NearTimes, distances, hits


def test_distances_are_to_the_nearest():
    rng = np.random.default_rng(1)
    times, others = (np.sort(rng.uniform(0, 10, n)) for n in (20, 7))
    every = np.abs(times[:, None] - others)
    np.testing.assert_allclose(distances(times, others), every.min(axis=1))
    np.testing.assert_array_equal(hits(times, others), every.min(axis=1) <= 0.07)
    assert np.isinf(distances(times, others[:0])).all()
    assert not hits(times, others[:0]).any()
    assert len(distances(times[:0], others)) == 0


def test_the_greatest_value_is_looked_for_within_reach():
    curve = np.full(200, -5.0)
    curve[[52, 103]] = (1.0, 2.0)
    near = NearTimes(curve, 50, 2)
    np.testing.assert_array_equal(near.at(np.array([1.0, 2.0, 9.0])), [1.0, -5.0, -5.0])
    assert near.mean(np.array([1.0, 2.0])) == -2.0
    assert near.mean(np.zeros(0)) == 0.0
