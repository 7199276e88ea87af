import numpy as np
import pytest
from scipy.optimize import check_grad

from beatmeter.fusion.fit.calibrator import (
    Example,
    _Batch,
    fit_calibration,
    n_parameters,
)
from beatmeter.fusion.fit.importance import balanced_weights, family_weights
from beatmeter.meters import METERS


def examples(count, seed, noise=0.6):
    """Evidence that speaks of the meter on one pulse in three, and is noise on the others."""
    rng = np.random.default_rng(seed)
    found = []
    for i in range(count):
        label = i % len(METERS)
        evidence = rng.normal(0, noise, (3, 8))
        right = rng.integers(3)
        evidence[right, label] += 3.0
        context = rng.normal(0, 0.2, (3, 3))
        context[right, 0] += 1.0
        found.append(Example(evidence, context, np.eye(len(METERS))[label]))
    return found


def accuracy(calibration, items):
    right = [
        calibration.probabilities(item.evidence, item.pulses).argmax() == item.target.argmax()
        for item in items
    ]
    return np.mean(right)


def test_a_fit_generalises_and_beats_a_fit_to_shuffled_labels():
    train, test = examples(300, 0), examples(150, 1)
    assert accuracy(fit_calibration(train, 1e-3), test) > 0.9
    rng = np.random.default_rng(2)
    targets = rng.permutation([item.target for item in train])
    shuffled = [Example(i.evidence, i.pulses, t) for i, t in zip(train, targets, strict=True)]
    assert accuracy(fit_calibration(shuffled, 1e-3), test) < 0.4


def opposites(count, seed):
    """One meter where two pieces of evidence agree in sign, another where they do not."""
    rng = np.random.default_rng(seed)
    found = []
    for i in range(count):
        label = i % len(METERS)
        evidence = rng.normal(0, 0.2, (1, len(METERS)))
        first, second = 2 * (label // 2), 2 * (label // 2) + 1
        sign = rng.choice([-1.0, 1.0])
        evidence[0, first] += sign
        evidence[0, second] += sign if label % 2 else -sign
        found.append(Example(evidence, np.zeros((1, 3)), np.eye(len(METERS))[label]))
    return found


def test_hidden_units_learn_what_pieces_of_evidence_say_only_together():
    train, test = opposites(300, 0), opposites(150, 1)
    assert accuracy(fit_calibration(train, 1e-3), test) < 0.7
    assert accuracy(fit_calibration(train, 1e-3, units=16), test) > 0.9


def test_the_same_fit_twice_is_the_same():
    train = examples(30, 8)
    assert fit_calibration(train, 1e-2, units=4) == fit_calibration(train, 1e-2, units=4)


@pytest.mark.parametrize("units", [0, 5])
def test_the_gradient_is_that_of_the_loss(units):
    train = examples(24, 3)
    rows = np.concatenate([item.evidence for item in train])
    batch = _Batch.of(train, rows.mean(axis=0), rows.std(axis=0))
    point = np.random.default_rng(4).normal(0, 0.3, n_parameters(8, units))
    error = check_grad(
        lambda x: batch.loss(x, 0.01, units)[0], lambda x: batch.loss(x, 0.01, units)[1], point
    )
    assert error < 1e-5


def test_pulses_may_come_in_any_order():
    item = examples(1, 5)[0]
    calibration = fit_calibration(examples(60, 6), 1e-2)
    order = [2, 0, 1]
    np.testing.assert_allclose(
        calibration.probabilities(item.evidence, item.pulses),
        calibration.probabilities(item.evidence[order], item.pulses[order]),
    )


def test_strong_shrinkage_knows_nothing():
    calibration = fit_calibration(examples(60, 7), 1e6)
    item = examples(1, 8)[0]
    np.testing.assert_allclose(
        calibration.probabilities(item.evidence, item.pulses), 1 / len(METERS), atol=0.01
    )


def test_every_meter_weighs_the_same():
    target = np.eye(6)[[0, 0, 0, 1, 2, 3, 4, 5]]
    weights = balanced_weights(target)
    assert weights.sum() == pytest.approx(1.0)
    assert weights[:3].sum() == pytest.approx(weights[3])


def test_families_weigh_the_same_and_in_them_the_meters():
    target = np.eye(6)[[0] * 60 + [1] * 30 + [2] * 20 + [3] * 2]
    families = ["songs"] * 90 + ["dances"] * 22
    weights = family_weights(families, target)
    assert weights.sum() == pytest.approx(1.0)
    assert weights[:60].sum() == pytest.approx(weights[60:90].sum()) == pytest.approx(0.25)
    assert weights[-2:].sum() < 0.2 * weights[90:-2].sum(), "two clips are not a meter's all"


def test_how_common_a_meter_was_is_not_learned():
    many = [example for example in examples(600, 9) if example.target[0]] * 5 + examples(300, 10)
    alike = np.full(len(many), 1.0)
    calibration = fit_calibration(many, 1e-3, weights=alike)
    nothing = calibration.probabilities(np.zeros((3, 8)), np.zeros((3, 3)))
    assert nothing[0] < 0.3


def test_a_fit_departs_from_what_it_began_with_as_far_as_allowed():
    known, other = fit_calibration(examples(120, 11), 1e-3), examples(60, 12)
    near = fit_calibration(other, 1e6, begin=known)
    np.testing.assert_allclose(near.matrix, known.matrix, atol=1e-3)
    far = fit_calibration(other, 1e-4, begin=known)
    assert np.abs(np.array(far.matrix) - known.matrix).max() > 0.05
    assert far.mean == known.mean
