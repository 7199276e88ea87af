"""The counts and what follows from them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beatmeter.fusion.agreement import Counts, count_each, is_right
from beatmeter.meters import METERS

answers = st.lists(st.tuples(*[st.sampled_from((0, *METERS))] * 3), min_size=1, max_size=40)


def counts_of(*numbers: int) -> Counts:
    return Counts.from_sums(np.array(numbers))


def test_the_matrix_is_counted_as_defined():
    ensemble = np.array([3, 3, 4, 5, 0, 7])
    candidate = np.array([3, 4, 3, 5, 0, 3])
    accepted = [(3,), (3,), (3,), (3,), (3,), (3, 7)]
    counts = Counts.from_sums(count_each(ensemble, candidate, accepted).sum(axis=0))
    assert (counts.both_right, counts.both_wrong) == (2, 2)
    assert (counts.losses, counts.gains, counts.same) == (1, 1, 2)


def test_the_case_that_failed_before():
    # 221 of 272 right against 184: both right 153, only one right 68 and 31, both wrong 20
    counts = counts_of(153, 20, 68, 31, 160)
    assert float(counts.ensemble_accuracy) == pytest.approx(0.8125)
    assert float(counts.candidate_accuracy) == pytest.approx(0.6765, abs=1e-4)
    assert float(counts.agreement) == pytest.approx(0.636, abs=1e-3)
    assert float(counts.complementarity) == pytest.approx(0.456, abs=1e-3)


@given(answers)
def test_statistics_agree_with_their_definitions(rows):
    ensemble, candidate, truth = (np.array(column) for column in zip(*rows, strict=True))
    accepted = [(meter,) for meter in truth.tolist()]
    first, second = is_right(ensemble, accepted), is_right(candidate, accepted)
    counts = Counts.from_sums(count_each(ensemble, candidate, accepted).sum(axis=0))
    assert counts.fixtures == len(rows)
    assert float(counts.agreement) == pytest.approx(np.mean(first == second))
    assert float(counts.ensemble_accuracy) == pytest.approx(first.mean())
    assert float(counts.candidate_accuracy) == pytest.approx(second.mean())
    assert float(counts.prediction_agreement) == pytest.approx(
        np.mean((ensemble == candidate) & (ensemble > 0))
    )
    if 0 < first.sum() < len(rows) and 0 < second.sum() < len(rows):
        phi = np.corrcoef(first, second)[0, 1]
        assert float(counts.error_correlation) == pytest.approx(phi)
    else:
        assert math.isnan(counts.error_correlation)


def test_no_losses_are_infinite_complementarity_and_nothing_at_all_is_undefined():
    assert float(counts_of(5, 5, 0, 1, 5).complementarity) == math.inf
    assert float(counts_of(5, 5, 1, 0, 5).complementarity) == 0.0
    assert math.isnan(counts_of(5, 5, 0, 0, 5).complementarity)


def test_resampled_counts_give_one_figure_each():
    sums = np.array([[6, 2, 1, 1, 5], [4, 4, 0, 2, 5]])
    assert Counts.from_sums(sums).agreement.tolist() == [0.8, 0.8]
    assert Counts.from_sums(sums).complementarity.tolist() == [1.0, math.inf]
