"""Gathering raw evidence over a labelled dataset, once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from beatmeter import signals as _signals
from beatmeter._util.arrays import Floats
from beatmeter._util.hashing import sha256_of
from beatmeter._util.memo import Memo, code_hash
from beatmeter._util.workers import in_workers
from beatmeter.audio.decode import load
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

SHORT_S = (15.0, 10.0)
"""Seconds: one of these is heard of a clip besides all of it, from its middle, so that confidence
falls where little is heard. No window of the timeline holds less than the last."""


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
    clips: Sequence[LabelledFile], cache_folder: Path, jobs: int
) -> Iterator[tuple[ClipEvidence, ...]]:
    """Evidence of every clip, in order: of the whole of it, and of one of :data:`SHORT_S`.

    A clip that is no longer than that comes once; one that holds nothing to hear comes without
    evidence. Results are kept in `cache_folder` under a hash of audio and code, so
    that an interrupted run goes on where it stopped, and only what another network hears is heard
    anew.

    Parameters
    ----------
    clips : sequence of LabelledFile
    cache_folder : Path
    jobs : int
        Processes.
    """
    cache_folder.mkdir(parents=True, exist_ok=True)
    gather = partial(_evidence_of, cache_folder=cache_folder)
    yield from in_workers(gather, clips, jobs, at_once=4)


def _evidence_of(file: LabelledFile, cache_folder: Path) -> tuple[ClipEvidence, ...]:
    audio = sha256_of(file.path)
    short = SHORT_S[int(audio[:8], 16) % len(SHORT_S)]
    memo, recording = Memo(cache_folder), _Recording(file.path, short)
    parts = [
        memo.recall(f"evidence {code} {audio} {short}", partial(recording.arrays, names))
        for code, names in evidence_parts().items()
    ]
    whole, less = parts[0]["seconds"].tolist()
    heard = (whole, less) if less < whole else (whole,)
    return tuple(
        ClipEvidence(file.clip, _evidence_at(place, parts), seconds)
        for place, seconds in enumerate(heard)
    )


def _evidence_at(place: int, parts: list[dict[str, Any]]) -> dict[str, tuple[Floats, Floats]]:
    arrays = {name: array for part in parts for name, array in part.items()}
    start = f"{place}/e/"
    names = [name.removeprefix(start) for name in arrays if name.startswith(start)]
    return {name: (arrays[start + name], arrays[f"{place}/c/{name}"]) for name in sorted(names)}


class _Recording:
    """A clip, decoded when something has to be heard in it."""

    def __init__(self, path: Path, short: float) -> None:
        self._path, self._short = path, short

    @cached_property
    def _loaded(self) -> tuple[Samples, int]:
        try:
            return load(self._path)
        except AudioError:
            return np.zeros(0, np.float32), 1

    @cached_property
    def _rhythms(self) -> tuple[Rhythm | None, ...]:
        """The whole and, where it is more than that, its middle; None where nothing is heard."""
        samples, rate = self._loaded
        longer = len(samples) > self._short * rate
        parts = (samples, _middle(samples, self._short * rate)) if longer else (samples,)
        return tuple(self._rhythm(part, rate) for part in parts)

    def _rhythm(self, samples: Samples, rate: int) -> Rhythm | None:
        try:
            rhythm = Rhythm(samples, rate, self._path)
            require_beats(rhythm)
        except (AudioError, Abstain):
            return None
        return rhythm

    def arrays(self, names: Sequence[str]) -> dict[str, Floats]:
        """What some signals find, and how much was heard."""
        signals = calibrated_signals()
        samples, rate = self._loaded
        lasts = len(samples) / rate
        found = {"seconds": np.array([lasts, min(lasts, self._short)])}
        for place, rhythm in enumerate(self._rhythms):
            if rhythm is None:
                continue
            for name in names:
                try:
                    pulses, evidence = signals[name].hypotheses(rhythm)
                except Abstain:
                    continue
                found[f"{place}/e/{name}"] = evidence
                found[f"{place}/c/{name}"] = pulse_context(pulses)
        return found


def _middle(samples: Samples, length: float) -> Samples:
    spare = max(0.0, len(samples) - length) / 2
    return samples[round(spare) : len(samples) - round(spare)]


@cache
def evidence_parts() -> dict[str, tuple[str, ...]]:
    """Signals by a hash of the code and the networks that make their evidence.

    Signals that listen to a network are apart from those that do not.
    """
    signals = calibrated_signals()
    networks = {name: fingerprint(signal) for name, signal in signals.items()}
    heard = ",".join(f"{name} {network}" for name, network in sorted(networks.items()) if network)
    plain = tuple(sorted(name for name, network in networks.items() if not network))
    listening = tuple(sorted(name for name, network in networks.items() if network))
    modules = sorted(path.name for path in Path(_signals.__path__[0]).glob("*.py"))
    code = code_hash("audio", "features", *(f"signals/{m}" for m in modules), seed=",".join(plain))
    parts = {code: plain, code_hash("audio", "features", "signals", seed=heard): listening}
    return {code: names for code, names in parts.items() if names}


def evidence_code() -> str:
    """Hash of the code and the networks that make evidence: it changes when evidence may."""
    return hashlib.sha256(" ".join(evidence_parts()).encode()).hexdigest()
