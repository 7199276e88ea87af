"""Training of everything above the convolutions, on what they say of each clip.

As long as the convolutions stay as they begin, they say the same of a clip each time it is heard.
So they are asked once: their answers lie in a file beside the decoded audio, chunks are cut out of
those, and a step costs a fraction of one that begins at the samples. The group norm of the first
convolution then sees whole clips instead of chunks.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt
import torch
from filelock import FileLock

from beatmeter._util.progress import track
from beatmeter_mert.model.preprocessing import z_score
from beatmeter_mert.training.distillation.audio_cache import FULL_SCALE, Rows
from beatmeter_mert.training.distillation.augment import Features, augment_features
from beatmeter_mert.training.distillation.backbone import frame_times
from beatmeter_mert.training.distillation.examples import Cutter
from beatmeter_mert.training.distillation.fourier import convolve_by_fourier
from beatmeter_mert.training.distillation.material import Material
from beatmeter_mert.training.distillation.network import PretrainNetwork

if TYPE_CHECKING:
    from torch import Tensor, nn
    from transformers import HubertModel

    from beatmeter_mert.training.distillation.settings import AugmentSettings, PretrainSettings

_CACHE = "{stem}-convolved-{digest}.float16"
_CLIPS_AT_ONCE = 8
_WIDE = 64


class EncoderNetwork(PretrainNetwork):
    """The same network, told what its convolutions say instead of samples.

    Parameters
    ----------
    settings : PretrainSettings
    """

    def __init__(self, settings: PretrainSettings) -> None:
        super().__init__(settings)
        self._kept = settings.keep_convolutions
        for layer in kept_layers(self.backbone, self._kept):
            layer.requires_grad_(False)
        self.backbone.set_attn_implementation("eager")

    def states(self, input_values: Tensor) -> tuple[Tensor, ...]:
        """Hidden states 1 to N over features: float32, shape (batch, frames, channels)."""
        return self.transformed(self.projected(input_values))

    def projected(self, input_values: Tensor) -> Tensor:
        """What goes into the transformer: float32, shape (batch, frames, hidden)."""
        hubert: Any = self.backbone
        heard = input_values.transpose(1, 2)
        for layer in hubert.feature_extractor.conv_layers[self._kept :]:
            heard = layer.activation(_convolved(layer.conv, heard))
        projected: Tensor = hubert.feature_projection(heard.transpose(1, 2)).float()
        return projected

    def transformed(self, projected: Tensor) -> tuple[Tensor, ...]:
        """Hidden states 1 to N."""
        hubert: Any = self.backbone
        positions = hubert.encoder.pos_conv_embed
        swings = convolve_by_fourier(positions.conv, projected.transpose(1, 2)).transpose(1, 2)
        state = hubert.encoder.dropout(projected + positions.activation(swings))
        states = []
        for layer in hubert.encoder.layers:
            state = layer(state)
            states.append(state)
        return tuple(states)


@dataclass(frozen=True)
class ConvolvedMaterial(Material):
    """Labelled clips, as what the convolutions say of them."""

    def samples(self, index: int) -> Features:
        """Features of a clip: float32, shape (frames, channels)."""
        rows, row = self.rows[index]
        return rows[row].astype(np.float32)


@dataclass(frozen=True)
class FeatureCutter(Cutter):
    """Cuts examples out of features; attributes as of :class:`Cutter`.

    Attributes
    ----------
    kept : int
        How many convolutions made the features.
    """

    kept: int = 0

    @cached_property
    def _rows(self) -> npt.NDArray[np.float64]:
        first = replace(
            self.backbone,
            conv_kernel=self.backbone.conv_kernel[: self.kept],
            conv_stride=self.backbone.conv_stride[: self.kept],
        )
        return frame_times(first, self.samples, self.sample_rate)

    @property
    def length(self) -> int:
        """Frames of a chunk."""
        return len(self._rows)

    @property
    def rate(self) -> float:
        """Frames a second."""
        return self.sample_rate / prod(self.backbone.conv_stride[: self.kept])

    @property
    def first_s(self) -> float:
        """Time of the first frame of a clip, in seconds."""
        return float(self._rows[0])

    def stretched(self, clip: Features) -> Features:
        """Interpolate to the length of a chunk."""
        return interpolated(clip, self.length)

    def changed(
        self, chunk: Features, settings: AugmentSettings, rng: np.random.Generator
    ) -> Features:
        """Change features as sound would be changed."""
        return augment_features(chunk, settings, rng)


def resampled(clip: Features, speed: float) -> Features:
    """Play features so many times as fast."""
    return interpolated(clip, round(len(clip) / speed))


def interpolated(clip: Features, length: int) -> Features:
    """Interpolate features to so many frames."""
    if len(clip) == length:
        return clip
    places = np.linspace(0, len(clip) - 1, length)
    before = np.minimum(places.astype(np.int64), len(clip) - 2)
    share = (places - before).astype(np.float32)[:, None]
    stretched: Features = clip[before] * (1 - share) + clip[before + 1] * share
    return stretched


def kept_layers(backbone: HubertModel, count: int) -> list[Any]:
    """List the first `count` convolutional layers of a backbone."""
    hubert: Any = backbone
    return list(hubert.feature_extractor.conv_layers[:count])


def _convolved(convolution: nn.Conv1d, heard: Tensor) -> Tensor:
    """Convolve without padding, a wide one of stride 1 by way of spectra."""
    taps = convolution.kernel_size[0]
    if taps < _WIDE or convolution.stride[0] > 1:
        answers: Tensor = convolution(heard)
        return answers
    return convolve_by_fourier(convolution, heard)[..., : heard.shape[-1] - taps + 1]


def convolved(material: Material, backbone: HubertModel, count: int) -> ConvolvedMaterial:
    """Ask the first `count` convolutions of a backbone about every clip, each clip once.

    Parameters
    ----------
    material : Material
        Of decoded datasets; the answers are kept beside them.
    backbone : HubertModel
    count : int >= 1
    """
    kept = torch.nn.Sequential(*kept_layers(backbone, count)).eval()
    datasets = {id(rows): rows for rows, _ in material.rows}
    features = {key: _convolved_rows(rows, kept) for key, rows in datasets.items()}
    return ConvolvedMaterial(
        tuple((cast("Rows", features[id(rows)]), row) for rows, row in material.rows),
        material.labels,
    )


def _convolved_rows(rows: Rows, convolutions: nn.Module) -> npt.NDArray[np.float16]:
    decoded = Path(str(cast("np.memmap[Any, Any]", rows).filename))
    path = decoded.with_name(
        _CACHE.format(stem=decoded.stem, digest=digest_of(str(convolutions), convolutions))
    )
    shape = _convolve(convolutions, rows[:1]).shape[1:]
    bytes_each = 2 * prod(shape)
    with FileLock(f"{path}.lock"), path.open("ab") as cache:
        done = cache.tell() // bytes_each
        cache.truncate(done * bytes_each)
        starts = range(done, len(rows), _CLIPS_AT_ONCE)
        for start in track(starts, f"Convolving {decoded.parent.name}"):
            cache.write(_convolve(convolutions, rows[start : start + _CLIPS_AT_ONCE]).tobytes())
    return np.memmap(path, np.float16, "r").reshape(-1, *shape)[: len(rows)]


def digest_of(made_how: str, *modules: nn.Module) -> str:
    """Tell answers apart by how they are made, and by every weight of what makes them."""
    digest = hashlib.sha256(made_how.encode())
    for module in modules:
        for name, tensor in module.state_dict().items():
            digest.update(name.encode())
            digest.update(tensor.float().cpu().numpy().tobytes())
    return digest.hexdigest()[:12]


@torch.inference_mode()
def _convolve(convolutions: nn.Module, rows: Rows) -> npt.NDArray[np.float16]:
    device = next(convolutions.parameters()).device
    samples = torch.from_numpy(rows.astype(np.float32) / FULL_SCALE).to(device)
    features: npt.NDArray[np.float16] = (
        convolutions(z_score(samples)[:, None]).transpose(1, 2).half().cpu().numpy()
    )
    return features
