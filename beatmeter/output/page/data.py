"""What a page is told: the JSON of an analysis, put in the order in which a person asks.

``page_data`` gives a plain dict that survives JSON:

- ``name``: the file's name, printable; ``duration_s``.
- ``meters``: the six, in the order of all lists of scores.
- ``verdict``: ``meter``, ``confidence``, ``runner_up``, ``runner_up_confidence``,
  ``time_signature``, ``tempo_bpm``, ``beat_bpm``, ``bars_heard``, ``bar_duration_s``, ``grouping``.
- ``scores``: the fused distribution, six numbers.
- ``grids``: what one can look at and listen to, the found one first, then the second best where
  there is one. Each has a ``name``, ``beats``, ``downbeats`` and ``segments`` (``start_s``,
  ``end_s``, ``meter``, ``confidence``, ``time_signature``, ``tempo_bpm``, ``bars_heard``,
  ``bar_duration_s``).
- ``signals``: by weight, each with ``name``, ``weight``, ``scores`` (six numbers, or null) and
  ``unavailable`` (why, or null).
- ``spans``: what was heard over time, each with ``start_s``, ``end_s``, ``scores`` and ``signals``
  (by name, six numbers); ``spans_are`` is "windows" where a timeline was asked for, else
  "excerpts".
- ``polyrhythm``, ``not_asked``: as in the JSON.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from beatmeter._util.text import escape_control
from beatmeter.meters import METERS

FOUND, SECOND = "found", "second best"
"""Names of grids."""

_DIGITS = 6  # decimals of a score
_MILLISECOND = 1e-3  # to which beats are rounded: a segment may begin a little after its own
_ROUNDING = 0.01  # six shares, each rounded to a thousandth

_VERDICT = (
    *("meter", "confidence", "runner_up", "time_signature", "tempo_bpm", "beat_bpm"),
    *("bars_heard", "bar_duration_s", "grouping"),
)
_SEGMENT = (
    *("meter", "confidence", "time_signature", "tempo_bpm", "bars_heard", "bar_duration_s"),
)


def page_data(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page of an analysis is told.

    Parameters
    ----------
    row : mapping
        From :func:`beatmeter.output.jsonl.to_mapping`, or a line of a report. Lines written before
        ``excerpts`` and ``alternative`` were told have no second grid and nothing over time.
    """
    path = row["path"]
    windows = row["timeline"]
    return {
        "name": "samples" if path is None else escape_control(PurePath(path).name),
        "duration_s": row["duration_s"],
        "meters": list(METERS),
        "verdict": {key: row[key] for key in _VERDICT}
        | {"runner_up_confidence": row["scores"][str(row["runner_up"])]},
        "scores": _in_order(row["scores"]),
        "grids": _grids(row),
        "signals": _signals(row),
        "spans": [
            {key: span[key] for key in ("start_s", "end_s", "scores", "signals")}
            for span in windows or row.get("excerpts", [])
            if "signals" in span
        ],
        "spans_are": "windows" if windows else "excerpts",
        "polyrhythm": row["polyrhythm"],
        "not_asked": row["not_asked"],
    }


def _in_order(scores: Mapping[str, float]) -> list[float]:
    return [scores[str(meter)] for meter in METERS]


def _grids(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    segments = row["segments"]
    found = {
        "name": FOUND,
        "beats": row["beats"],
        "downbeats": row["downbeats"],
        "segments": [_segment(segment, segment) for segment in segments],
    }
    if not any(segment.get("alternative") for segment in segments):
        return [found]
    parts = [segment.get("alternative") or _found_in(segment, row) for segment in segments]
    second = {
        "name": SECOND,
        "beats": [beat for part in parts for beat in part["beats"]],
        "downbeats": [beat for part in parts for beat in part["downbeats"]],
        "segments": [
            _segment(segment, part) for segment, part in zip(segments, parts, strict=True)
        ],
    }
    return [found, second]


def _found_in(segment: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """A segment with its own beats: what the second grid holds where there is no other."""
    start, end = segment["start_s"] - _MILLISECOND, segment["end_s"] - _MILLISECOND
    within = {
        name: [time for time in row[name] if start <= time < end] for name in ("beats", "downbeats")
    }
    return {**segment, **within}


def _segment(span: Mapping[str, Any], levels: Mapping[str, Any]) -> dict[str, Any]:
    return {key: span[key] for key in ("start_s", "end_s")} | {key: levels[key] for key in _SEGMENT}


def _signals(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What each signal says of the whole, by weight, scaled as in the excerpts."""
    told = []
    for name, output in sorted(row["signals"].items(), key=lambda item: -item[1]["weight"]):
        scores = None if output["scores"] is None else _in_order(output["scores"])
        if scores is not None and _is_distribution(row, name, scores):
            total = sum(scores)
            scores = [round(score / total, _DIGITS) for score in scores]
        told.append(
            {
                "name": name,
                "weight": output["weight"],
                "scores": scores,
                "unavailable": output["unavailable"],
            }
        )
    return told


def _is_distribution(row: Mapping[str, Any], name: str, scores: Sequence[float]) -> bool:
    """Whether a signal's scores exclude each other: then those of each excerpt sum to 1."""
    sums = [
        sum(excerpt["signals"][name])
        for excerpt in row.get("excerpts", [])
        if name in excerpt["signals"]
    ]
    if not sums:
        return max(scores) > 1.0
    return all(abs(total - 1.0) < _ROUNDING for total in sums)
