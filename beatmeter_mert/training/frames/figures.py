"""What a run is judged by: the meters of clips that were left out."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from beatmeter.meters import METERS
from beatmeter.signals.neural.training.augmentation import cut
from beatmeter.signals.neural.training.frames import MASKED, Clips
from beatmeter_mert.training.frames.targets import row_meters, thinned

if TYPE_CHECKING:
    from beatmeter_mert.training.frames.student import FrameStudent

Figures = dict[str, Any]
Floats = npt.NDArray[np.float64]

_BATCH = 32
GROUPS = ("family", "held_out", "soundfont")


@torch.inference_mode()
def figures_of(
    student: FrameStudent, clips: Clips, precision: AbstractContextManager[Any]
) -> Figures:
    """Judge a network on whole clips.

    Returns
    -------
    dict
        ``all``, then ``family`` and other groups by their names, each with ``clips``, and of the
        clips in a single meter ``accuracy`` and ``balanced_accuracy`` by the most probable meter,
        ``by_frames`` (balanced, by the bar lengths of the frames instead), and the recall of each
        meter.
    """
    student.eval()
    heard: list[tuple[Floats, Floats, float]] = []
    longest = int(clips.lengths.max())
    for first in range(0, len(clips), _BATCH):
        numbers = torch.arange(first, min(first + _BATCH, len(clips)), device=clips.device)
        zeros = torch.zeros(len(numbers), device=clips.device)
        batch = cut(clips, numbers, zeros, zeros + 1.0, longest)
        with precision:
            targets = thinned(batch, student.hop)
            answers = student(batch.log_mel, targets.heard)
        known = targets.bar != MASKED
        frames = answers.late[..., 2:].log_softmax(dim=2)[..., : len(METERS)]
        by_frames = (frames * known[..., None]).sum(dim=1)
        error = functional.cross_entropy(
            answers.late[..., 2:].flatten(0, 1), targets.bar.flatten(), ignore_index=MASKED
        )
        heard.append(
            (answers.meters.double().cpu().numpy(), by_frames.double().cpu().numpy(), float(error))
        )
    of_clips = np.concatenate([meters for meters, _, _ in heard]).argmax(axis=1)
    of_frames = np.concatenate([frames for _, frames, _ in heard]).argmax(axis=1)
    truth = np.array([_single(row) for row in clips.rows])
    result: Figures = {"all": {"all": _figures(truth, of_clips, of_frames)}}
    result["all"]["all"]["bar_loss"] = round(float(np.nanmean([e for _, _, e in heard])), 4)
    for group in GROUPS:
        names = np.array([str(row.get(group, "")) for row in clips.rows])
        if len(set(names)) > 1:
            result[group] = {
                name: _figures(*(values[names == name] for values in (truth, of_clips, of_frames)))
                for name in sorted(set(names))
            }
    return result


def _single(row: dict[str, Any]) -> int:
    meters = row_meters(row)
    return METERS.index(meters[0]) if len(meters) == 1 else -1


def _figures(truth: Floats, by_clip: Floats, by_frames: Floats) -> dict[str, Any]:
    judged = truth >= 0
    truth, by_clip, by_frames = truth[judged], by_clip[judged], by_frames[judged]
    recalls = {
        str(meter): round(float((by_clip[truth == place] == place).mean()), 4)
        for place, meter in enumerate(METERS)
        if (truth == place).any()
    }
    balanced = [
        float((by_frames[truth == place] == place).mean())
        for place in range(len(METERS))
        if (truth == place).any()
    ]
    return {
        "clips": int(judged.sum()),
        "accuracy": _mean((by_clip == truth).tolist()),
        "balanced_accuracy": _mean(list(recalls.values())),
        "by_frames": _mean(balanced),
        "recall": recalls,
    }


def _mean(values: list[float]) -> float | None:
    return round(float(np.mean(values)), 4) if values else None
