import numpy as np
import pytest

from beatmeter_mert.diagnostics import coactivation


def test_cooccurrence_counts_pairs_over_the_threshold():
    probabilities = np.array(
        [[0.4, 0.9, 0, 0, 0, 0], [0.5, 0.5, 0.5, 0, 0, 0], [0.39, 0.9, 0, 0, 0, 0]]
    )
    counts = coactivation.cooccurrence(probabilities)
    assert counts[0, 1] == counts[1, 0] == 2
    assert np.diag(counts).tolist() == [2, 3, 1, 0, 0, 0]
    pairs = [(pair.meters, pair.count) for pair in coactivation.commonest_pairs(probabilities)]
    assert pairs == [((3, 4), 2), ((3, 5), 1), ((4, 5), 1)]


def test_correlation_agrees_with_numpy(predictions):
    np.testing.assert_allclose(
        coactivation.correlations(predictions.probabilities),
        np.corrcoef(predictions.probabilities.T),
    )


def test_a_class_that_never_changes_correlates_with_nothing(predictions):
    probabilities = predictions.probabilities.copy()
    probabilities[:, 2] = 0.1
    matrix = coactivation.correlations(probabilities)
    assert np.isnan(matrix[2]).all()
    assert np.isfinite(np.delete(np.delete(matrix, 2, 0), 2, 1)).all()


def test_a_leak_is_flagged_and_two_pairs_are_always_shown(predictions):
    probabilities = predictions.probabilities.copy()
    quiet = {pair.meters: pair.leaks for pair in coactivation.shown_correlations(probabilities)}
    assert quiet == {(3, 4): False, (4, 5): False}
    probabilities[:, 5] = 0.8 * probabilities[:, 3]
    shown = coactivation.shown_correlations(probabilities)
    assert shown[0].meters == (7, 11)
    assert shown[0].leaks
    assert shown[0].correlation == pytest.approx(1.0)
    assert {pair.meters for pair in shown[1:]} == {(3, 4), (4, 5)}
