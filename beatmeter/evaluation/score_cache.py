"""Scores of signals on recordings, kept by what they depend on."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from beatmeter._util.atomic import replacing
from beatmeter._util.folders import cache_folder
from beatmeter.errors import MeterError
from beatmeter.meters import MeterScores, Polyrhythm, ScoreKind


@dataclass(frozen=True)
class ScoreCache:
    """A folder with one small file for each signal's scores on each recording.

    Only scores are kept: a signal that abstained is asked again.
    """

    folder: Path

    def get(self, audio: str, identity: str) -> MeterScores | None:
        """Find scores, or None; a file that cannot be read counts as absent.

        Parameters
        ----------
        audio : str
            Hash of the recording.
        identity : str
            Hash of everything that scores depend on besides the recording.
        """
        try:
            return _parse(json.loads(self._path(audio, identity).read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, MeterError):
            return None

    def put(self, audio: str, identity: str, scores: MeterScores) -> None:
        """Keep scores, atomically."""
        content = asdict(scores) | {"kind": scores.kind.value}
        with replacing(self._path(audio, identity)) as partial:
            partial.write_text(json.dumps(content), encoding="utf-8")

    def _path(self, audio: str, identity: str) -> Path:
        key = hashlib.sha256(f"{audio} {identity}".encode()).hexdigest()
        return self.folder / key[:2] / f"{key[2:34]}.json"


def default_cache() -> ScoreCache:
    """The scores kept in the user's cache."""
    return ScoreCache(cache_folder() / "gate")


def _parse(content: dict[str, Any]) -> MeterScores:
    told = content["polyrhythm"]
    polyrhythm = told and Polyrhythm(**told | {"meters": tuple(told["meters"])})
    return MeterScores(tuple(content["values"]), ScoreKind(content["kind"]), polyrhythm)
