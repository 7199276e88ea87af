"""Fitting the calibration of one signal, and what it says of clips that it has not seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from beatmeter.ensemble import log_scores
from beatmeter.fitting.collection import ClipEvidence
from beatmeter.fitting.folds import FOLDS
from beatmeter.fitting.hypotheses import Example, fit_calibration
from beatmeter.meters import METERS, MeterScores
from beatmeter.signals.calibration import Calibration

Floats = npt.NDArray[np.float64]

PENALTIES = (3e-4, 1e-3, 4e-3)


@dataclass(frozen=True)
class Fitted:
    """What a fit gives.

    Attributes
    ----------
    calibration : Calibration
        Fitted on all clips.
    said : ndarray, shape (clips, 6)
        Log distributions from calibrations that have not seen the clip's work; zero where the
        signal could not speak.
    """

    calibration: Calibration
    said: Floats


@dataclass(frozen=True)
class SignalFit:
    """One signal's evidence, ready to be fitted.

    Attributes
    ----------
    examples : tuple of (Example or None)
        By clip; None where the signal could not speak.
    folds : ndarray of int, shape (clips,)
    units : int >= 0
        Hidden units of the calibration.
    """

    examples: tuple[Example | None, ...]
    folds: npt.NDArray[np.int64]
    units: int

    @classmethod
    def of(
        cls, clips: Sequence[ClipEvidence], name: str, folds: npt.NDArray[np.int64], units: int
    ) -> SignalFit:
        """Take what concerns the signal `name` from clips."""
        heard = (
            Example(*clip.evidence[name], clip.target) if name in clip.evidence else None
            for clip in clips
        )
        return cls(tuple(heard), folds, units)

    def run(self) -> Fitted:
        """Fit with the penalty under which unseen clips are most likely."""
        trials = [(penalty, self._cross_validate(penalty)) for penalty in PENALTIES]
        penalty, said = max(trials, key=lambda trial: self._likelihood(trial[1]))
        return Fitted(self._fit(np.full(len(self.folds), True), penalty), said)

    def _cross_validate(self, penalty: float) -> Floats:
        said = np.zeros((len(self.folds), len(METERS)))
        for fold in range(FOLDS):
            calibration = self._fit(self.folds != fold, penalty)
            for row, example in self._spoken(self.folds == fold):
                found = calibration.probabilities(example.evidence, example.pulses)
                said[row] = log_scores(MeterScores.from_array(found))
        return said

    def _fit(self, seen: npt.NDArray[np.bool_], penalty: float) -> Calibration:
        return fit_calibration([e for _, e in self._spoken(seen)], penalty, self.units)

    def _likelihood(self, said: Floats) -> float:
        everyone = self._spoken(np.full(len(self.folds), True))
        return float(sum(example.target @ said[row] for row, example in everyone))

    def _spoken(self, wanted: npt.NDArray[np.bool_]) -> Iterator[tuple[int, Example]]:
        for row in np.flatnonzero(wanted).tolist():
            example = self.examples[row]
            if example is not None:
                yield row, example
