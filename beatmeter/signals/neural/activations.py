"""Beat and downbeat activations, from whichever network is at hand."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from beatmeter.signals.neural import frontend

if TYPE_CHECKING:
    from beatmeter.features.rhythm import Rhythm
    from beatmeter.signals.neural.network import BeatNetwork

BEAT_THIS_VARIABLE = "BEATMETER_BEAT_THIS_CHECKPOINT"
INSTALL_HINT = "pip install 'beatmeter[neural]' && pip install --no-deps beatnet==1.1.3"


@dataclass(frozen=True)
class Activations:
    """Logits a frame.

    Attributes
    ----------
    beat, downbeat : ndarray of float, shape (frames,)
        Logits of a beat (downbeats included) and of a downbeat.
    frame_rate : int
        Frames a second.
    """

    beat: npt.NDArray[np.float64]
    downbeat: npt.NDArray[np.float64]
    frame_rate: int


class ActivationSource(Protocol):
    """A network that hears beats."""

    def unavailable(self) -> str | None:
        """Why it cannot run here, or None."""
        ...

    def activations(self, rhythm: Rhythm) -> Activations:
        """Run it."""
        ...

    def weight_files(self) -> list[Path]:
        """The files of its networks, as far as they are here."""
        ...


class BeatNetSource:
    """The mean of the three BeatNet networks, from the installed ``beatnet`` distribution."""

    def unavailable(self) -> str | None:
        """What is missing and how to install it, or None."""
        for module in ("torch", "madmom_infer", "metricon"):
            if find_spec(module) is None:
                return f"{module} is not installed: {INSTALL_HINT}"
        if not self.weight_files():
            return f"the BeatNet networks are not installed: {INSTALL_HINT}"
        return None

    def activations(self, rhythm: Rhythm) -> Activations:
        """Mean probabilities of the networks, as logits."""
        import torch

        samples = rhythm.resampled(frontend.SAMPLE_RATE)
        samples = samples / np.abs(samples).max()
        features = torch.from_numpy(frontend.features(samples))[None]
        with torch.inference_mode():
            outputs = [network(features)[0].softmax(dim=1) for network in _networks()]
        beat, downbeat, _ = torch.stack(outputs).mean(dim=0).double().numpy().T
        return Activations(_logit(beat + downbeat), _logit(downbeat), frontend.FRAMES_PER_SECOND)

    def weight_files(self) -> list[Path]:
        """The files of the three networks."""
        spec = find_spec("BeatNet")
        folders = list(spec.submodule_search_locations or []) if spec else []
        return [path for f in folders for path in sorted(Path(f).glob("models/*_weights.pt"))]


class BeatThisSource:
    """A Beat This! checkpoint that the user names in ``BEATMETER_BEAT_THIS_CHECKPOINT``.

    References
    ----------
    F. Foscarin, J. Schlueter and G. Widmer, Beat This! Accurate beat tracking without DBN
    postprocessing, ISMIR 2024.
    """

    def __init__(self, checkpoint: Path) -> None:
        self.checkpoint = checkpoint

    def unavailable(self) -> str | None:
        """What is missing, or None."""
        for module in ("torch", "beat_this", "metricon"):
            if find_spec(module) is None:
                return f"{BEAT_THIS_VARIABLE} is set, but {module} is not installed"
        if not self.checkpoint.is_file():
            return f"{BEAT_THIS_VARIABLE}: {self.checkpoint}: no such file"
        return None

    def activations(self, rhythm: Rhythm) -> Activations:
        """Logits of the checkpoint's network."""
        samples = rhythm.resampled(frontend.SAMPLE_RATE)
        beat, downbeat = _beat_this(self.checkpoint)(samples, frontend.SAMPLE_RATE)
        return Activations(beat.double().numpy(), downbeat.double().numpy(), 50)

    def weight_files(self) -> list[Path]:
        """The checkpoint."""
        return [self.checkpoint] if self.checkpoint.is_file() else []


def activation_source() -> ActivationSource:
    """Beat This! when the user named a checkpoint, else BeatNet."""
    named = os.environ.get(BEAT_THIS_VARIABLE)
    return BeatThisSource(Path(named)) if named else BeatNetSource()


@cache
def _networks() -> list[BeatNetwork]:
    import torch

    from beatmeter.signals.neural.network import BeatNetwork

    networks = []
    for path in BeatNetSource().weight_files():
        state = torch.load(path, map_location="cpu", weights_only=True)
        network = BeatNetwork()
        network.load_state_dict(state)
        networks.append(network.eval())
    return networks


@cache
def _beat_this(checkpoint: Path) -> Any:
    from beat_this.inference import Audio2Frames

    return Audio2Frames(checkpoint_path=str(checkpoint), device="cpu")


def _logit(probability: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    clipped = np.clip(probability, 1e-5, 1 - 1e-5)
    return np.log(clipped / (1 - clipped))
