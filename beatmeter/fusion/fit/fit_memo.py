"""Fits that an interrupted calibration need not repeat."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np

from beatmeter._util.atomic import replacing
from beatmeter._util.hashing import files_below, hash_files
from beatmeter.fusion.fit.signal_fit import Fitted, SignalFit
from beatmeter.signals.calibration import Calibration

_SOURCES = ("fusion/pool.py", "fusion/fit", "signals/calibration.py")


def fit_once(fit: SignalFit, folder: Path) -> Fitted:
    """Run a fit, or recall what it gave before, from `folder`.

    A fit is known by its evidence, labels, folds and hidden units, and by the code that fits.
    """
    kept = folder / f"fit-{_key(fit)}.npz"
    if not kept.is_file():
        fitted = fit.run()
        with replacing(kept) as partial, partial.open("wb") as file:
            np.savez(file, calibration=fitted.calibration.to_json(), said=fitted.said)
    with np.load(kept) as stored:
        calibration = Calibration(**json.loads(str(stored["calibration"])))
        return Fitted(calibration, stored["said"])


def _key(fit: SignalFit) -> str:
    digest = hashlib.sha256(f"{_code_hash()} {fit.units}".encode())
    digest.update(fit.folds.tobytes())
    for number, example in fit.examples.items():
        for part in (example.evidence, example.pulses, example.target):
            digest.update(f"{number} {part.shape}".encode() + part.tobytes())
    return digest.hexdigest()[:32]


@cache
def _code_hash() -> str:
    root = Path(str(files("beatmeter")))
    return hash_files(root, files_below((root / source for source in _SOURCES), ".py"))
