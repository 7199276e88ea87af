"""The columns of a Parquet part, and how a row is made of an analysis.

A row holds what a line of JSON holds (:mod:`beatmeter.output.jsonl`), key by key, but for
``signals``: a column cannot have a field for each name, so they are a list of structures with a
``name``. Before these stand what only an archive knows: ``id``, ``failure`` and ``warnings``. Of a
recording that failed, every column from ``schema`` on is null.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from beatmeter._util.text import escape_control
from beatmeter.meters import METERS

if TYPE_CHECKING:
    import pyarrow as pa

ID_BYTES = 16
"""Of SHA-256: among a million recordings two share one with a probability of 10^-27."""


def identity(path: str) -> bytes:
    """The ``id`` of a recording: the first 16 bytes of the SHA-256 of its path's bytes."""
    return hashlib.sha256(os.fsencode(path)).digest()[:ID_BYTES]


def part_schema() -> pa.Schema:
    """Return the columns of a part, each with its meaning as metadata under ``about``."""
    import pyarrow as pa

    number, whole, flag, text = pa.float64(), pa.int16(), pa.bool_(), pa.string()
    scores = pa.struct([(str(meter), number) for meter in METERS])
    levels = {
        "time_signature": (text, "how the bar would be written, such as 7/8"),
        "tempo_bpm": (number, "tapped beats a minute"),
        "beat_bpm": (number, "counted beats a minute"),
        "bars_heard": (flag, "whether anything begins a bar"),
        "bar_duration_s": (number, "seconds; null when no bar is heard"),
        "grouping": (pa.list_(whole), "counted beats in each group of the bar; null when unsure"),
        "grouping_confidence": (number, "probability of the likeliest grouping"),
    }
    stretch = {"start_s": number, "end_s": number, "meter": whole, "confidence": number}
    segment = stretch | {name: kind for name, (kind, _) in levels.items()}
    window = stretch | {"time_signature": text, "tempo_bpm": number, "changed": flag}
    signal = {"name": text, "weight": number, "scores": scores, "unavailable": text}
    polyrhythm = {
        "meters": pa.list_(whole),
        "probability": number,
        "threshold": number,
        "found": flag,
    }
    columns = {
        "id": (pa.binary(ID_BYTES), "first 16 bytes of the SHA-256 of the path's bytes"),
        "path": (text, "the recording: an absolute path or an address; odd bytes are escaped"),
        "failure": (text, "why there is no analysis; null when there is one"),
        "warnings": (pa.list_(text), "what is damaged in it"),
        "schema": (whole, "version of the analysis's schema"),
        "duration_s": (number, "seconds"),
        "meter": (whole, "3, 4, 5, 7, 9 or 11"),
        "confidence": (number, "0 to 1"),
        "runner_up": (whole, "the second most probable meter"),
        "scores": (scores, "the fused distribution over the meters"),
        **levels,
        "segments": (pa.list_(pa.struct(segment.items())), "stretches of one meter"),
        "beats": (pa.list_(number), "counted beats, seconds"),
        "downbeats": (pa.list_(number), "beats that begin a bar, seconds"),
        "signals": (pa.list_(pa.struct(signal.items())), "what every signal says"),
        "not_asked": (pa.list_(text), "installed signals that were not asked"),
        "polyrhythm": (pa.struct(polyrhythm.items()), "evidence for two meters at once"),
        "timeline": (pa.list_(pa.struct(window.items())), "null without --timeline"),
    }
    return pa.schema(
        [
            pa.field(name, kind, nullable=name not in ("id", "path"), metadata={"about": about})
            for name, (kind, about) in columns.items()
        ]
    )


def analysed_row(path: str, line: Mapping[str, Any], warnings: Sequence[str]) -> dict[str, Any]:
    """Make a row of an analysis.

    Parameters
    ----------
    path : str
        May hold bytes that are no text, as Python keeps them.
    line : mapping
        What :func:`beatmeter.output.jsonl.to_mapping` returns; not changed.
    warnings : sequence of str
    """
    signals = [{"name": name, **said} for name, said in line["signals"].items()]
    known = {"path": _as_text(path), "failure": None, "warnings": [*map(_as_text, warnings)]}
    return {**line, "id": identity(path), **known, "signals": signals}


def failed_row(path: str, failure: str, warnings: Sequence[str] = ()) -> dict[str, Any]:
    """Make a row of a recording that could not be analysed."""
    return {
        "id": identity(path),
        "path": _as_text(path),
        "failure": _as_text(failure),
        "warnings": [*map(_as_text, warnings)],
    }


def line_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """Turn a row back into what its line of JSON holds; of a failure, ``path`` and ``failure``."""
    if row["failure"] is not None:
        return {"path": row["path"], "failure": row["failure"]}
    signals = {
        said["name"]: {key: value for key, value in said.items() if key != "name"}
        for said in row["signals"]
    }
    left_out = ("id", "failure", "warnings", "signals")
    return {k: v for k, v in row.items() if k not in left_out} | {"signals": signals}


def _as_text(name: str) -> str:
    """What Arrow can hold: bytes of a name that are no text become escapes."""
    return name if name.isprintable() else escape_control(name)
