"""Beat This! as a source of activations, where the user has it installed and names a checkpoint.

References
----------
F. Foscarin, J. Schlueter and G. Widmer, Beat This! Accurate beat tracking without DBN
postprocessing, ISMIR 2024.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beatmeter.signals.neural.activations import Activations

if TYPE_CHECKING:
    from beatmeter.features.rhythm import Rhythm

_SAMPLE_RATE = 22050
_FRAMES_PER_SECOND = 50

BEAT_THIS_VARIABLE = "BEATMETER_BEAT_THIS_CHECKPOINT"


class BeatThisSource:
    """A Beat This! checkpoint that the user names in ``BEATMETER_BEAT_THIS_CHECKPOINT``.

    Parameters
    ----------
    checkpoint : Path
    """

    name = "beat_this"

    def __init__(self, checkpoint: Path) -> None:
        self.checkpoint = checkpoint

    def unavailable(self) -> str | None:
        """What is missing, or None."""
        for module in ("torch", "beat_this"):
            if find_spec(module) is None:
                return f"{BEAT_THIS_VARIABLE} is set, but {module} is not installed"
        if not self.checkpoint.is_file():
            return f"{BEAT_THIS_VARIABLE}: {self.checkpoint}: no such file"
        return None

    def activations(self, rhythm: Rhythm) -> Activations:
        """Logits of the checkpoint's network."""
        samples = rhythm.resampled(_SAMPLE_RATE)
        beat, downbeat = _network(self.checkpoint)(samples, _SAMPLE_RATE)
        return Activations(beat.double().numpy(), downbeat.double().numpy(), _FRAMES_PER_SECOND)

    def weight_files(self) -> list[Path]:
        """The checkpoint."""
        return [self.checkpoint] if self.checkpoint.is_file() else []


@cache
def _network(checkpoint: Path) -> Any:
    from beat_this.inference import Audio2Frames

    return Audio2Frames(checkpoint_path=str(checkpoint), device="cpu")
