"""Gathering raw evidence over a labelled dataset, once."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from beatmeter._util.memo import Memo, code_hash
from beatmeter._util.workers import in_workers
from beatmeter.audio.decode import load, open_recording
from beatmeter.audio.samples import Samples
from beatmeter.datasets.audio_index import LabelledFile
from beatmeter.datasets.labels import LabelledClip
from beatmeter.errors import Abstain, AudioError
from beatmeter.features.rhythm import Rhythm
from beatmeter.fusion.effective import fingerprint
from beatmeter.meters import METERS
from beatmeter.plugins import installed_signals
from beatmeter.signals.calibrated import CalibratedSignal, require_beats
from beatmeter.signals.calibration import pulse_context

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ClipEvidence:
    """What the signals found in one clip.

    Attributes
    ----------
    clip : LabelledClip
    evidence : dict of str to (ndarray of shape (k, d), ndarray of shape (k, 3))
        Raw evidence and pulse context, by signals that could speak.
    seconds : float
        How much of it was heard.
    """

    clip: LabelledClip
    evidence: dict[str, tuple[Floats, Floats]]
    seconds: float

    @property
    def target(self) -> Floats:
        """Distribution over the meters, shared equally by simultaneous ones: shape (6,)."""
        present = np.array([float(meter in self.clip.meters) for meter in METERS])
        return present / present.sum()


def calibrated_signals() -> dict[str, CalibratedSignal]:
    """The installed signals that have a calibration to fit and can run here."""
    return {
        name: signal
        for name, signal in installed_signals().items()
        if isinstance(signal, CalibratedSignal) and signal.unavailable() is None
    }


def collect(
    clips: Sequence[LabelledFile],
    cache_folder: Path,
    jobs: int,
    seconds: float = math.inf,
) -> Iterator[ClipEvidence]:
    """Evidence of every clip, in order; clips that hold nothing to hear come without any.

    Results are kept in `cache_folder` under a hash of audio and code, so that an interrupted run
    goes on where it stopped.

    Parameters
    ----------
    clips : sequence of LabelledFile
    cache_folder : Path
    jobs : int
        Processes.
    seconds : float
        How much is heard of each clip, from its middle.
    """
    cache_folder.mkdir(parents=True, exist_ok=True)
    gather = partial(_evidence_of, cache_folder=cache_folder, seconds=seconds)
    yield from in_workers(gather, clips, jobs, at_once=4)


def _evidence_of(file: LabelledFile, cache_folder: Path, seconds: float) -> ClipEvidence:
    path = file.path
    audio = hashlib.sha256(path.read_bytes()).hexdigest()
    key = f"evidence {evidence_code()} {audio} {seconds}"
    arrays = Memo(cache_folder).recall(key, lambda: _arrays(path, seconds))
    names = sorted({name.partition("/")[0] for name in arrays})
    evidence = {name: (arrays[f"{name}/e"], arrays[f"{name}/c"]) for name in names}
    return ClipEvidence(file.clip, evidence, min(_duration_s(path), seconds))


def _duration_s(path: Path) -> float:
    try:
        with open_recording(path) as recording:
            return recording.duration_s
    except AudioError:
        return 0.0


def _arrays(path: Path, seconds: float) -> dict[str, Floats]:
    try:
        samples, sample_rate = load(path)
        rhythm = Rhythm(_middle(samples, seconds * sample_rate), sample_rate, path)
        require_beats(rhythm)
    except (AudioError, Abstain):
        return {}
    arrays = {}
    for name, signal in calibrated_signals().items():
        try:
            pulses, evidence = signal.hypotheses(rhythm)
        except Abstain:
            continue
        arrays[f"{name}/e"], arrays[f"{name}/c"] = evidence, pulse_context(pulses)
    return arrays


def _middle(samples: Samples, length: float) -> Samples:
    spare = max(0.0, len(samples) - length) / 2
    return samples[round(spare) : len(samples) - round(spare)]


@cache
def evidence_code() -> str:
    """Hash of the code and the networks that make evidence: it changes when evidence may."""
    listening = [f"{name} {fingerprint(signal)}" for name, signal in calibrated_signals().items()]
    return code_hash("audio", "features", "signals", seed=",".join(sorted(listening)))
