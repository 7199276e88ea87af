"""Evaluations on disk, as JSON.

The clips with their probabilities are part of the file, so that two results can be compared clip
by clip and every figure computed again.
"""

from __future__ import annotations

import json
import math
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

from beatmeter._util.atomic import replacing
from beatmeter.errors import DatasetError
from beatmeter.meters import METERS
from beatmeter_mert.diagnostics.evaluation import Evaluation
from beatmeter_mert.diagnostics.predictions import Predictions

FORMAT = "beatmeter evaluation 1"
_DECIMALS = 6


def to_json(evaluation: Evaluation) -> dict[str, Any]:
    """Turn an evaluation into what :mod:`json` writes; what is not a number becomes null."""
    content = {
        field.name: _plain(getattr(evaluation, field.name))
        for field in fields(evaluation)
        if field.name != "predictions"
    }
    return {
        "format": FORMAT,
        "meters": list(METERS),
        **content,
        "clips": _clips(evaluation.predictions),
    }


def write_result(path: str | Path, evaluation: Evaluation) -> None:
    """Write an evaluation as JSON, atomically."""
    with replacing(path) as partial:
        partial.write_text(json.dumps(to_json(evaluation), indent=1), encoding="utf-8")


def read_predictions(path: str | Path) -> tuple[dict[str, str], Predictions]:
    """Read what a written evaluation was computed from.

    Returns
    -------
    about : dict of str to str
    predictions : Predictions
        Probabilities to six decimals.

    Raises
    ------
    DatasetError
        If the file is not a written evaluation.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        if content["format"] != FORMAT or content["meters"] != list(METERS):
            raise DatasetError(f"{path}: is not a result in the format {FORMAT!r}")
        clips = content["clips"]
        predictions = Predictions.from_arrays(
            [clip["probabilities"] for clip in clips],
            [[meter in clip["labels"] for meter in METERS] for clip in clips],
            [str(clip["work"]) for clip in clips],
            [str(clip["name"]) for clip in clips],
        )
        return {str(key): str(value) for key, value in content["about"].items()}, predictions
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError(f"{path}: is not a result in the format {FORMAT!r}") from error


def _clips(predictions: Predictions) -> list[dict[str, Any]]:
    rows = zip(
        predictions.names,
        predictions.works,
        predictions.labels,
        predictions.probabilities,
        strict=True,
    )
    return [
        {
            "name": name,
            "work": work,
            "labels": [meter for meter, true in zip(METERS, labels, strict=True) if true],
            "probabilities": [round(float(p), _DECIMALS) for p in probabilities],
        }
        for name, work, labels, probabilities in rows
    ]


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {_plain(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
