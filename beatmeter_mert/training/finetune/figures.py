"""What an epoch is judged by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from beatmeter.evaluation.metrics import (
    balanced_accuracy,
    primary_accuracy,
    recalls,
    top_class,
)
from beatmeter.meters import METERS
from beatmeter_mert.diagnostics.coactivation import ADVICE, LEAKAGE_CORRELATION, shown_correlations
from beatmeter_mert.diagnostics.confidence import binary_entropies, confidence_gaps
from beatmeter_mert.training.labels import TRUE_FROM

if TYPE_CHECKING:
    from transformers import EvalPrediction

COLLAPSED_SHARE = 0.9


def figures(prediction: EvalPrediction) -> dict[str, float]:
    """Judge logits and targets of shape (n, 6).

    Returns
    -------
    dict of str to float
        ``balanced_accuracy``, ``accuracy`` and ``recall_3`` to ``recall_11`` by the most probable
        meter; ``gap`` and ``entropy``, their medians; ``correlation_3_4`` and other pairs of
        meters shown; ``largest_share``, of clips for which one and the same meter wins.
    """
    probabilities = _sigmoid(np.asarray(prediction.predictions, np.float64))
    labels = np.asarray(prediction.label_ids) >= TRUE_FROM
    winners = np.bincount(top_class(probabilities), minlength=len(METERS))
    of_meter = zip(METERS, recalls(probabilities, labels), strict=True)
    correlations = {
        f"correlation_{a}_{b}": pair.correlation
        for pair in shown_correlations(probabilities)
        for a, b in [pair.meters]
    }
    everything = {
        "balanced_accuracy": balanced_accuracy(probabilities, labels),
        "accuracy": primary_accuracy(probabilities, labels),
        **{f"recall_{meter}": float(recall) for meter, recall in of_meter},
        "gap": float(np.median(confidence_gaps(probabilities))),
        "entropy": float(np.median(binary_entropies(probabilities))),
        "largest_share": float(winners.max() / winners.sum()),
        **correlations,
    }
    return {name: value for name, value in everything.items() if np.isfinite(value)}


def warnings_about(judged: dict[str, float]) -> list[str]:
    """Say in words what is wrong with the figures of an epoch, if anything."""
    said = []
    if judged["largest_share"] > COLLAPSED_SHARE:
        said.append(
            f"one meter wins for {judged['largest_share']:.0%} of the clips: the classes collapse."
        )
    leaking = [name for name, value in judged.items() if _leaks(name, value)]
    if leaking:
        pairs = ", ".join(name.removeprefix("correlation_").replace("_", "-") for name in leaking)
        said.append(f"LEAKAGE between {pairs}. {ADVICE}")
    return said


def _leaks(name: str, value: float) -> bool:
    return name.startswith("correlation_") and value > LEAKAGE_CORRELATION


def _sigmoid(logits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return 1 / (1 + np.exp(-np.clip(logits, -500, 500)))
