"""Predictions of a trained classifier on labelled clips; an interrupted run goes on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from beatmeter._util.memo import Arrays, Memo
from beatmeter._util.progress import track
from beatmeter.datasets.audio_index import LabelledFile
from beatmeter.meters import METERS
from beatmeter_mert.diagnostics.predictions import Predictions
from beatmeter_mert.model.evidence import evidence_code
from beatmeter_mert.training.clip_dataset import NO_AUGMENTATION, ClipDataset
from beatmeter_mert.training.labels import multi_hot

if TYPE_CHECKING:
    from beatmeter_mert.model import MertMeterClassifier

_KEPT = "predictions"
"""Subfolder of what was predicted so far."""


def predict_clips(
    model: MertMeterClassifier, files: Sequence[LabelledFile], folder: Path
) -> Predictions:
    """Predict the meters of the middle of every clip.

    Every prediction is kept in the folder at once; a later call with the same weights, and the same
    code for the evidence that the head takes, goes on from there, and predicts files that have
    changed anew.

    Raises
    ------
    OSError
        If a clip is gone, or the folder cannot be written to.
    AudioError
        If a clip cannot be decoded.
    """
    prepared = model.config.preprocessing
    dataset = ClipDataset(
        files, NO_AUGMENTATION, sample_rate=prepared.sample_rate, clip_s=prepared.clip_seconds
    )
    memo, made_by = Memo(folder / _KEPT), fingerprint(model)
    if model.config.head.has_evidence:
        made_by += f" {evidence_code()}"

    def predict(index: int) -> Arrays:
        found = model.predict(dataset[index]["samples"], prepared.sample_rate).probabilities
        return {"probabilities": np.array([found[meter] for meter in METERS])}

    rows = []
    for index, file in track(enumerate(files), "Evaluating clips", total=len(files)):
        state = file.path.stat()
        key = f"{made_by} {file.clip.filename} {state.st_size} {state.st_mtime_ns}"
        rows.append(memo.recall(key, partial(predict, index))["probabilities"])
    clips = [file.clip for file in files]
    return Predictions.from_arrays(
        rows,
        multi_hot(clips),
        [clip.work for clip in clips],
        [clip.filename for clip in clips],
    )


def fingerprint(model: MertMeterClassifier) -> str:
    """Hash of everything that predictions depend on besides the audio: 16 hexadecimal digits."""
    how = f"{model.embedding_fingerprint} {model.config.tta_rates} {model.config.scaling}"
    digest = hashlib.sha256(how.encode())
    for name, tensor in sorted(model.head.state_dict().items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(tensor.cpu().float().numpy()).tobytes())
    return digest.hexdigest()[:16]
