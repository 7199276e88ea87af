"""Fitting the whole ensemble: calibrations, then weights on clips they have not seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from beatmeter._util.progress import say_nothing
from beatmeter._util.workers import in_workers
from beatmeter.errors import DatasetError
from beatmeter.fusion.fit.collection import ClipEvidence
from beatmeter.fusion.fit.folds import FOLDS, fold_by_work
from beatmeter.fusion.fit.pool import fit_pool
from beatmeter.fusion.fit.signal_fit import SignalFit
from beatmeter.meters import METERS
from beatmeter.signals.calibration import Calibration

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class EnsembleFit:
    """Fitted numbers, and how they do on clips whose works they have not seen.

    Attributes
    ----------
    calibrations : dict of str to Calibration
        Fitted on everything.
    weights : dict of str to float
    growth : float
        How much more all weights count when more is heard.
    held_out : ndarray, shape (clips, signals, 6)
        Log distributions of every signal, from calibrations fitted without the clip's work.
    pooled : ndarray, shape (clips, 6)
        Their pool; the weights of each fold were fitted without it, too.
    target : ndarray, shape (clips, 6)
    """

    calibrations: dict[str, Calibration]
    weights: dict[str, float]
    growth: float
    held_out: Floats
    pooled: Floats
    target: Floats


def fit_ensemble(
    clips: Sequence[ClipEvidence],
    cache_folder: Path,
    hidden_units: Mapping[str, int] | None = None,
    jobs: int = 1,
    on_progress: Callable[[int, int], None] = say_nothing,
) -> EnsembleFit:
    """Fit calibrations and weights with cross-validation by work.

    Weights are fitted on clips of one meter: the confidence is to say how often one meter is right.

    Parameters
    ----------
    clips : sequence of ClipEvidence
    cache_folder : Path
        Keeps what was fitted, so that an interrupted run goes on where it stopped.
    hidden_units : mapping of str to int, optional
        Of the calibration of each signal; 0 for signals not named.
    jobs : int >= 1
        Processes.
    on_progress : callable, optional
        Called with the signals fitted and those wanted, before the first and after each.

    Raises
    ------
    DatasetError
        If a meter has no clip, or there are fewer works than folds.
    """
    spoken = [clip for clip in clips if clip.evidence]
    target = np.array([clip.target for clip in spoken])
    folds = fold_by_work([clip.clip.work for clip in spoken])
    _check_coverage(target, folds)
    names = sorted({name for clip in spoken for name in clip.evidence})
    held_out = np.zeros((len(spoken), len(names), len(METERS)))
    calibrations = {}
    fits = (SignalFit.of(spoken, name, folds, (hidden_units or {}).get(name, 0)) for name in names)
    fit = partial(SignalFit.run_once, folder=cache_folder)
    on_progress(0, len(names))
    for column, fitted in enumerate(in_workers(fit, fits, jobs)):
        calibrations[names[column]], held_out[:, column] = fitted.calibration, fitted.said
        on_progress(column + 1, len(names))
    single = (target > 0).sum(axis=1) == 1
    seconds = np.array([clip.seconds for clip in spoken])
    pooled = np.empty_like(target)
    for fold in range(FOLDS):
        inside = folds == fold
        seen = ~inside & single
        pool = fit_pool(held_out[seen], seconds[seen], target[seen])
        pooled[inside] = pool.distribution(held_out[inside], seconds[inside])
    pool = fit_pool(held_out[single], seconds[single], target[single])
    weights = dict(zip(names, pool.weights.tolist(), strict=True))
    return EnsembleFit(calibrations, weights, pool.growth, held_out, pooled, target)


def _check_coverage(target: Floats, folds: npt.NDArray[np.int64]) -> None:
    for fold in range(FOLDS):
        missing = [
            m for m, n in zip(METERS, target[folds != fold].sum(axis=0), strict=True) if not n
        ]
        if missing or not (folds == fold).any():
            raise DatasetError(
                f"dataset: too few works with meter {missing[0] if missing else 'any'} "
                f"(needed: every meter in {FOLDS} folds by work)"
            )
