"""Parsed scores kept on disk: parsing a quartet takes seconds, reading arrays milliseconds."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import numpy as np

from beatmeter._util.atomic import replacing
from beatmeter.corpora.scores.parsing import (
    NOTE,
    ParsedScore,
    Signature,
    parse_score,
)

_FORMAT = 1


def parsed(path: Path, cache: Path | None) -> ParsedScore:
    """Parse a score, or take it from the folder `cache` when it was parsed before.

    Parameters
    ----------
    path : Path
        A MusicXML or MIDI file.
    cache : Path or None
        Folder of ``.npz`` files named by the content of the score; made when missing.

    Raises
    ------
    DatasetError
        If the file is not a readable score.
    """
    if cache is None:
        return parse_score(path)
    kept = cache / f"{_digest(path)}.npz"
    try:
        return _load(kept)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        score = parse_score(path)
        cache.mkdir(parents=True, exist_ok=True)
        _save(kept, score)
        return score


def _digest(path: Path) -> str:
    content = path.suffix.lower().encode() + path.read_bytes()
    return f"{hashlib.sha256(content).hexdigest()[:32]}-{_FORMAT}"


def _save(kept: Path, score: ParsedScore) -> None:
    with replacing(kept) as part, part.open("wb") as file:
        np.savez_compressed(
            file,
            notes=score.notes,
            bars=score.bars,
            signature_quarters=np.array([mark.quarter for mark in score.signatures]),
            signature_texts=np.array([mark.text for mark in score.signatures], dtype=np.str_),
            programs=np.array(score.programs),
            drums=np.array(score.drums),
            quarter_bpm=np.array(score.quarter_bpm),
        )


def _load(kept: Path) -> ParsedScore:
    with np.load(kept, allow_pickle=False) as arrays:
        return ParsedScore(
            notes=arrays["notes"].astype(NOTE),
            bars=arrays["bars"],
            signatures=tuple(
                Signature(float(quarter), str(text))
                for quarter, text in zip(
                    arrays["signature_quarters"], arrays["signature_texts"], strict=True
                )
            ),
            programs=tuple(arrays["programs"].tolist()),
            drums=tuple(arrays["drums"].tolist()),
            quarter_bpm=float(arrays["quarter_bpm"]),
        )
