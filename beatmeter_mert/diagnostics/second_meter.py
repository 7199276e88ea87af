"""How often a second meter is found where there is one, and invented where there is none."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from beatmeter_mert.diagnostics.accuracy import strict_accuracy
from beatmeter_mert.diagnostics.predictions import Booleans, Floats
from beatmeter_mert.model.thresholds import (
    UNCALIBRATED,
    SecondMeterThresholds,
    Thresholds,
    polyrhythm,
)


@dataclass(frozen=True)
class SecondMeter:
    """Decisions about a second meter, by the floors of a checkpoint.

    Attributes
    ----------
    several, single : int
        Clips with several labels, and with one.
    on_top : float in [0, 1]
        Share of the clips with several labels whose labels are the most probable meters.
    decided : dict of str to (float, float)
        By level, ``evaluation`` and ``production``: the share of the clips with several labels,
        and of those with one, in which a second meter counts as heard. NaN where no clip's meter
        has a floor.
    """

    several: int
    single: int
    on_top: float
    decided: dict[str, tuple[float, float]]


def second_meter(
    probabilities: Floats, labels: Booleans, floors: SecondMeterThresholds
) -> SecondMeter:
    """Count decisions about a second meter.

    Parameters
    ----------
    probabilities : ndarray of float, shape (n, 6)
    labels : ndarray of bool, shape (n, 6)
    floors : SecondMeterThresholds
    """
    several = labels.sum(axis=1) > 1
    return SecondMeter(
        several=int(several.sum()),
        single=int((~several).sum()),
        on_top=(
            strict_accuracy(probabilities[several], labels[several]) if several.any() else np.nan
        ),
        decided={
            level: (
                _share_heard(probabilities[several], of_level),
                _share_heard(probabilities[~several], of_level),
            )
            for level, of_level in asdict(floors).items()
            if of_level != UNCALIBRATED
        },
    )


def _share_heard(probabilities: Floats, floors: Thresholds) -> float:
    decisions = [polyrhythm(row, floors) for row in probabilities]
    heard = [decision.found for decision in decisions if decision is not None]
    return float(np.mean(heard)) if heard else float("nan")
