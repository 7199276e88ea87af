"""An analysis as JAMS, the interchange format of music annotations.

Humphrey, Salamon, Nieto, Forsyth, Bittner and Bello, "JAMS: A JSON Annotated Music Specification
for Reproducible MIR Research", ISMIR 2014.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from beatmeter import __version__
from beatmeter._util.atomic import replacing
from beatmeter.errors import ReportError

if TYPE_CHECKING:
    from pathlib import Path

    from beatmeter.analysis import Analysis


def write_jams(analysis: Analysis, path: str | Path) -> None:
    """Write an analysis as a JAMS file, atomically.

    It holds ``tempo``; ``beat_position``, where a bar has ``num_beats`` beats of the meter and
    beats before the first downbeat lie in measure 0; and ``segment_open``, whose values are the
    time signatures of the timeline, or the one of the whole recording.

    Parameters
    ----------
    analysis : Analysis
    path : str or Path

    Raises
    ------
    ReportError
        If the package ``jams`` is missing.
    OSError
        If the file cannot be written.
    """
    try:
        import jams
    except ImportError as error:
        raise ReportError(
            "--jams needs the package jams (pip install 'beatmeter[jams]')"
        ) from error
    document = jams.JAMS()
    document.file_metadata.duration = analysis.duration_s
    document.file_metadata.title = analysis.path or ""
    for namespace, rows in _annotations(analysis).items():
        metadata = jams.AnnotationMetadata(
            annotation_tools=f"beatmeter {__version__}", data_source="program"
        )
        document.annotations.append(
            jams.Annotation(
                namespace,
                data=rows,
                annotation_metadata=metadata,
                time=0.0,
                duration=analysis.duration_s,
            )
        )
    with replacing(path) as partial:
        partial.write_text(document.dumps(indent=1), encoding="utf-8")


def _annotations(analysis: Analysis) -> dict[str, list[dict[str, Any]]]:
    return {
        "tempo": [_row(0.0, analysis.duration_s, float(analysis.tempo_bpm), analysis.confidence)],
        "beat_position": _beat_positions(analysis),
        "segment_open": _segments(analysis),
    }


def _beat_positions(analysis: Analysis) -> list[dict[str, Any]]:
    measures = np.searchsorted(analysis.downbeats, analysis.beats, side="right")
    positions = np.arange(len(measures)) - np.searchsorted(measures, measures) + 1
    pickup = measures == 0
    positions[pickup] += analysis.meter - np.count_nonzero(pickup)
    unit = int(analysis.time_signature.partition("/")[2])
    return [
        _row(
            float(time),
            0.0,
            {
                "position": max(1, int(position)),
                "measure": int(measure),
                "num_beats": analysis.meter,
                "beat_units": unit,
            },
            None,
        )
        for time, position, measure in zip(analysis.beats, positions, measures, strict=True)
    ]


def _segments(analysis: Analysis) -> list[dict[str, Any]]:
    if analysis.timeline is None:
        return [_row(0.0, analysis.duration_s, analysis.time_signature, analysis.confidence)]
    return [
        _row(
            window.start_s, window.end_s - window.start_s, window.time_signature, window.confidence
        )
        for window in analysis.timeline
    ]


def _row(time: float, duration: float, value: Any, confidence: float | None) -> dict[str, Any]:
    return {"time": time, "duration": duration, "value": value, "confidence": confidence}
