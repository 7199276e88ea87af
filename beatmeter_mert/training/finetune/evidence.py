"""What a head hears beside pooled layers, gathered once for each recording.

It is gathered from the middle of the recording, whatever part of it an epoch hears.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

from beatmeter._util.memo import Memo, code_hash
from beatmeter._util.progress import track
from beatmeter.errors import AudioError
from beatmeter.features.rhythm import Rhythm
from beatmeter_mert.model.evidence import (
    SIGNALS,
    Evidence,
    Matrix,
    gather,
    matrix_for,
    rhythm_layout,
)
from beatmeter_mert.model.grid_pooling import grid_layout
from beatmeter_mert.model.head import HeadSettings
from beatmeter_mert.model.joint_head import GRID, MERT
from beatmeter_mert.training.clip_dataset import ClipDataset

if TYPE_CHECKING:
    from pathlib import Path

    from beatmeter.audio.samples import Samples
    from beatmeter_mert.model import MertMeterClassifier
    from beatmeter_mert.training.finetune.settings import FinetuneSettings

Matrices = npt.NDArray[np.float32]


def head_settings(settings: FinetuneSettings) -> HeadSettings:
    """Shape the head of a run, with the layout of what this BeatMeter gathers."""
    plain = HeadSettings(settings.head_dim, settings.dropout, members=settings.members)
    parts = [rhythm_layout()] if settings.inputs != MERT else []
    parts += [grid_layout()] if settings.pooling == GRID else []
    if not parts:
        return plain
    layouts, sizes = zip(*parts, strict=True)
    return HeadSettings(
        settings.head_dim,
        settings.dropout,
        inputs=settings.inputs,
        pooling=settings.pooling,
        evidence=" + ".join(layouts),
        evidence_size=sum(sizes),
        modality_dropout=settings.modality_dropout,
        members=settings.members,
    )


def gather_evidence(
    model: MertMeterClassifier, clips: ClipDataset, folder: Path
) -> Matrices | None:
    """Gather what the head hears beside pooled layers, as far as it is not kept from before.

    Parameters
    ----------
    model : MertMeterClassifier
    clips : ClipDataset
    folder : Path
        Where it is kept, rhythm and pooling on the grid apart, so that heads that hear one of them
        or both share it.

    Returns
    -------
    ndarray of float32, shape (n, pulses, size), or None
        NaN for recordings with too few beats; None if the head hears pooled layers alone.
    """
    parts = _parts(model)
    if not parts:
        return None
    memo, rate = Memo(folder), clips.sample_rate
    middle = ClipDataset(clips.files, sample_rate=rate, clip_s=clips.clip_s)
    matrices = []
    for index, file in track(enumerate(clips.files), "Gathering evidence", total=len(clips)):
        heard = f"{hashlib.sha256(file.path.read_bytes()).hexdigest()} {rate} {clips.clip_s}"
        found = [
            memo.recall(f"{part.key} {heard}", partial(_gather, part, middle, index))["evidence"]
            for part in parts
        ]
        matrices.append(np.hstack(found))
    return np.stack(matrices)


class WithEvidence(torch.utils.data.Dataset[Any]):
    """Examples of a dataset, each with its evidence.

    Parameters
    ----------
    examples : Dataset
        With ``set_epoch``.
    matrices : ndarray of float32, shape (n, pulses, size)
    """

    def __init__(self, examples: Any, matrices: Matrices) -> None:
        self._examples = examples
        self._matrices = matrices

    def set_epoch(self, epoch: int) -> None:
        """Hear the clips as in this epoch."""
        self._examples.set_epoch(epoch)

    def __len__(self) -> int:
        return len(self._matrices)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self._examples[index] | {"evidence": self._matrices[index]}


def with_evidence(
    collate: Callable[[Sequence[Any]], dict[str, torch.Tensor]],
) -> Callable[[Sequence[Any]], dict[str, torch.Tensor]]:
    """Make batches as `collate` does, with ``evidence`` float32 (batch, pulses, size)."""

    def collated(examples: Sequence[Any]) -> dict[str, torch.Tensor]:
        evidence = np.stack([example["evidence"] for example in examples])
        return collate(examples) | {"evidence": torch.from_numpy(evidence)}

    return collated


@dataclass(frozen=True)
class _Part:
    """A kind of evidence: its layout, how it is found, and the code and network behind it."""

    layout: str
    size: int
    find: Callable[[Samples, Rhythm], Evidence | None]
    made_by: str

    @property
    def key(self) -> str:
        return f"{self.layout} {self.made_by}"


def _parts(model: MertMeterClassifier) -> list[_Part]:
    head, parts = model.config.head, []
    modules = (f"signals/{name}.py" for name in (*SIGNALS, "calibrated", "calibration", "folding"))
    code = code_hash("features", *modules)
    if head.hears_rhythm:
        parts.append(_Part(*rhythm_layout(), lambda _, rhythm: gather(rhythm), code))
    if head.pooling == GRID:
        network = f"{model.embedding_fingerprint} {code}"
        parts.append(_Part(*grid_layout(), model.pool_on_grid, network))
    return parts


def _gather(part: _Part, clips: ClipDataset, index: int) -> dict[str, Matrix]:
    samples = clips[index]["samples"]
    try:
        found = part.find(samples, Rhythm(samples, clips.sample_rate))
    except AudioError:  # under two seconds, or silent
        found = None
    return {"evidence": matrix_for(part.layout, part.size, found)}
