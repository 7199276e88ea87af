"""What a head hears beside pooled layers, gathered once for each recording.

It is gathered from the middle of the recording, whatever part of it an epoch hears.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

from beatmeter._util.memo import Memo, code_hash
from beatmeter._util.progress import track
from beatmeter.errors import AudioError
from beatmeter.features.rhythm import ANALYSIS_RATE, Rhythm
from beatmeter_mert.model.evidence import rhythm_layout, row_for
from beatmeter_mert.model.grid_pooling import grid_layout
from beatmeter_mert.model.head import HeadSettings
from beatmeter_mert.model.joint_head import GRID, MERT
from beatmeter_mert.training.clip_dataset import ClipDataset

if TYPE_CHECKING:
    from pathlib import Path

    from beatmeter_mert.model import MertMeterClassifier
    from beatmeter_mert.training.finetune.settings import FinetuneSettings

Rows = npt.NDArray[np.float32]


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


def gather_rows(model: MertMeterClassifier, clips: ClipDataset, folder: Path) -> Rows | None:
    """Gather what the head hears beside pooled layers, as far as it is not kept from before.

    Parameters
    ----------
    model : MertMeterClassifier
    clips : ClipDataset
    folder : Path
        Where rows are kept, each in a file of its own.

    Returns
    -------
    ndarray of float32, shape (n, size), or None
        NaN for recordings with too few beats; None if the head hears pooled layers alone.
    """
    head = model.config.head
    if not head.has_evidence:
        return None
    memo = Memo(folder)
    heard_by = model.embedding_fingerprint if head.pooling == GRID else ""
    how = f"{head.evidence} {heard_by} {code_hash('features', 'signals')}"
    rate = clips.sample_rate if head.pooling == GRID else ANALYSIS_RATE
    middle = ClipDataset(clips.files, sample_rate=rate, clip_s=clips.clip_s)
    rows = []
    for index, file in track(enumerate(clips.files), "Gathering evidence", total=len(clips)):
        digest = hashlib.sha256(file.path.read_bytes()).hexdigest()
        compute = partial(_row, model, middle, index)
        rows.append(memo.recall(f"{how} {digest} {rate} {clips.clip_s}", compute)["row"])
    return np.stack(rows)


class WithEvidence(torch.utils.data.Dataset[Any]):
    """Examples of a dataset, each with its row of evidence.

    Parameters
    ----------
    examples : Dataset
        With ``set_epoch``.
    rows : ndarray of float32, shape (n, size)
    """

    def __init__(self, examples: Any, rows: Rows) -> None:
        self._examples = examples
        self._rows = rows

    def set_epoch(self, epoch: int) -> None:
        """Hear the clips as in this epoch."""
        self._examples.set_epoch(epoch)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self._examples[index] | {"evidence": self._rows[index]}


def with_evidence(
    collate: Callable[[Sequence[Any]], dict[str, torch.Tensor]],
) -> Callable[[Sequence[Any]], dict[str, torch.Tensor]]:
    """Make batches as `collate` does, with ``evidence`` float32 (batch, size)."""

    def collated(examples: Sequence[Any]) -> dict[str, torch.Tensor]:
        rows = np.stack([example["evidence"] for example in examples])
        return collate(examples) | {"evidence": torch.from_numpy(rows)}

    return collated


def _row(model: MertMeterClassifier, clips: ClipDataset, index: int) -> dict[str, Rows]:
    head, samples = model.config.head, clips[index]["samples"]
    try:
        found = model.gather_evidence(samples, Rhythm(samples, clips.sample_rate))
    except AudioError:  # under two seconds, or silent
        found = None
    return {"row": row_for(head.evidence, head.evidence_size, found)}
