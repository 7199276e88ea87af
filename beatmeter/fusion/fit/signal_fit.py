"""Fitting the calibration of one signal, and what it says of clips that it has not seen."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from beatmeter._util.arrays import Floats
from beatmeter._util.memo import Memo, code_hash
from beatmeter.fusion.fit.calibrator import Example, fit_calibration
from beatmeter.fusion.fit.collection import ClipEvidence
from beatmeter.fusion.fit.folds import Folds
from beatmeter.fusion.pool import log_scores
from beatmeter.meters import METERS, MeterScores
from beatmeter.signals.calibration import Calibration

PENALTIES = (0.1, 0.03, 0.01, 3e-3, 1e-3, 3e-4)
"""From the strongest, which are tried as long as unseen clips become more likely."""


@dataclass(frozen=True)
class Fitted:
    """What a fit gives.

    Attributes
    ----------
    calibration : Calibration
        Fitted on all clips.
    said : dict of str to ndarray, shape (clips, 6)
        By folding, log distributions from calibrations that have not seen the clip's fold; zero
        where the signal could not speak.
    penalty : float
        The one that was chosen; infinite where the calibration stays as it was.
    """

    calibration: Calibration
    said: dict[str, Floats]
    penalty: float


@dataclass(frozen=True)
class SignalFit:
    """One signal's evidence, ready to be fitted.

    Attributes
    ----------
    examples : dict of int to Example
        By the number of the clip, ascending, where the signal could speak.
    weights : ndarray, shape (clips,)
        How much each clip counts.
    foldings : mapping of str to ndarray of int, shape (clips,)
        The penalty is chosen by the first.
    units : int >= 0
        Hidden units of the calibration.
    begin : Calibration or None
        The calibration to depart from.
    """

    examples: dict[int, Example]
    weights: Floats
    foldings: Mapping[str, Folds]
    units: int
    begin: Calibration | None

    @classmethod
    def of(
        cls,
        clips: Sequence[ClipEvidence],
        name: str,
        weights: Floats,
        foldings: Mapping[str, Folds],
        units: int,
        begin: Calibration | None = None,
    ) -> SignalFit:
        """Take what concerns the signal `name` from clips."""
        examples = {
            number: Example(evidence.astype(np.float32), pulses, clip.target)
            for number, clip in enumerate(clips)
            if name in clip.evidence
            for evidence, pulses in [clip.evidence[name]]
        }
        size = next(iter(examples.values())).evidence.shape[1]
        if begin is not None and (len(begin.mean), len(begin.hidden)) != (size, units):
            begin = None
        return cls(examples, weights, foldings, units, begin)

    def run_once(self, folder: Path) -> Fitted:
        """Run, or recall from `folder` what the same fit by the same code gave before."""
        found = Memo(folder).recall(self._key(), self._as_arrays)
        calibration = Calibration(**json.loads(str(found.pop("calibration"))))
        return Fitted(calibration, found, float(found.pop("penalty")))

    def _as_arrays(self) -> dict[str, npt.NDArray[Any]]:
        fitted = self.run()
        told = {"calibration": fitted.calibration.to_json(), "penalty": fitted.penalty}
        return fitted.said | {name: np.array(value) for name, value in told.items()}

    def _key(self) -> str:
        code = code_hash("fusion/pool.py", "fusion/fit", "signals/calibration.py")
        digest = hashlib.sha256(self.weights.tobytes())
        for name, folds in self.foldings.items():
            digest.update(name.encode() + folds.tobytes())
        digest.update(b"" if self.begin is None else self.begin.to_json().encode())
        for number, example in self.examples.items():
            for part in (example.evidence, example.pulses, example.target):
                digest.update(f"{number} {part.shape}".encode() + part.tobytes())
        return f"fit {code} {self.units} {digest.hexdigest()}"

    def run(self) -> Fitted:
        """Fit with the penalty under which unseen clips are most likely."""
        first, *others = self.foldings
        penalties = PENALTIES if self.begin is None else (math.inf, *PENALTIES)
        best, said = penalties[0], self._held_out(first, penalties[0])
        for penalty in penalties[1:]:
            trial = self._held_out(first, penalty)
            if self._likelihood(trial) <= self._likelihood(said):
                break
            best, said = penalty, trial
        told = {first: said} | {name: self._held_out(name, best) for name in others}
        return Fitted(self._fit(list(self.examples), best), told, best)

    def _fit(self, numbers: Sequence[int], penalty: float) -> Calibration:
        if self.begin is not None and math.isinf(penalty):
            return self.begin
        examples = [self.examples[number] for number in numbers]
        return fit_calibration(
            examples, penalty, self.units, self.weights[list(numbers)], self.begin
        )

    def _held_out(self, folding: str, penalty: float) -> Floats:
        folds = self.foldings[folding]
        said = np.zeros((len(folds), len(METERS)))
        for fold in np.unique(folds[list(self.examples)]):
            seen = [number for number in self.examples if folds[number] != fold]
            calibration = self._fit(seen, penalty)
            for number, example in self.examples.items():
                if folds[number] == fold:
                    evidence = example.evidence.astype(np.float64)
                    found = calibration.probabilities(evidence, example.pulses)
                    said[number] = log_scores(MeterScores.from_array(found))
        return said

    def _likelihood(self, said: Floats) -> float:
        return float(
            sum(
                self.weights[number] * (example.target @ said[number])
                for number, example in self.examples.items()
            )
        )
