"""Fitting the calibration of one signal, and what it says of clips that it has not seen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from beatmeter._util.memo import Memo, code_hash
from beatmeter.fusion.fit.calibrator import Example, fit_calibration
from beatmeter.fusion.fit.collection import ClipEvidence
from beatmeter.fusion.pool import log_scores
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
    examples : dict of int to Example
        By the number of the clip, ascending, where the signal could speak.
    folds : ndarray of int, shape (clips,)
    units : int >= 0
        Hidden units of the calibration.
    """

    examples: dict[int, Example]
    folds: npt.NDArray[np.int64]
    units: int

    @classmethod
    def of(
        cls, clips: Sequence[ClipEvidence], name: str, folds: npt.NDArray[np.int64], units: int
    ) -> SignalFit:
        """Take what concerns the signal `name` from clips."""
        examples = {
            number: Example(*clip.evidence[name], clip.target)
            for number, clip in enumerate(clips)
            if name in clip.evidence
        }
        return cls(examples, folds, units)

    def run_once(self, folder: Path) -> Fitted:
        """Run, or recall from `folder` what the same fit by the same code gave before."""
        found = Memo(folder).recall(self._key(), self._as_arrays)
        calibration = Calibration(**json.loads(str(found["calibration"])))
        return Fitted(calibration, found["said"])

    def _as_arrays(self) -> dict[str, npt.NDArray[Any]]:
        fitted = self.run()
        return {"calibration": np.array(fitted.calibration.to_json()), "said": fitted.said}

    def _key(self) -> str:
        code = code_hash("fusion/pool.py", "fusion/fit", "signals/calibration.py")
        digest = hashlib.sha256(self.folds.tobytes())
        for number, example in self.examples.items():
            for part in (example.evidence, example.pulses, example.target):
                digest.update(f"{number} {part.shape}".encode() + part.tobytes())
        return f"fit {code} {self.units} {digest.hexdigest()}"

    def run(self) -> Fitted:
        """Fit with the penalty under which unseen clips are most likely."""
        trials = [(penalty, self._cross_validate(penalty)) for penalty in PENALTIES]
        penalty, said = max(trials, key=lambda trial: self._likelihood(trial[1]))
        return Fitted(fit_calibration([*self.examples.values()], penalty, self.units), said)

    def _cross_validate(self, penalty: float) -> Floats:
        said = np.zeros((len(self.folds), len(METERS)))
        for fold in np.unique(self.folds):
            seen = [e for number, e in self.examples.items() if self.folds[number] != fold]
            calibration = fit_calibration(seen, penalty, self.units)
            for number, example in self.examples.items():
                if self.folds[number] == fold:
                    found = calibration.probabilities(example.evidence, example.pulses)
                    said[number] = log_scores(MeterScores.from_array(found))
        return said

    def _likelihood(self, said: Floats) -> float:
        return float(sum(e.target @ said[number] for number, e in self.examples.items()))
