"""Pooled features of a dataset, computed once and kept beside it.

Every clip is passed through the convolutions once for each view, changed at random in between. A
file holds the clips of one dataset one after the other; it grows by whole clips, so that the
computation can be interrupted at any moment. Runs that share a dataset wait for each other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from filelock import FileLock
from torch import nn

from beatmeter._util.progress import track
from beatmeter.meters import METERS
from beatmeter_mert.model.cpu.spectral_convolution import SpectralConv1d
from beatmeter_mert.model.preprocessing import z_score
from beatmeter_mert.training.clip_dataset import NO_AUGMENTATION, ClipDataset
from beatmeter_mert.training.distillation.pooled import PooledFeatures, joined

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import HubertModel

    from beatmeter.audio.samples import Samples
    from beatmeter_mert.training.distillation.dataset import RenderedClip
    from beatmeter_mert.training.distillation.settings import (
        AugmentSettings,
        DistillationSettings,
    )

_CACHE = "pooled-{digest}.float32"
_WIDE = 64
"""Taps from which a convolution costs less as a product of spectra."""
_LONGEST_GAP_FRAMES = 8
"""Half a second, at the 16.7 frames a second of the embedded checkpoint."""

Features = npt.NDArray[np.float32]
"""What convolutions make of a clip: shape (frames, channels)."""


def pooled_features(
    clips: Sequence[RenderedClip], backbone: HubertModel, settings: DistillationSettings
) -> PooledFeatures:
    """Pool every view of every clip over time.

    Parameters
    ----------
    clips : sequence of RenderedClip
        Those of one dataset behind each other.
    backbone : HubertModel
        In evaluation mode.

    Returns
    -------
    PooledFeatures
        Of all clips in the first view, then of all in the second, and so on; on the processor.
    """
    pooler = FeaturePooler(backbone, settings)
    folders = dict.fromkeys(clip.folder for clip in clips)
    pooled = np.concatenate(
        [
            _of_folder(folder, [clip for clip in clips if clip.folder == folder], pooler, settings)
            for folder in folders
        ]
    )
    ordered = [clip for folder in folders for clip in clips if clip.folder == folder]
    labels = torch.from_numpy(
        np.stack([np.isin(METERS, clip.labels.meters) for clip in ordered]).astype(np.float32)
    )
    views = torch.from_numpy(pooled).permute(1, 2, 0, 3)
    return joined([PooledFeatures(view[0], view[1], labels) for view in views])


class FeaturePooler:
    """Passes clips through convolutions, changes them at random, and pools what comes out.

    Parameters
    ----------
    backbone : HubertModel
        In evaluation mode.
    """

    def __init__(self, backbone: HubertModel, settings: DistillationSettings) -> None:
        hubert: Any = backbone
        layers = list(hubert.feature_extractor.conv_layers)
        self.modules = nn.ModuleList(
            [*layers, hubert.feature_projection, hubert.encoder.layers[0].layer_norm]
        )
        self._before = nn.Sequential(*layers[: settings.augmented_convolutions])
        self._after = [
            (_fast(layer.conv), layer.activation)
            for layer in layers[settings.augmented_convolutions :]
        ]
        self._projection = hubert.feature_projection
        self._norm = hubert.encoder.layers[0].layer_norm
        self._settings = settings

    @torch.inference_mode()
    def pooled(self, samples: Samples, number: int) -> Features:
        """Pool every view of a clip.

        Parameters
        ----------
        samples : ndarray of float32, shape (n,)
        number : int >= 0
            Of the clip in its dataset: what is drawn depends on it and the view alone.

        Returns
        -------
        ndarray of float32, shape (views, 2, hidden)
            As projected, and as normalised.
        """
        device = self._norm.weight.device
        audio = z_score(torch.from_numpy(samples)[None].to(device))
        features = self._before(audio[:, None])[0].T.cpu().numpy()
        views = []
        for view in range(self._settings.views):
            rng = np.random.default_rng((view, number))
            changed = augmented(features, self._settings.augment, rng)
            frames = self.projected(torch.from_numpy(changed)[None].to(device))
            normalised = self._norm(frames)
            views.append(torch.cat([frames.mean(dim=1), normalised.mean(dim=1)]).cpu().numpy())
        return np.stack(views)

    def projected(self, features: Tensor) -> Tensor:
        """What goes into the transformer: (n, frames, channels) to (n, frames, hidden)."""
        values = features.transpose(1, 2)
        for convolution, activation in self._after:
            values = activation(convolution(values))
        projected: Tensor = self._projection(values.transpose(1, 2)).float()
        return projected


def augmented(features: Features, settings: AugmentSettings, rng: np.random.Generator) -> Features:
    """Play features faster or slower, and add noise and a gap, as far as switched on.

    Parameters
    ----------
    features : ndarray of float32, shape (frames, channels)
    """
    widest = np.log1p(settings.speed)
    speed = float(np.exp(rng.uniform(-widest, widest)))
    changed = interpolated(features, round(len(features) / speed))
    silent = changed.min(axis=0)
    if rng.random() < settings.noise:
        level = rng.uniform(0.0, 10 ** (settings.noise_db / 20))
        noise = rng.standard_normal(changed.shape, np.float32)
        changed = changed + np.float32(level) * changed.std(axis=0) * noise
    if rng.random() < settings.gap:
        start = int(rng.integers(len(changed)))
        changed = changed.copy()
        changed[start : start + int(rng.integers(1, _LONGEST_GAP_FRAMES + 1))] = silent
    return changed


def interpolated(features: Features, length: int) -> Features:
    """Interpolate features, shape (frames, channels), to so many frames."""
    if len(features) == length:
        return features
    places = np.linspace(0, len(features) - 1, length)
    before = np.minimum(places.astype(np.int64), len(features) - 2)
    share = (places - before).astype(np.float32)[:, None]
    stretched: Features = features[before] * (1 - share) + features[before + 1] * share
    return stretched


def _of_folder(
    folder: Path,
    clips: Sequence[RenderedClip],
    pooler: FeaturePooler,
    settings: DistillationSettings,
) -> npt.NDArray[np.float32]:
    shape = (settings.views, 2, settings.backbone.hidden_size)
    bytes_each = 4 * int(np.prod(shape))
    path = folder / _CACHE.format(digest=_digest(clips, pooler, settings))
    files = [clip.file for clip in clips]
    dataset = ClipDataset(
        files, NO_AUGMENTATION, sample_rate=settings.sample_rate, clip_s=settings.clip_seconds
    )
    with FileLock(f"{path}.lock"), path.open("ab") as cache:
        done = cache.tell() // bytes_each
        cache.truncate(done * bytes_each)
        for number in track(range(done, len(clips)), f"Pooling {folder.name}"):
            cache.write(pooler.pooled(dataset[number]["samples"], number).tobytes())
    return np.fromfile(path, np.float32).reshape(-1, *shape)


def _digest(
    clips: Sequence[RenderedClip], pooler: FeaturePooler, settings: DistillationSettings
) -> str:
    """Tell features apart by clips, random changes, and every weight that makes them."""
    audio = f"{settings.sample_rate} {settings.clip_seconds}"
    views = f"{settings.views} {settings.augmented_convolutions} {asdict(settings.augment)}"
    digest = hashlib.sha256(f"{audio} {views} {pooler.modules}".encode())
    for clip in clips:
        digest.update(f"{clip.file.clip.filename} {clip.file.path.stat().st_size}\n".encode())
    for name, tensor in pooler.modules.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.float().cpu().numpy().tobytes())
    return digest.hexdigest()[:12]


def _fast(convolution: nn.Conv1d) -> nn.Module:
    """Give a wide convolution of stride 1 as a product of spectra."""
    is_wide = convolution.kernel_size[0] >= _WIDE and convolution.stride[0] == 1
    return SpectralConv1d(convolution) if is_wide else convolution
