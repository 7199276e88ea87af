"""What a signal's scores depend on besides the recording: its code and its checkpoint."""

from __future__ import annotations

import hashlib
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from beatmeter._util.fitted import hash_fitted
from beatmeter._util.memo import code_hash
from beatmeter._util.text import escape_control
from beatmeter.errors import GateError
from beatmeter.fusion.effective import fingerprint
from beatmeter.signals.calibration import CALIBRATIONS

if TYPE_CHECKING:
    from beatmeter.signal import Signal


def for_measuring(signal: Signal) -> Signal:
    """The signal whose scores are kept: the one it offers for measuring, else itself.

    Raises
    ------
    GateError
        If the signal fails to offer it.
    """
    offer = getattr(signal, "for_measuring", None)
    if offer is None:
        return signal
    try:
        offered: Signal = offer()
    except Exception as error:  # foreign code may raise anything
        reason = escape_control(f"{type(error).__name__}: {error}")
        raise GateError(f"{signal.name} cannot be made ready for measuring ({reason})") from error
    return offered


def identity(signal: Signal) -> str:
    """Hash of the ensemble's code, the code of the signal's package, and its fingerprint.

    Raises
    ------
    GateError
        If the signal fails to tell its fingerprint.
    """
    package = type(signal).__module__.partition(".")[0]
    return f"{_pipeline_hash()} {_package_hash(package)} {signal.name} {fingerprint(signal)}"


@cache
def _pipeline_hash() -> str:
    """Of the code and the calibrations through which every recording goes."""
    code = code_hash("audio", "features", "signals", "grid", "pipeline.py")
    return hash_fitted(CALIBRATIONS, seed=code)


@cache
def _package_hash(package: str) -> str:
    """Of the top-level package or module that a plugin's signal comes from."""
    if package == "beatmeter":
        return ""
    module = sys.modules.get(package)
    if module is None or module.__file__ is None:
        return ""
    if hasattr(module, "__path__"):
        return code_hash("", package=package)
    return hashlib.sha256(Path(module.__file__).read_bytes()).hexdigest()
