"""Clips to pre-train on: their audio in memory-mapped files, their labels in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from beatmeter.audio.decode import Samples
from beatmeter.corpora.clip import ClipLabels
from beatmeter.corpora.dataset import read_labels
from beatmeter.datasets.folder import read_splits
from beatmeter_mert.training.distillation.audio_cache import FULL_SCALE, Rows, decoded_audio


@dataclass(frozen=True)
class Material:
    """Labelled clips.

    Attributes
    ----------
    rows : tuple of (Rows, int)
        For each clip the decoded dataset and the row in it.
    labels : tuple of ClipLabels
    """

    rows: tuple[tuple[Rows, int], ...]
    labels: tuple[ClipLabels, ...]

    def __len__(self) -> int:
        return len(self.labels)

    def samples(self, index: int) -> Samples:
        """Audio of a clip: float32, shape (n,), within -1 to 1."""
        rows, row = self.rows[index]
        return rows[row].astype("float32") / FULL_SCALE

    def where(self, wanted: Callable[[ClipLabels], bool]) -> Self:
        """Keep the clips whose labels are wanted."""
        kept = [index for index, labels in enumerate(self.labels) if wanted(labels)]
        return self.take(kept)

    def take(self, indices: Iterable[int]) -> Self:
        """Keep some clips, in the order given."""
        chosen = list(indices)
        return replace(
            self,
            rows=tuple(self.rows[i] for i in chosen),
            labels=tuple(self.labels[i] for i in chosen),
        )


def read_material(folders: Sequence[Path], split: str, sample_rate: int) -> Material:
    """Read the clips of one split of rendered datasets.

    Parameters
    ----------
    folders : sequence of Path
    split : {"train", "val", "test"}
    sample_rate : int
        Hz.

    Raises
    ------
    DatasetError
        If a folder is no finished rendered dataset, or its clips are unlike each other.
    """
    rows: list[tuple[Rows, int]] = []
    labels: list[ClipLabels] = []
    for folder in folders:
        wanted = {file.clip.filename: file.clip for file in read_splits(folder)[split].files}
        known = read_labels(folder)
        audio = decoded_audio(folder, [name for name, _ in known], sample_rate)
        for row, (name, of_clip) in enumerate(known):
            if name in wanted:
                rows.append((audio, row))
                labels.append(replace(of_clip, meters=wanted[name].meters))
    return Material(tuple(rows), tuple(labels))


def belongs_to(names: Sequence[str]) -> Callable[[ClipLabels], bool]:
    """Tell whether a clip is of one of the named families, sources or soundfonts."""
    wanted = frozenset(names)
    return lambda labels: not wanted.isdisjoint({labels.family, labels.source, *labels.soundfonts})
