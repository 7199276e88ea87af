import math

import numpy as np
import pytest

from beatmeter_mert.diagnostics.second_meter import second_meter
from beatmeter_mert.model.thresholds import SecondMeterThresholds

PROBABILITIES = np.array(
    [
        [0.9, 0.6, 0.1, 0.1, 0.1, 0.1],
        [0.9, 0.2, 0.4, 0.1, 0.1, 0.1],
        [0.9, 0.6, 0.1, 0.1, 0.1, 0.1],
        [0.2, 0.9, 0.1, 0.1, 0.1, 0.1],
        [0.1, 0.1, 0.9, 0.6, 0.1, 0.1],
    ]
)
LABELS = np.array(
    [
        [1, 1, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0],
        [1, 0, 0, 0, 0, 0],
        [0, 1, 0, 0, 0, 0],
        [0, 0, 1, 0, 0, 0],
    ],
    bool,
)


def test_found_and_invented_are_counted_apart():
    floors = SecondMeterThresholds((0.3, 0.3, *[None] * 4), (0.5, 0.5, *[None] * 4))
    second = second_meter(PROBABILITIES, LABELS, floors)
    assert (second.several, second.single) == (2, 3)
    assert second.on_top == 0.5
    assert second.decided == {"evaluation": (1.0, 0.5), "production": (0.5, 0.5)}


def test_without_floors_nothing_is_decided():
    assert second_meter(PROBABILITIES, LABELS, SecondMeterThresholds()).decided == {}


@pytest.mark.parametrize("rows", [slice(0, 2), slice(2, 5)])
def test_what_is_not_there_is_no_number(rows):
    floors = SecondMeterThresholds((0.3,) * 6, (0.5,) * 6)
    second = second_meter(PROBABILITIES[rows], LABELS[rows], floors)
    assert math.isnan(second.on_top) == (second.several == 0)
    shares = second.decided["production"]
    assert [math.isnan(share) for share in shares] == [second.several == 0, second.single == 0]
