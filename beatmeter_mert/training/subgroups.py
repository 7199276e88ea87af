"""What is known of the music of a rendered dataset, clip by clip."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from beatmeter.corpora.dataset import is_dataset, read_labels

if TYPE_CHECKING:
    from beatmeter.corpora.clip import ClipLabels
    from beatmeter_mert.diagnostics.subgroups import Subgroups

_TEMPO_EDGES_BPM = (0, 80, 120, 160)
_SEVERAL_PARTS = 4


def subgroups_of(folder: Path, names: Sequence[str]) -> Subgroups:
    """Tell of what kind each clip of a dataset is; nothing of one that was not rendered.

    Parameters
    ----------
    names : sequence of str
        Of the clips, relative to the folder.

    Raises
    ------
    DatasetError
        If labels cannot be read.
    """
    if not is_dataset(folder):
        return {}
    known = dict(read_labels(folder))
    clips = [known[name] for name in names if name in known]
    if len(clips) < len(names):
        return {}
    return {
        "made": [labels.family for labels in clips],
        "tempo": [_tempo(labels.tempo_bpm) for labels in clips],
        "parts": [_parts(labels) for labels in clips],
        "drums": [labels.style.get("drums", "unknown") for labels in clips],
        "players": [labels.style.get("ensemble", "unknown") for labels in clips],
    }


def _tempo(bpm: float) -> str:
    for low, high in pairwise(_TEMPO_EDGES_BPM):
        if bpm < high:
            return f"{low:3d} to {high} BPM"
    return f"{_TEMPO_EDGES_BPM[-1]} BPM or more"


def _parts(labels: ClipLabels) -> str:
    if "parts" not in labels.style:
        return "unknown"
    parts = int(labels.style["parts"])
    if parts == 1:
        return "1"
    return f"2 to {_SEVERAL_PARTS - 1}" if parts < _SEVERAL_PARTS else f"{_SEVERAL_PARTS} or more"
