"""What the first transformer layer sees of clips, averaged over time.

Every clip of a dataset is heard whole, once a view, played faster or slower and changed at random.
The averages are kept beside the decoded audio.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
import numpy.typing as npt
import torch
from filelock import FileLock

from beatmeter._util.atomic import replacing
from beatmeter._util.progress import track
from beatmeter.meters import METERS
from beatmeter_mert.training.distillation.augment import augment_features, draw_speed
from beatmeter_mert.training.distillation.convolved import digest_of, resampled

if TYPE_CHECKING:
    from torch import Tensor

    from beatmeter_mert.training.distillation.audio_cache import Rows
    from beatmeter_mert.training.distillation.convolved import ConvolvedMaterial, EncoderNetwork
    from beatmeter_mert.training.distillation.settings import AugmentSettings

_CACHE = "{stem}-averaged-{digest}.npy"
_CLIPS_AT_ONCE = 16


@dataclass(frozen=True)
class Averages:
    """What the first layer sees of chunks, averaged over time.

    Attributes
    ----------
    projected : Tensor, shape (chunks, hidden)
        What goes into the transformer.
    normalised : Tensor, shape (chunks, hidden)
        The same, every frame normalised as the first layer does before its attention.
    labels : Tensor, shape (chunks, 6)
    """

    projected: Tensor
    normalised: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: Tensor) -> Self:
        """Keep some chunks."""
        return type(self)(self.projected[indices], self.normalised[indices], self.labels[indices])


def joined(parts: Sequence[Averages]) -> Averages:
    """Put chunks of several kinds behind each other."""
    return Averages(
        torch.cat([part.projected for part in parts]),
        torch.cat([part.normalised for part in parts]),
        torch.cat([part.labels for part in parts]),
    )


def averaged(
    material: ConvolvedMaterial, network: EncoderNetwork, settings: AugmentSettings, view: int
) -> Averages:
    """Average every clip over its whole length.

    Parameters
    ----------
    material : ConvolvedMaterial
        Of decoded datasets; the averages of all their clips are kept beside them.
    network : EncoderNetwork
        In evaluation mode.
    settings : AugmentSettings
    view : int
        Number of the random changes, from 0.
    """
    datasets = {id(rows): rows for rows, _ in material.rows}
    last = dict.fromkeys(datasets, 0)
    for rows, row in material.rows:
        last[id(rows)] = max(last[id(rows)], row)
    known = {
        key: _averaged_rows(rows, last[key] + 1, network, settings, view)
        for key, rows in datasets.items()
    }
    chosen = np.stack([known[id(rows)][row] for rows, row in material.rows])
    labels = np.stack([np.isin(METERS, of_clip.meters) for of_clip in material.labels])
    device = next(network.parameters()).device
    projected, normalised = torch.from_numpy(chosen).to(device).unbind(dim=1)
    return Averages(projected, normalised, torch.from_numpy(labels.astype(np.float32)).to(device))


def _averaged_rows(
    rows: Rows, needed: int, network: EncoderNetwork, settings: AugmentSettings, view: int
) -> npt.NDArray[np.float32]:
    """Averages of at least the first `needed` rows; a dataset may have grown since they were kept.

    They are then all made anew.
    """
    features = Path(str(cast("np.memmap[Any, Any]", rows).filename))
    digest = _digest(network, settings, view)
    path = features.with_name(_CACHE.format(stem=features.stem, digest=digest))
    with FileLock(f"{path}.lock"):
        if not path.is_file() or len(np.load(path, mmap_mode="r")) < needed:
            averages = _average(rows, network, settings, view)
            with replacing(path) as partial, partial.open("wb") as file:
                np.save(file, averages)
    known: npt.NDArray[np.float32] = np.load(path)
    return known


@torch.no_grad()
def _average(
    rows: Rows, network: EncoderNetwork, settings: AugmentSettings, view: int
) -> npt.NDArray[np.float32]:
    """Clips that are heard at once share a speed; they are drawn at random."""
    rng = np.random.default_rng((view, 3))
    layer: Any = network.backbone.encoder.layers[0]
    device = layer.layer_norm.weight.device
    order = rng.permutation(len(rows))
    averages = np.zeros((len(rows), 2, layer.layer_norm.weight.shape[0]), np.float32)
    for start in track(range(0, len(order), _CLIPS_AT_ONCE), f"Averaging {view + 1}"):
        chosen = order[start : start + _CLIPS_AT_ONCE]
        speed = draw_speed(settings, rng)
        clips = [resampled(rows[row].astype(np.float32), speed) for row in chosen]
        changed = np.stack([augment_features(clip, settings, rng) for clip in clips])
        frames = network.projected(torch.from_numpy(changed).to(device))
        both = torch.stack([frames.mean(dim=1), layer.layer_norm(frames).mean(dim=1)], dim=1)
        averages[chosen] = both.cpu().numpy()
    return averages


def _digest(network: EncoderNetwork, settings: AugmentSettings, view: int) -> str:
    """Tell averages apart by the weights that make them and by how clips are changed."""
    hubert: Any = network.backbone
    convolutions = hubert.feature_extractor
    return digest_of(
        f"{convolutions} {asdict(settings)} {view}",
        convolutions,
        hubert.feature_projection,
        hubert.encoder.layers[0].layer_norm,
    )
