"""Making sure, before a long run, that every clip can be heard."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from beatmeter._util.progress import track
from beatmeter.audio.decode import SHORTEST_S, SILENCE_PEAK, open_recording
from beatmeter.errors import AudioError, AudioWarning, DatasetError
from beatmeter_mert.training.audio_index import LabelledFile, LeftOut

_PIECE_S = 60.0
_THREADS = 4


def decodable(files: Sequence[LabelledFile]) -> tuple[list[LabelledFile], list[LeftOut]]:
    """Decode every file from end to end, and part the good from the bad.

    Bad files cannot be decoded, end before the length they declare, are shorter than two seconds
    or silent, or hold samples that are not finite.

    Parameters
    ----------
    files : sequence of LabelledFile

    Returns
    -------
    good : list of LabelledFile
        In the order given.
    left_out : list of LeftOut
    """
    good, left_out = [], []
    with warnings.catch_warnings(), ThreadPoolExecutor(_THREADS) as pool:
        warnings.simplefilter("error", AudioWarning)
        reasons = track(pool.map(_reason_against, files), "Checking clips", total=len(files))
        for file, reason in zip(files, reasons, strict=True):
            if reason is None:
                good.append(file)
            else:
                left_out.append(LeftOut(file.clip.filename, reason))
    return good, left_out


def refuse_if_bad(count: int, left_out: Sequence[LeftOut], max_share: float) -> None:
    """Raise when too much of a dataset cannot be used.

    Parameters
    ----------
    count : int
        Clips in all, the bad ones included.
    left_out : sequence of LeftOut
    max_share : float in [0, 1]

    Raises
    ------
    DatasetError
        If more than `max_share` of the clips are left out, or there is none; the message holds
        the first few of them with their reasons.
    """
    if count == 0:
        raise DatasetError("dataset: no clips (allowed: at least one)")
    if len(left_out) > max_share * count:
        first = "; ".join(f"{clip.filename}: {clip.reason}" for clip in left_out[:3])
        raise DatasetError(
            f"dataset: {len(left_out)} of {count} clips cannot be used "
            f"(allowed: {max_share:.0%}): {first}"
        )


def _reason_against(file: LabelledFile) -> str | None:
    lowest = highest = 0.0
    try:
        with open_recording(file.path) as recording:
            duration_s = recording.duration_s
            for start_s in np.arange(0.0, duration_s, _PIECE_S):
                piece = recording.read(start_s, start_s + _PIECE_S)
                lowest = min(lowest, piece.min(initial=0.0))
                highest = max(highest, piece.max(initial=0.0))
    except (AudioError, AudioWarning) as error:
        return str(error)
    if duration_s < SHORTEST_S:
        return f"is {duration_s:.2f} s long"
    if highest - lowest < 2 * SILENCE_PEAK:
        return "is silent"
    return None
