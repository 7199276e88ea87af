"""The audio of a rendered dataset, decoded once into a file that is mapped into memory.

The file holds the clips one after the other as 16-bit samples, and nothing else. It grows by whole
clips, so that decoding can be interrupted at any moment, and a dataset can be rendered further.
Runs that share a dataset wait for each other.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
from filelock import FileLock

from beatmeter._util.progress import track
from beatmeter.audio.decode import open_recording
from beatmeter.errors import DatasetError

FULL_SCALE = 32_767
_CACHE = "decoded-{digest}.int16"

Rows = npt.NDArray[np.int16]


def decoded_audio(folder: Path, names: list[str], sample_rate: int) -> Rows:
    """Map the audio of a dataset into memory, decoding what has not been decoded yet.

    Parameters
    ----------
    folder : Path
        Of the dataset; the cache is kept in it.
    names : list of str
        Audio files relative to the folder, all equally long, in an order that only grows.
    sample_rate : int
        Hz, that all the files must have.

    Returns
    -------
    ndarray of int16, shape (clips, samples)
        Read-only; full scale is 32767.

    Raises
    ------
    DatasetError
        If a file has another rate or length than the first.
    AudioError
        If a file cannot be decoded.
    """
    first = _decode(folder / names[0], sample_rate)
    row_bytes = first.nbytes
    path = folder / _CACHE.format(digest=_digest(folder, names[0], sample_rate))
    with FileLock(f"{path}.lock"), path.open("ab") as cache:
        done = cache.tell() // row_bytes
        cache.truncate(done * row_bytes)
        for name in track(names[done:], f"Decoding {folder.name}"):
            row = _decode(folder / name, sample_rate)
            if row.nbytes != row_bytes:
                raise DatasetError(
                    f"{folder / name}: has {len(row)} samples (allowed: {len(first)}, as the first)"
                )
            cache.write(row.tobytes())
    rows: Rows = np.memmap(path, np.int16, "r").reshape(-1, len(first))[: len(names)]
    return rows


def _decode(path: Path, sample_rate: int) -> Rows:
    with open_recording(path) as recording:
        if recording.sample_rate != sample_rate:
            raise DatasetError(f"{path}: {recording.sample_rate} Hz (allowed: {sample_rate})")
        samples = recording.read(0.0, recording.duration_s)
    return np.rint(np.clip(samples, -1.0, 1.0) * FULL_SCALE).astype(np.int16)


def _digest(folder: Path, first: str, sample_rate: int) -> str:
    """Tell one dataset from another that is rendered into the same folder."""
    digest = hashlib.sha256(f"{sample_rate}".encode())
    for name in ("dataset.json", first):
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()[:12]
