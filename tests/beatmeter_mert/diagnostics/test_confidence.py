import numpy as np
import pytest

from beatmeter_mert.diagnostics import confidence


def test_gaps_and_bands():
    probabilities = np.zeros((4, 6))
    probabilities[:, 0] = 0.9
    probabilities[:, 3] = [0.8, 0.6, 0.5, 0.0]
    np.testing.assert_allclose(confidence.confidence_gaps(probabilities), [0.1, 0.3, 0.4, 0.9])
    np.testing.assert_allclose(confidence.gap_bands(probabilities), [0.25, 0.5, 0.25])
    by_class = confidence.gap_by_predicted_class(probabilities)
    assert [summary.n for summary in by_class] == [4, 0, 0, 0, 0, 0]
    assert by_class[0].mean == pytest.approx(0.425)


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
