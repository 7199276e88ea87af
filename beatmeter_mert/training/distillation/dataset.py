"""Rendered clips to learn from and to evaluate on, with what is known of their music."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from beatmeter.corpora.dataset import read_labels
from beatmeter.datasets.folder import read_splits
from beatmeter.errors import DatasetError

if TYPE_CHECKING:
    from beatmeter.corpora.clip import ClipLabels
    from beatmeter.datasets.audio_index import LabelledFile


@dataclass(frozen=True)
class RenderedClip:
    """A clip of a rendered dataset.

    Attributes
    ----------
    folder : Path
        Of the dataset.
    """

    file: LabelledFile
    folder: Path
    labels: ClipLabels

    def is_of(self, names: Sequence[str]) -> bool:
        """Tell whether it is of one of the named families, sources or soundfonts."""
        own = {self.labels.family, self.labels.source, *self.labels.soundfonts}
        return not own.isdisjoint(names)


def read_rendered(folders: Sequence[Path], split: str) -> list[RenderedClip]:
    """Read the clips of one split of rendered datasets.

    Parameters
    ----------
    split : {"train", "val", "test"}

    Raises
    ------
    DatasetError
        If a folder is no rendered dataset, or there is no clip.
    """
    clips = []
    for folder in folders:
        labels = dict(read_labels(folder))
        for file in read_splits(folder)[split].files:
            if file.clip.filename not in labels:
                raise DatasetError(f"{folder}: {file.clip.filename} was not rendered")
            clips.append(RenderedClip(file, folder, labels[file.clip.filename]))
    if not clips:
        raise DatasetError(
            f"{', '.join(map(str, folders)) or 'data_dir'}: no clips in {split} "
            "(allowed: at least one)"
        )
    return clips


def spread_over_families(clips: Sequence[RenderedClip], most: int) -> list[RenderedClip]:
    """Keep at most so many clips of each family, evenly out of all."""
    families: dict[str, list[RenderedClip]] = defaultdict(list)
    for clip in clips:
        families[clip.labels.family].append(clip)
    kept = []
    for members in families.values():
        count = min(most, len(members))
        kept += [members[index * len(members) // count] for index in range(count)]
    return kept
