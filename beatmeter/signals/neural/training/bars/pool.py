"""Pulses read from their shards and held where they are learned from, and batches of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from beatmeter._util.arrays import Floats, Integers
from beatmeter.signals.neural.npz import open_npz
from beatmeter.signals.neural.training.bars.examples import KINDS
from beatmeter.signals.neural.training.bars.labels import UNKNOWN, Times

MOST_BEATS = 96
"""Of a pulse that are heard at a time in training: half a minute of quick beats."""
_CROPPED_FROM = 40
"""Beats from which a pulse is sometimes heard in part."""
_CROPPED_SHARE = 0.3
_FEWEST_CROPPED = 24

_OF_PULSES = ("clip", "kind", "length", "counted")
_OF_CLIPS = ("meter", "known")


@dataclass(frozen=True)
class Pool:
    """Pulses of clips, one after another.

    Attributes
    ----------
    features : Tensor of float16, shape (all beats, d)
    hidden : int
        How many of the features, the last, are of the frame network's hidden layer.
    downbeat : Tensor of int8, shape (all beats,)
        1, 0 or ``UNKNOWN``.
    times : ndarray, shape (all beats,)
        Seconds.
    starts : ndarray of int, shape (pulses + 1,)
        Where each pulse lies among the beats.
    kind, length, counted : ndarray of int, shape (pulses,)
        Index of ``KINDS``; labels, see :mod:`.labels`.
    pulses : ndarray of int, shape (clips + 1,)
        Where the pulses of each clip lie among the pulses.
    meter : ndarray of int, shape (clips,)
    known : ndarray of bool, shape (clips,)
        Whether beats and bars are known throughout.
    beats, downbeats : list of ndarray
        Of each clip, annotated, in seconds.
    rows : list of dict
        Family, meter and what else is known of each clip.
    """

    features: Tensor
    hidden: int
    downbeat: Tensor
    times: Times
    starts: Integers
    kind: Integers
    length: Integers
    counted: Integers
    pulses: Integers
    meter: Integers
    known: npt.NDArray[np.bool_]
    beats: list[Times]
    downbeats: list[Times]
    rows: list[dict[str, Any]]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def device(self) -> torch.device:
        """Where features and downbeats are."""
        return self.features.device

    def of_clip(self, clip: int) -> range:
        """Numbers of a clip's pulses."""
        return range(self.pulses[clip], self.pulses[clip + 1])

    def times_of(self, pulse: int) -> Times:
        """Seconds of a pulse's beats."""
        return self.times[self.starts[pulse] : self.starts[pulse + 1]]


@dataclass(frozen=True)
class Batch:
    """Pulses beside one another, padded to one length.

    Attributes
    ----------
    features : Tensor of float32, shape (batch, beats, d)
    heard : Tensor of bool, shape (batch, beats)
        False where it is padding.
    downbeat : Tensor of float32, shape (batch, beats)
        1, 0, or ``UNKNOWN``, as it is in the padding.
    length, meter, counted : Tensor of int64, shape (batch,)
    """

    features: Tensor
    heard: Tensor
    downbeat: Tensor
    length: Tensor
    meter: Tensor
    counted: Tensor


def load_pool(folder: Path, device: torch.device) -> Pool:
    """Read the shards of pulses of a folder and of those in it, in the order of their names.

    Raises
    ------
    ValueError
        If there are no pulses, or a file is not such a shard.
    """
    paths = sorted(folder.rglob("*.npz"))
    shards = [_read(path) for path in paths]
    starts = _edges([np.diff(shard["pulse_start"]) for shard in shards] or [np.zeros(0, int)])
    if not starts[-1]:
        raise ValueError(f"{folder}: no pulses are there")
    joined = {
        name: np.concatenate([shard[name] for shard in shards])
        for name in ("times", "downbeat", "kind", "length", "counted", *_OF_CLIPS)
    }
    counts = [np.bincount(shard["clip"], minlength=len(shard["rows"])) for shard in shards]
    features = _features(paths, int(starts[-1]), device)
    hidden = max(shard["hidden"] for shard in shards)
    if not 0 <= hidden <= features.shape[1]:
        raise ValueError(f"{folder}: {hidden} of {features.shape[1]} features are hidden ones")
    return Pool(
        features=features,
        hidden=hidden,
        downbeat=torch.from_numpy(joined.pop("downbeat")).to(device),
        starts=starts,
        pulses=_edges(counts),
        beats=[times for shard in shards for times in shard["beats"]],
        downbeats=[times for shard in shards for times in shard["downbeats"]],
        rows=[row for shard in shards for row in shard["rows"]],
        **joined,
    )


def batch_of(pool: Pool, pulses: Sequence[int], first: Integers, last: Integers) -> Batch:
    """Parts of pulses, from the first of their beats that is heard to before the last.

    Parameters
    ----------
    pool : Pool
    pulses : sequence of int
    first, last : ndarray of int, shape (batch,)
        Beats within each pulse.
    """
    chosen = np.asarray(pulses)
    counts = last - first
    steps = np.arange(counts.max())
    inside = steps < counts[:, None]
    rows = np.where(inside, (pool.starts[chosen] + first)[:, None] + steps, 0)
    heard, index = (torch.from_numpy(each).to(pool.device) for each in (inside, rows))
    clips = np.searchsorted(pool.pulses, chosen, side="right") - 1
    length, meter, counted = (
        torch.from_numpy(labels).to(pool.device)
        for labels in (pool.length[chosen], pool.meter[clips], pool.counted[chosen])
    )
    return Batch(
        features=pool.features[index].float() * heard[..., None],
        heard=heard,
        downbeat=torch.where(heard, pool.downbeat[index].float(), float(UNKNOWN)),
        length=length,
        meter=meter,
        counted=counted,
    )


def whole(pool: Pool, pulses: Sequence[int]) -> Batch:
    """Pulses from their first beat to their last."""
    counts = np.diff(pool.starts)[list(pulses)]
    return batch_of(pool, pulses, np.zeros_like(counts), counts)


@dataclass(frozen=True)
class Draw:
    """Which clips and pulses are drawn how often.

    Attributes
    ----------
    clips : ndarray, shape (clips,)
        How often each clip is drawn on every pass through the pool.
    pulses : ndarray, shape (pulses + 1,)
        Sums of the shares of the pulses before each.
    """

    clips: Floats
    pulses: Floats

    def order(self, count: int, seed: int) -> Integers:
        """Clips in the order in which they are drawn, pass after pass: shape (count,).

        A clip that is drawn 1.3 times a pass is in every pass once, and in three of ten twice.
        """
        rng = np.random.default_rng(seed)
        always, rest = np.divmod(self.clips, 1.0)
        passes: list[Integers] = []
        while sum(map(len, passes)) < count:
            times = always.astype(int) + (rng.random(len(rest)) < rest)
            passes.append(rng.permutation(np.repeat(np.arange(len(times)), times)))
        return np.concatenate(passes)[:count]


def draw_from(
    pool: Pool,
    kinds: Mapping[str, float],
    families: Mapping[str, float],
    leave_out: Sequence[str],
) -> Draw:
    """How often clips are drawn by family, and pulses by kind.

    Parameters
    ----------
    pool : Pool
    kinds : mapping of str to float
        Shares of the kinds of pulses, in any proportion; others are not drawn.
    families : mapping of str to float
        How often clips of a family are drawn a pass; once for families that are not named. A
        family may be named that is not there.
    leave_out : sequence of str
        Families of which nothing is learned.

    Raises
    ------
    ValueError
        If a family that is left out is not there, or nothing is left.
    """
    of_clips = [str(row.get("family", "")) for row in pool.rows]
    there = sorted(set(of_clips))
    for family in leave_out:
        if family not in there:
            raise ValueError(f"leave_out: no clip is of {family!r}; there are {', '.join(there)}")
    weights = dict.fromkeys(there, 1.0) | dict(families) | dict.fromkeys(leave_out, 0.0)
    shares = np.array([kinds.get(name, 0.0) for name in KINDS])[pool.kind]
    sums = np.concatenate([[0.0], np.cumsum(shares)])
    has_pulses = np.diff(sums[pool.pulses]) > 0
    clips = np.array([weights[family] for family in of_clips]) * has_pulses
    if clips.sum() < 1:
        raise ValueError("no clip is left to learn from: families or kinds of pulses are left out")
    return Draw(clips, sums)


def random_batch(pool: Pool, draw: Draw, clips: Integers, rng: np.random.Generator) -> Batch:
    """One pulse of each clip, by chance; a part of it where it is long, and of some others."""
    low, high = draw.pulses[pool.pulses[clips]], draw.pulses[pool.pulses[clips + 1]]
    places = low + (high - low) * rng.random(len(clips))
    pulses = np.searchsorted(draw.pulses, places, side="right") - 1
    pulses = np.clip(pulses, pool.pulses[clips], pool.pulses[clips + 1] - 1)
    counts = np.diff(pool.starts)[pulses]
    lengths = np.minimum(counts, MOST_BEATS)
    cropped = (lengths > _CROPPED_FROM) & (rng.random(len(clips)) < _CROPPED_SHARE)
    lengths = np.where(
        cropped, rng.integers(_FEWEST_CROPPED, np.maximum(lengths, _FEWEST_CROPPED + 1)), lengths
    )
    first = rng.integers(0, counts - lengths + 1)
    return batch_of(pool, pulses.tolist(), first, first + lengths)


def _read(path: Path) -> dict[str, Any]:
    """All but the features, which are large and read one shard at a time."""
    with open_npz(path, "shard of pulses") as stored:
        names = ("times", "downbeat", "pulse_start", *_OF_PULSES, *_OF_CLIPS)
        shard: dict[str, Any] = {name: stored[name] for name in names}
        shard["rows"] = json.loads(str(stored["rows"]))
        shard["hidden"] = int(stored["hidden"])
        for name in ("beats", "downbeats"):
            parts = np.split(stored[name], stored[f"{name}_start"][1:-1])
            shard[name] = parts[: len(shard["rows"])]  # one empty part where there is no clip
    beats, pulses, clips = len(shard["times"]), len(shard["clip"]), len(shard["rows"])
    lengths = [
        (len(shard["downbeat"]), beats),
        (len(shard["pulse_start"]), pulses + 1),
        *((len(shard[name]), pulses) for name in _OF_PULSES),
        *((len(shard[name]), clips) for name in (*_OF_CLIPS, "beats", "downbeats")),
    ]
    if any(found != wanted for found, wanted in lengths):
        raise ValueError(f"{path}: not a shard of pulses: its arrays are of several lengths")
    edges, owners = shard["pulse_start"], np.concatenate([[0], shard["clip"], [clips - 1]])
    ordered = (np.diff(edges) > 0).all() and (np.diff(owners) >= 0).all()
    if pulses and not (ordered and edges[0] == 0 and edges[-1] == beats):
        raise ValueError(f"{path}: not a shard of pulses: they are out of order")
    return shard


def _features(paths: Sequence[Path], beats: int, device: torch.device) -> Tensor:
    features: Tensor | None = None
    at = 0
    for path in paths:
        with open_npz(path, "shard of pulses") as stored:
            values = torch.from_numpy(stored["features"])
        if not len(values):
            continue
        if features is None:
            features = torch.empty((beats, values.shape[1]), dtype=torch.float16, device=device)
        if values.shape[1:] != features.shape[1:] or at + len(values) > beats:
            raise ValueError(f"{path}: not a shard of pulses: features are {tuple(values.shape)}")
        features[at : at + len(values)] = values
        at += len(values)
    if features is None or at != beats:
        raise ValueError(f"{paths[0].parent}: features of {at} beats, not of {beats}")
    return features


def _edges(counts: Sequence[npt.NDArray[np.integer]]) -> Integers:
    return np.concatenate([[0], np.cumsum(np.concatenate(counts), dtype=np.int64)])
