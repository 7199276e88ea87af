"""BeatNet as a source of activations, where the user has it installed and names it.

References
----------
M. Heydari, F. Cwitkowitz and Z. Duan, BeatNet: CRNN and particle filtering for online joint
beat, downbeat and meter tracking, ISMIR 2021. The trained weights are CC BY 4.0.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from beatmeter.signals.neural.activations import Activations

if TYPE_CHECKING:
    from beatmeter.features.rhythm import Rhythm
    from beatmeter.signals.neural.beatnet_network import BeatNetwork

INSTALL_HINT = "pip install 'beatmeter[beatnet]' && pip install --no-deps beatnet==1.1.3"
_LEAST_PROBABILITY = 1e-5


class BeatNetSource:
    """The mean of the three BeatNet networks, from the installed ``beatnet`` distribution."""

    name = "beatnet"

    def unavailable(self) -> str | None:
        """What is missing and how to install it, or None."""
        for module in ("torch", "madmom_infer"):
            if find_spec(module) is None:
                return f"{module} is not installed: {INSTALL_HINT}"
        if not self.weight_files():
            return f"the BeatNet networks are not installed: {INSTALL_HINT}"
        return None

    def activations(self, rhythm: Rhythm) -> Activations:
        """Mean probabilities of the networks, as logits."""
        import torch

        from beatmeter.signals.neural import beatnet_features

        samples = rhythm.resampled(beatnet_features.SAMPLE_RATE)
        samples = samples / np.abs(samples).max()
        features = torch.from_numpy(beatnet_features.features(samples))[None]
        with torch.inference_mode():
            outputs = [network(features)[0].softmax(dim=1) for network in networks()]
        beat, downbeat, _ = torch.stack(outputs).mean(dim=0).double().numpy().T
        return Activations(
            _logit(beat + downbeat), _logit(downbeat), beatnet_features.FRAMES_PER_SECOND
        )

    def weight_files(self) -> list[Path]:
        """The files of the three networks."""
        spec = find_spec("BeatNet")
        folders = list(spec.submodule_search_locations or []) if spec else []
        return [path for f in folders for path in sorted(Path(f).glob("models/*_weights.pt"))]


@cache
def networks() -> list[BeatNetwork]:
    """The three networks, loaded once."""
    import torch

    from beatmeter.signals.neural.beatnet_network import BeatNetwork

    loaded = []
    for path in BeatNetSource().weight_files():
        state = torch.load(path, map_location="cpu", weights_only=True)
        network = BeatNetwork()
        network.load_state_dict(state)
        loaded.append(network.eval())
    return loaded


def _logit(probability: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    clipped = np.clip(probability, _LEAST_PROBABILITY, 1 - _LEAST_PROBABILITY)
    return np.log(clipped / (1 - clipped))
