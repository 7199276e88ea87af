"""Dividing clips into training, validation and test, so that no work is in two of them."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence

from beatmeter.datasets.labels import LabelledClip

SPLITS = ("train", "val", "test")
SHARES = (0.7, 0.15, 0.15)
"""Of the works, for each split."""


def split_by_work(clips: Sequence[LabelledClip], seed: int = 0) -> dict[str, list[LabelledClip]]:
    """Divide clips by the song or score they were cut from.

    Works with the same meters are divided among themselves, so that a rare meter is in every
    split when there are three works of it or more. Which work goes where depends on its name and
    the seed alone, not on the order of the clips.

    Parameters
    ----------
    clips : sequence of LabelledClip
        All clips of a work belong together, whatever their own labels.

    Returns
    -------
    dict of str to list of LabelledClip
        Keys are :data:`SPLITS`; clips keep their order.
    """
    meters_of_work: dict[str, set[int]] = defaultdict(set)
    for clip in clips:
        meters_of_work[clip.work].update(clip.meters)
    strata: dict[tuple[int, ...], list[str]] = defaultdict(list)
    for work, meters in meters_of_work.items():
        strata[tuple(sorted(meters))].append(work)
    split_of_work: dict[str, str] = {}
    for works in strata.values():
        works.sort(key=lambda work: hashlib.sha256(f"{seed}:{work}".encode()).digest())
        sizes = zip(SPLITS, _sizes(len(works)), strict=True)
        names = [name for name, size in sizes for _ in range(size)]
        split_of_work.update(zip(works, names, strict=True))
    return {name: [clip for clip in clips if split_of_work[clip.work] == name] for name in SPLITS}


def _sizes(count: int) -> list[int]:
    """Whole numbers summing to `count`: training first, then one to each split, then by share."""
    sizes = [0] * len(SHARES)
    for _ in range(count):
        shortfall = {index: share * count - sizes[index] for index, share in enumerate(SHARES)}
        empty = [index for index in shortfall if sizes[index] == 0]
        sizes[max(empty or shortfall, key=lambda index: shortfall[index])] += 1
    return sizes
