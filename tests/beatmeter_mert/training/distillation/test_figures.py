import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from beatmeter_mert.training.distillation.figures import (
    TOLERANCE_S,
    Matches,
    count_matches,
    pick_events,
)


@pytest.mark.parametrize("seed", range(20))
def test_matching_is_the_largest_possible(seed):
    rng = np.random.default_rng(seed)
    said, there = (np.sort(rng.uniform(0, 2, rng.integers(0, 15))) for _ in range(2))
    possible = np.abs(said[:, None] - there[None]) <= TOLERANCE_S
    rows, columns = linear_sum_assignment(possible, maximize=True)
    assert count_matches(said, there) == possible[rows, columns].sum()


def test_f_measure_of_known_counts():
    matches = Matches()
    matches.add(np.array([0.0, 1.0, 2.0]), np.array([0.05, 2.0, 3.0, 4.0, 5.0]))
    assert matches.f_measure == pytest.approx(2 * (2 / 3) * (2 / 5) / (2 / 3 + 2 / 5))
    assert Matches().f_measure == 0.0


def test_events_are_positive_peaks():
    logits = np.array([2, 1, -1, 3, 3, 1, -2, -1, -2, 0.5], np.float32)
    assert pick_events(logits, np.arange(10.0)).tolist() == [0.0, 3.0, 9.0]
