"""The text that ``beatmeter calibrate`` prints."""

from __future__ import annotations

import numpy as np

from beatmeter.fusion.fit.ensemble_fit import EnsembleFit
from beatmeter.fusion.fit.measures import (
    balanced_accuracy,
    calibration_error,
    log_loss,
    recall_by_meter,
    reliability,
)
from beatmeter.fusion.pool import REFERENCE_S
from beatmeter.meters import METERS


def render(fit: EnsembleFit) -> str:
    """Accuracy by signal and of the pool, and the pool's reliability, on unseen works."""
    header = "".join(f"{meter:>7}" for meter in METERS)
    lines = [f"{len(fit.target)} clips, every figure on works that the fit has not seen", ""]
    lines.append(f"{'signal':24}{'weight':>8}{'balanced':>10}{'log loss':>10}{header}")
    rows = [
        (name, f"{weight:.3f}", np.exp(fit.held_out[:, column]))
        for column, (name, weight) in enumerate(sorted(fit.weights.items()))
    ]
    for name, weight, predicted in [*rows, ("ensemble", "", fit.pooled)]:
        recalls = "".join(f"{recall:7.2f}" for recall in recall_by_meter(predicted, fit.target))
        balanced = balanced_accuracy(predicted, fit.target)
        loss = log_loss(predicted, fit.target)
        lines.append(f"{name:24}{weight:>8}{balanced:10.3f}{loss:10.3f}{recalls}")
    lines += ["", f"all weights times (seconds heard / {REFERENCE_S:g}) ** {fit.growth:.3f}"]
    table = reliability(fit.pooled, fit.target)
    lines += ["", f"reliability (expected calibration error {calibration_error(table):.3f})"]
    lines.append(f"{'confidence':>12}{'clips':>8}{'mean':>8}{'right':>8}")
    for row in table:
        band = f"{row.low:.1f}-{row.high:.1f}"
        lines.append(f"{band:>12}{row.count:8d}{row.confidence:8.2f}{row.accuracy:8.2f}")
    return "\n".join(lines)
