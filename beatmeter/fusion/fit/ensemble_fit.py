"""Fitting the whole ensemble: calibrations, then weights on clips they have not seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from beatmeter._util.progress import say_nothing
from beatmeter._util.workers import in_workers
from beatmeter.errors import DatasetError
from beatmeter.fusion.fit.collection import ClipEvidence
from beatmeter.fusion.fit.folds import FOLDS, Folds, fold_by_family, fold_by_work
from beatmeter.fusion.fit.pool import Pool, fit_pool
from beatmeter.fusion.fit.signal_fit import SignalFit
from beatmeter.fusion.pool import log_scores
from beatmeter.fusion.prior import UNIFORM
from beatmeter.meters import METERS, MeterScores
from beatmeter.signals.calibration import Calibration

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class FitPlan:
    """What is fitted, and how it is judged.

    Attributes
    ----------
    hidden_units : dict of str to int
        Of the calibration of each signal; 0 for signals not named.
    kept : dict of str to Calibration
        Calibrations that stay as they are.
    by_family : bool
        Leave out families of music, one at a time, and not works.
    priors : tuple of mapping of meter to float
        Of several, the one under which clips left out are most likely, families weighing the same.
    """

    hidden_units: Mapping[str, int] = field(default_factory=dict)
    kept: Mapping[str, Calibration] = field(default_factory=dict)
    by_family: bool = False
    priors: tuple[Mapping[int, float], ...] = (UNIFORM,)

    def folds(self, clips: Sequence[ClipEvidence]) -> Folds:
        """Fold of each clip."""
        if self.by_family:
            return fold_by_family([clip.clip.family for clip in clips])
        return fold_by_work([clip.clip.work for clip in clips])


@dataclass(frozen=True)
class EnsembleFit:
    """Fitted numbers, and how they do on clips whose works, or families, they have not seen.

    Attributes
    ----------
    clips : list of ClipEvidence
        Those in which a signal could speak.
    calibrations : dict of str to Calibration
        Fitted on everything; without those that were kept.
    weights : dict of str to float
    growth : float
        How much more all weights count when more is heard.
    prior : dict of int to float
    priors : tuple of mapping of meter to float
        Those that were tried.
    losses : tuple of float
        Mean over families of the log loss of clips left out, under each of `priors`.
    held_out : ndarray, shape (clips, signals, 6)
        Log distributions of every signal, from calibrations fitted without the clip's fold.
    pooled : ndarray, shape (clips, 6)
        Their pool; the weights of each fold were fitted without it, too.
    target : ndarray, shape (clips, 6)
    """

    clips: list[ClipEvidence]
    calibrations: dict[str, Calibration]
    weights: dict[str, float]
    growth: float
    prior: dict[int, float]
    priors: tuple[Mapping[int, float], ...]
    losses: tuple[float, ...]
    held_out: Floats
    pooled: Floats
    target: Floats


def fit_ensemble(
    clips: Sequence[ClipEvidence],
    cache_folder: Path,
    plan: FitPlan | None = None,
    jobs: int = 1,
    on_progress: Callable[[int, int], None] = say_nothing,
) -> EnsembleFit:
    """Fit calibrations and weights with cross-validation.

    Weights are fitted on clips of one meter, and on those that have no bar, which are labelled with
    all: the confidence is to say how often one meter is right.

    Parameters
    ----------
    clips : sequence of ClipEvidence
    cache_folder : Path
        Keeps what was fitted, so that an interrupted run goes on where it stopped.
    plan : FitPlan, optional
    jobs : int >= 1
        Processes.
    on_progress : callable, optional
        Called with the signals fitted and those wanted, before the first and after each.

    Raises
    ------
    DatasetError
        If a meter has no clip, or there are fewer works than folds.
    """
    plan = plan or FitPlan()
    spoken = [clip for clip in clips if clip.evidence]
    target = np.array([clip.target for clip in spoken])
    folds = plan.folds(spoken)
    _check_coverage(target, folds)
    names = sorted({name for clip in spoken for name in clip.evidence})
    held_out = np.zeros((len(spoken), len(names), len(METERS)))
    wanted = [name for name in names if name not in plan.kept]
    calibrations = {}
    fits = (SignalFit.of(spoken, name, folds, plan.hidden_units.get(name, 0)) for name in wanted)
    fit = partial(SignalFit.run_once, folder=cache_folder)
    on_progress(0, len(wanted))
    for done, fitted in enumerate(in_workers(fit, fits, jobs)):
        name = wanted[done]
        calibrations[name], held_out[:, names.index(name)] = fitted.calibration, fitted.said
        on_progress(done + 1, len(wanted))
    for name, calibration in plan.kept.items():
        if name in names:
            held_out[:, names.index(name)] = told(calibration, spoken, name)
    data = _PoolData(held_out, np.array([clip.seconds for clip in spoken]), target, folds)
    families = np.array([clip.clip.family for clip in spoken])
    trials = [data.cross_validate(_as_array(prior)) for prior in plan.priors]
    losses = tuple(_loss_by_family(pooled, target, families) for pooled in trials)
    best = int(np.argmin(losses))
    pool = data.fit(data.votes, _as_array(plan.priors[best]))
    return EnsembleFit(
        clips=spoken,
        calibrations=calibrations,
        weights=dict(zip(names, pool.weights.tolist(), strict=True)),
        growth=pool.growth,
        prior=dict(plan.priors[best]),
        priors=plan.priors,
        losses=losses,
        held_out=held_out,
        pooled=trials[best],
        target=target,
    )


def told(calibration: Calibration, clips: Sequence[ClipEvidence], name: str) -> Floats:
    """Log distributions that a calibration gives to clips: (clips, 6), 0 where it is silent."""
    said = np.zeros((len(clips), len(METERS)))
    for row, clip in enumerate(clips):
        if name in clip.evidence:
            found = calibration.probabilities(*clip.evidence[name])
            said[row] = log_scores(MeterScores.from_array(found))
    return said


@dataclass(frozen=True)
class _PoolData:
    held_out: Floats
    seconds: Floats
    target: Floats
    folds: Folds

    @property
    def votes(self) -> npt.NDArray[np.bool_]:
        """The clips on which weights are fitted."""
        meters = (self.target > 0).sum(axis=1)
        return np.asarray((meters == 1) | (meters == len(METERS)))

    def fit(self, rows: npt.NDArray[np.bool_], prior: Floats) -> Pool:
        return fit_pool(self.held_out[rows], self.seconds[rows], self.target[rows], prior=prior)

    def cross_validate(self, prior: Floats) -> Floats:
        pooled = np.empty_like(self.target)
        for fold in np.unique(self.folds):
            inside = self.folds == fold
            pool = self.fit(~inside & self.votes, prior)
            pooled[inside] = pool.distribution(self.held_out[inside], self.seconds[inside])
        return pooled


def _as_array(prior: Mapping[int, float]) -> Floats:
    return np.array([prior[meter] for meter in METERS])


def _loss_by_family(pooled: Floats, target: Floats, families: npt.NDArray[np.str_]) -> float:
    """Mean over families of the log loss of clips of one meter."""
    single = (target > 0).sum(axis=1) == 1
    losses = -np.log(np.maximum((pooled * target).sum(axis=1), 1e-12))
    heard = [losses[single & (families == name)] for name in np.unique(families)]
    return float(np.mean([losses.mean() for losses in heard if len(losses)]))


def _check_coverage(target: Floats, folds: Folds) -> None:
    for fold in range(max(FOLDS, int(folds.max(initial=0)) + 1)):
        missing = [
            m for m, n in zip(METERS, target[folds != fold].sum(axis=0), strict=True) if not n
        ]
        if missing or not (folds == fold).any():
            raise DatasetError(
                f"dataset: too few works with meter {missing[0] if missing else 'any'} "
                f"(needed: {FOLDS} folds or more, every meter outside of each, by work)"
            )
