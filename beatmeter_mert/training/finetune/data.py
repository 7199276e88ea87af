"""The clips of a fine-tuning run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from beatmeter.errors import DatasetError
from beatmeter.meters import METERS
from beatmeter_mert.training.clip_dataset import NO_AUGMENTATION, Augmentation, ClipDataset
from beatmeter_mert.training.dataset_folder import read_extra, read_splits
from beatmeter_mert.training.decode_check import decodable, refuse_if_bad
from beatmeter_mert.training.labels import pos_weight

if TYPE_CHECKING:
    from beatmeter_mert.model import Preprocessing
    from beatmeter_mert.training.audio_index import LabelledFile, LeftOut
    from beatmeter_mert.training.dataset_folder import Labelled
    from beatmeter_mert.training.finetune.settings import FinetuneSettings


@dataclass(frozen=True)
class FinetuneClips:
    """Training and validation clips.

    Attributes
    ----------
    train, val : list of LabelledFile
    left_out : list of LeftOut
        Clips that cannot be used, and why.
    held_out : list of LeftOut
        Clips of extra data that belong to a work of validation or test.
    dropped : int
        Rows whose meter the project does not know.
    excluded : int
        Rows that the corrections take out.
    """

    train: list[LabelledFile]
    val: list[LabelledFile]
    left_out: list[LeftOut] = field(default_factory=list)
    held_out: list[LeftOut] = field(default_factory=list)
    dropped: int = 0
    excluded: int = 0


def find_clips(settings: FinetuneSettings) -> dict[str, Labelled]:
    """Find the clips of a run, unheard.

    Returns
    -------
    dict of str to Labelled
        Keys are ``train``, ``val`` and ``extra``.

    Raises
    ------
    DatasetError
        If a folder cannot be read.
    """
    splits = read_splits(settings.data_dir, settings.seed)
    extra = read_extra(settings.extra_data, [splits["val"], splits["test"]])
    return {"train": splits["train"], "val": splits["val"], "extra": extra}


def read_clips(settings: FinetuneSettings) -> FinetuneClips:
    """Find the clips of a run, and make sure that each can be heard.

    The whole data is judged, whatever the limit; held-out clips are not held against it.

    Raises
    ------
    DatasetError
        If a folder cannot be read, too many of its clips are unusable, or a split has none.
    """
    found = find_clips(settings)
    parts = list(found.values())
    files = [file for part in parts for file in part.files]
    missing = [clip for part in parts for clip in part.left_out]
    good, bad = decodable(files)
    refuse_if_bad(len(files) + len(missing), missing + bad, settings.bad_share)
    heard = set(map(id, good))

    def usable(files: Sequence[LabelledFile]) -> list[LabelledFile]:
        return limited([file for file in files if id(file) in heard], settings.limit)

    clips = FinetuneClips(
        train=usable(found["train"].files + found["extra"].files),
        val=usable(found["val"].files),
        left_out=missing + bad,
        held_out=found["extra"].held_out,
        dropped=sum(part.dropped for part in parts),
        excluded=sum(part.excluded for part in parts),
    )
    for name, split in (("train", clips.train), ("val", clips.val)):
        if not split:
            raise DatasetError(f"{settings.data_dir}: no clips in {name} (allowed: at least one)")
    return clips


def not_used(clips: FinetuneClips) -> list[str]:
    """Say in lines what of the data is not used, how much of it, and why."""
    meters = ", ".join(map(str, METERS))
    counts = {
        f"rows dropped: their meter is none of {meters}": clips.dropped,
        "rows excluded: corrections.csv says so": clips.excluded,
        "clips held out: their work is in validation or test": len(clips.held_out),
        "clips left out: they cannot be used": len(clips.left_out),
    }
    lines = [f"{count} {what}" for what, count in counts.items() if count]
    return lines + [f"  {clip.filename}: {clip.reason}" for clip in clips.left_out]


def limited(files: Sequence[LabelledFile], limit: int) -> list[LabelledFile]:
    """Keep the first `limit` clips of each set of meters; all when it is 0."""
    if not limit:
        return list(files)
    seen: Counter[tuple[int, ...]] = Counter()
    kept = []
    for file in files:
        seen[file.clip.meters] += 1
        if seen[file.clip.meters] <= limit:
            kept.append(file)
    return kept


def training_clips(
    files: Sequence[LabelledFile], settings: FinetuneSettings, preprocessing: Preprocessing
) -> ClipDataset:
    """Load clips with a random crop, noise and shift, as far as switched on."""
    augmentation = Augmentation(settings.random_crop, settings.noise, settings.shift_s)
    return _clips(files, augmentation, settings, preprocessing)


def validation_clips(
    files: Sequence[LabelledFile], settings: FinetuneSettings, preprocessing: Preprocessing
) -> ClipDataset:
    """Load the middle of clips, as they are."""
    return _clips(files, NO_AUGMENTATION, settings, preprocessing)


def positive_weights(clips: ClipDataset, settings: FinetuneSettings) -> torch.Tensor:
    """How much more the positives of each meter count in the loss: shape (6,)."""
    return torch.from_numpy(pos_weight(clips.labels, settings.pos_weight_cap or None))


def _clips(
    files: Sequence[LabelledFile],
    augmentation: Augmentation,
    settings: FinetuneSettings,
    preprocessing: Preprocessing,
) -> ClipDataset:
    return ClipDataset(
        files,
        augmentation,
        settings.label_smooth,
        preprocessing.sample_rate,
        preprocessing.clip_seconds,
        settings.seed,
    )
