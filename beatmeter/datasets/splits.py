"""Dividing clips into training, validation and test, so that no work is in two of them."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence

from beatmeter.datasets.labels import LabelledClip
from beatmeter.errors import DatasetError

SPLITS = ("train", "val", "test")
SHARES = (0.7, 0.15, 0.15)


def split_by_work(
    clips: Sequence[LabelledClip], shares: Sequence[float] = SHARES, seed: int = 0
) -> dict[str, list[LabelledClip]]:
    """Divide clips by the song or score they were cut from.

    Works with the same meters are divided among themselves, so that a rare meter is in every
    split when there are three works of it or more. Which work goes where depends on its name and
    the seed alone, not on the order of the clips.

    Parameters
    ----------
    clips : sequence of LabelledClip
        All clips of a work belong together, whatever their own labels.
    shares : three floats, not negative, summing to 1
        Of works, for each of :data:`SPLITS`.

    Returns
    -------
    dict of str to list of LabelledClip
        Keys are :data:`SPLITS`; clips keep their order.

    Raises
    ------
    DatasetError
        If the shares are not such numbers.
    """
    if len(shares) != len(SPLITS) or min(shares) < 0 or abs(sum(shares) - 1) > 1e-9:
        raise DatasetError(f"shares of the splits: {tuple(shares)} (allowed: three, summing to 1)")
    meters_of_work: dict[str, set[int]] = defaultdict(set)
    for clip in clips:
        meters_of_work[clip.work].update(clip.meters)
    strata: dict[tuple[int, ...], list[str]] = defaultdict(list)
    for work, meters in meters_of_work.items():
        strata[tuple(sorted(meters))].append(work)
    split_of_work: dict[str, str] = {}
    for works in strata.values():
        works.sort(key=lambda work: hashlib.sha256(f"{seed}:{work}".encode()).digest())
        sizes = _sizes(len(works), shares)
        names = [name for name, size in zip(SPLITS, sizes, strict=True) for _ in range(size)]
        split_of_work.update(zip(works, names, strict=True))
    return {name: [clip for clip in clips if split_of_work[clip.work] == name] for name in SPLITS}


def _sizes(count: int, shares: Sequence[float]) -> list[int]:
    """Whole numbers summing to `count`: training first, then one to each split, then by share."""
    sizes = [0] * len(shares)
    for _ in range(count):
        wanted = [index for index, share in enumerate(shares) if share > 0]
        empty = [index for index in wanted if sizes[index] == 0]
        pool = empty or wanted
        shortfall = {index: shares[index] * count - sizes[index] for index in pool}
        sizes[max(pool, key=lambda index: shortfall[index])] += 1
    return sizes
