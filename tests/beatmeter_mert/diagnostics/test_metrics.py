"""Every figure against scikit-learn or scipy, and on cases worked by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import binomtest, entropy
from sklearn import metrics
from sklearn.calibration import calibration_curve

from beatmeter_mert.diagnostics import accuracy, confidence, ranking
from beatmeter_mert.diagnostics import coactivation as leakage
from beatmeter_mert.diagnostics import second_meter_threshold as noise_floor
from beatmeter_mert.diagnostics.comparison import mcnemar
from beatmeter_mert.diagnostics.reliability import expected_calibration_error, reliability

TENTHS = st.integers(0, 10).map(lambda tenths: tenths / 10)


@st.composite
def cases(draw):
    n = draw(st.integers(1, 30))
    probabilities = draw(arrays(np.float64, (n, 6), elements=TENTHS))
    labels = draw(arrays(np.bool_, (n, 6)))
    labels[np.arange(n), draw(arrays(np.int64, n, elements=st.integers(0, 5)))] = True
    return probabilities, labels


@given(cases())
def test_confusion_and_balanced_accuracy_agree_with_scikit_learn(case):
    probabilities, labels = case
    true = accuracy.true_class(probabilities, labels)
    top = accuracy.top_class(probabilities)
    np.testing.assert_array_equal(
        accuracy.confusion(probabilities, labels),
        metrics.confusion_matrix(true, top, labels=range(6)),
    )
    recalls = metrics.recall_score(true, top, labels=np.unique(true), average="macro")
    assert accuracy.balanced_accuracy(probabilities, labels) == pytest.approx(recalls)
    assert accuracy.primary_accuracy(probabilities, labels) == pytest.approx(
        metrics.accuracy_score(true, top)
    )


@given(cases())
def test_a_clip_is_right_when_its_top_class_is_one_of_its_labels(case):
    probabilities, labels = case
    right = [labels[row, np.argmax(p)] for row, p in enumerate(probabilities)]
    assert accuracy.primary_accuracy(probabilities, labels) == pytest.approx(np.mean(right))
    assert accuracy.strict_accuracy(probabilities, labels) <= accuracy.primary_accuracy(
        probabilities, labels
    )


def test_the_strict_figure_wants_every_label_on_top():
    labels = np.array([[1, 1, 0, 0, 0, 0]] * 2, bool)
    probabilities = np.array([[0.9, 0.8, 0, 0, 0, 0], [0.9, 0.1, 0.2, 0, 0, 0]])
    assert accuracy.primary_accuracy(probabilities, labels) == 1.0
    assert accuracy.strict_accuracy(probabilities, labels) == 0.5


@given(cases())
def test_average_precision_agrees_with_scikit_learn_ties_included(case):
    probabilities, labels = case
    ours = ranking.average_precisions(probabilities, labels)
    for column in range(6):
        if labels[:, column].any():
            theirs = metrics.average_precision_score(labels[:, column], probabilities[:, column])
            assert ours[column] == pytest.approx(theirs)
        else:
            assert np.isnan(ours[column])


@given(cases())
def test_f1_agrees_with_scikit_learn_over_the_classes_with_data(case):
    probabilities, labels = case
    present = np.flatnonzero(labels.any(axis=0))
    theirs = metrics.f1_score(
        labels, probabilities >= 0.5, average="macro", labels=present, zero_division=0
    )
    assert ranking.macro_f1(probabilities, labels) == pytest.approx(theirs)


def test_an_absent_class_does_not_pull_the_mean_down():
    labels = np.eye(6, dtype=bool)[[0, 1, 0, 1]]
    assert ranking.mean_average_precision(labels * 0.9, labels) == 1.0
    assert ranking.macro_f1(labels * 0.9, labels) == 1.0
    assert accuracy.balanced_accuracy(labels * 0.9, labels) == 1.0


@given(cases())
def test_every_figure_ignores_the_order_of_clips(case):
    probabilities, labels = case
    order = np.random.default_rng(0).permutation(len(labels))
    for figure in (
        accuracy.balanced_accuracy,
        accuracy.strict_accuracy,
        ranking.mean_average_precision,
        ranking.macro_f1,
        expected_calibration_error,
    ):
        assert figure(probabilities[order], labels[order]) == pytest.approx(
            figure(probabilities, labels)
        )


def test_cooccurrence_counts_pairs_over_the_threshold():
    probabilities = np.array(
        [[0.4, 0.9, 0, 0, 0, 0], [0.5, 0.5, 0.5, 0, 0, 0], [0.39, 0.9, 0, 0, 0, 0]]
    )
    counts = leakage.cooccurrence(probabilities)
    assert counts[0, 1] == counts[1, 0] == 2
    assert np.diag(counts).tolist() == [2, 3, 1, 0, 0, 0]
    pairs = [(pair.meters, pair.count) for pair in leakage.commonest_pairs(probabilities)]
    assert pairs == [((3, 4), 2), ((3, 5), 1), ((4, 5), 1)]


def test_correlation_agrees_with_numpy(predictions):
    np.testing.assert_allclose(
        leakage.correlations(predictions.probabilities),
        np.corrcoef(predictions.probabilities.T),
    )


def test_a_class_that_never_changes_correlates_with_nothing(predictions):
    probabilities = predictions.probabilities.copy()
    probabilities[:, 2] = 0.1
    matrix = leakage.correlations(probabilities)
    assert np.isnan(matrix[2]).all()
    assert np.isfinite(np.delete(np.delete(matrix, 2, 0), 2, 1)).all()


def test_a_leak_is_flagged_and_two_pairs_are_always_shown(predictions):
    probabilities = predictions.probabilities.copy()
    quiet = {pair.meters: pair.leaks for pair in leakage.shown_correlations(probabilities)}
    assert quiet == {(3, 4): False, (4, 5): False}
    probabilities[:, 5] = 0.8 * probabilities[:, 3]
    shown = leakage.shown_correlations(probabilities)
    assert shown[0].meters == (7, 11)
    assert shown[0].leaks
    assert shown[0].correlation == pytest.approx(1.0)
    assert {pair.meters for pair in shown[1:]} == {(3, 4), (4, 5)}


def test_gaps_and_bands():
    probabilities = np.zeros((4, 6))
    probabilities[:, 0] = 0.9
    probabilities[:, 3] = [0.8, 0.6, 0.5, 0.0]
    np.testing.assert_allclose(confidence.confidence_gaps(probabilities), [0.1, 0.3, 0.4, 0.9])
    np.testing.assert_allclose(confidence.gap_bands(probabilities, (0.2, 0.5)), [0.25, 0.5, 0.25])
    by_class = confidence.gap_by_predicted_class(probabilities)
    assert [summary.n for summary in by_class] == [4, 0, 0, 0, 0, 0]
    assert by_class[0].mean == pytest.approx(0.425)


def test_entropy_agrees_with_scipy():
    probabilities = np.random.default_rng(0).random((20, 6))
    probabilities[0] = [0, 1, 0.5, 0.5, 0, 1]
    theirs = entropy(np.stack([probabilities, 1 - probabilities]), base=2).mean(axis=1)
    np.testing.assert_allclose(confidence.binary_entropies(probabilities), theirs, atol=1e-9)


def test_quadrants_divide_at_the_medians():
    rows = [
        [0.99, 0.01, 0.01, 0.01, 0.01, 0.01],
        [0.95, 0.40, 0.40, 0.40, 0.40, 0.40],
        [0.50, 0.50, 0.50, 0.50, 0.50, 0.50],
        [0.99, 0.98, 0.01, 0.01, 0.01, 0.01],
    ]
    assert confidence.quadrants(np.array(rows)) == [
        confidence.Quadrant.CONFIDENT,
        confidence.Quadrant.HESITANT,
        confidence.Quadrant.LEAKAGE_RISK,
        confidence.Quadrant.POLYRHYTHM_CANDIDATE,
    ]


def test_the_noise_floor_passes_over_clips_with_two_labels(predictions):
    single = predictions.labels.sum(axis=1) == 1
    floor = noise_floor.noise_floor(predictions.probabilities, predictions.labels)
    second = np.sort(predictions.probabilities[single], axis=1)[:, -2]
    assert floor.overall.n == single.sum() < len(single)
    assert floor.overall.p95 == pytest.approx(np.quantile(second, 0.95))
    assert floor.overall.p99 == pytest.approx(np.quantile(second, 0.99))
    assert sum(part.n for part in floor.by_true) == floor.overall.n
    assert sum(part.n for part in floor.by_predicted) == floor.overall.n


@pytest.mark.parametrize(
    ("n", "given_percentiles"),
    [(0, 0), (9, 0), (10, 1), (19, 1), (20, 2), (99, 2), (100, 3)],
)
def test_no_percentile_from_too_few_clips(n, given_percentiles):
    probabilities = np.random.default_rng(0).random((n, 6))
    labels = np.eye(6, dtype=bool)[np.zeros(n, int)]
    floor = noise_floor.noise_floor(probabilities, labels).overall
    percentiles = [floor.p90, floor.p95, floor.p99]
    assert floor.n == n
    assert sum(value is not None for value in percentiles) == given_percentiles


def test_reliability_agrees_with_scikit_learn(predictions):
    probabilities, labels = predictions.probabilities, predictions.labels
    true, said = calibration_curve(labels.ravel(), probabilities.ravel(), n_bins=10)
    bins = reliability(probabilities, labels)
    np.testing.assert_allclose([bin_.share_true for bin_ in bins], true)
    np.testing.assert_allclose([bin_.mean_probability for bin_ in bins], said)
    assert sum(bin_.n for bin_ in bins) == labels.size


def test_calibration_error_of_the_truth_is_zero_and_of_its_opposite_one(predictions):
    labels = predictions.labels
    assert expected_calibration_error(labels.astype(float), labels) == 0.0
    assert expected_calibration_error((~labels).astype(float), labels) == 1.0


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_agrees_with_the_binomial_test(only_first, only_second):
    n = only_first + only_second
    theirs = binomtest(only_first, n, 0.5).pvalue if n else 1.0
    assert mcnemar(only_first, only_second) == pytest.approx(theirs)
