"""Predictions of a trained classifier on labelled clips; an interrupted run goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from beatmeter._util.progress import track
from beatmeter.datasets.audio_index import LabelledFile
from beatmeter.errors import DatasetError
from beatmeter.meters import METERS
from beatmeter_mert.diagnostics.predictions import Predictions
from beatmeter_mert.training.clip_dataset import NO_AUGMENTATION, ClipDataset
from beatmeter_mert.training.labels import multi_hot

if TYPE_CHECKING:
    from beatmeter_mert.model import MertMeterClassifier

_RECORD = "answers.jsonl"


def predict_clips(
    model: MertMeterClassifier, files: Sequence[LabelledFile], folder: Path
) -> Predictions:
    """Predict the meters of the middle of every clip.

    Every prediction is noted in the folder at once; a later call with the same weights goes on from
    there, and predicts files that have changed anew.

    Raises
    ------
    DatasetError
        If the folder cannot be written.
    """
    prepared = model.config.preprocessing
    dataset = ClipDataset(
        files, NO_AUGMENTATION, sample_rate=prepared.sample_rate, clip_s=prepared.clip_seconds
    )
    try:
        record = _Record(folder / _RECORD, fingerprint(model))
        for index, file in track(enumerate(files), "Evaluating clips", total=len(files)):
            if file not in record:
                predicted = model.predict(dataset[index]["samples"], prepared.sample_rate)
                record.add(file, [predicted.probabilities[meter] for meter in METERS])
    except OSError as error:
        raise DatasetError(f"{folder}: cannot be written ({error.strerror})") from error
    clips = [file.clip for file in files]
    return Predictions.from_arrays(
        [record[file] for file in files],
        multi_hot(clips),
        [clip.work for clip in clips],
        [clip.filename for clip in clips],
    )


def fingerprint(model: MertMeterClassifier) -> str:
    """Digest everything that predictions depend on besides the audio: 16 hexadecimal digits."""
    how = f"{model.embedding_fingerprint} {model.config.tta_rates} {model.config.scaling}"
    digest = hashlib.sha256(how.encode())
    for name, tensor in sorted(model.head.state_dict().items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(tensor.cpu().float().numpy()).tobytes())
    return digest.hexdigest()[:16]


class _Record:
    """Predictions on disk, one line each, after a line that says whose they are."""

    def __init__(self, path: Path, weights: str) -> None:
        self._path = path
        self._probabilities: dict[str, list[float]] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        header = json.dumps({"weights": weights})
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        if lines[:1] == [header]:
            self._probabilities = dict(_whole_lines(lines[1:]))
        rows = [json.dumps([key, row]) for key, row in self._probabilities.items()]
        path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")

    def __contains__(self, file: LabelledFile) -> bool:
        return _key(file) in self._probabilities

    def add(self, file: LabelledFile, probabilities: list[float]) -> None:
        self._probabilities[_key(file)] = probabilities
        with self._path.open("a", encoding="utf-8") as target:
            target.write(json.dumps([_key(file), probabilities]) + "\n")

    def __getitem__(self, file: LabelledFile) -> list[float]:
        return self._probabilities[_key(file)]


def _whole_lines(lines: list[str]) -> list[tuple[str, list[float]]]:
    """The predictions up to the first line that an interruption cut short."""
    whole = []
    for line in lines:
        try:
            key, probabilities = json.loads(line)
        except ValueError:
            break
        whole.append((str(key), [float(p) for p in probabilities]))
    return whole


def _key(file: LabelledFile) -> str:
    state = file.path.stat()
    return f"{file.clip.filename} {state.st_size} {state.st_mtime_ns}"
