"""Tables of labelled clips in METER2800's layout.

A table has the columns ``filename label meter alt_meter`` (tab- or comma-separated, text cells
possibly quoted) and may have more; ``work`` names the song or score a clip was cut from, so that
clips of one work are kept together, and ``family`` the way it was made. A ``meter`` cell holds one
meter or several, ``"3,4"``, each perhaps with the confidence of its label, ``"3:0.7,4:0.8"``.
METER2800 writes its file names from the dataset's root, ``/MAG/00553.wav``.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from beatmeter._util.atomic import replacing
from beatmeter.datasets.tables import read_rows
from beatmeter.errors import DatasetError
from beatmeter.meters import METERS

REQUIRED_COLUMNS = ("filename", "meter")
COLUMNS = ("filename", "label", "meter", "alt_meter", "work", "family")
METER_NAMES = {3: "three", 4: "four", 5: "five", 7: "seven", 9: "nine", 11: "eleven"}
SUFFIXES = (".tab", ".tsv", ".csv")
_SEGMENT = re.compile(r"_seg\d+$")
_LABEL = re.compile(r"([0-9]{1,2})(?:\.0)?(?::([0-9]*\.?[0-9]+))?")
_ALTERNATIVE = re.compile(r"([0-9]{1,2})(?:\.0)?")


@dataclass(frozen=True)
class LabelledClip:
    """One row: where the clip is and which meters it has.

    Attributes
    ----------
    filename : str
        Relative to the dataset folder, with forward slashes.
    meters : tuple of int
        Ascending; more than one for simultaneous meters, none where the project knows none.
    alt_meter : int or None
        METER2800's second reading (such as 6 for 3).
    work : str
        The song or score; the filename without suffix and segment number when the table does not
        say.
    confidences : tuple of float
        How sure each of `meters` is, in (0, 1]; empty when all of them are certain.
    family : str
        The way it was made; empty when the table does not say.
    """

    filename: str
    meters: tuple[int, ...]
    alt_meter: int | None
    work: str
    confidences: tuple[float, ...] = ()
    family: str = ""

    @property
    def labels(self) -> dict[int, float]:
        """``{meter: confidence}``."""
        return dict(zip(self.meters, self.confidences or (1.0,) * len(self.meters), strict=True))


@dataclass(frozen=True)
class Table:
    """The rows of one table; those dropped for a meter nobody knows are clips without meters."""

    clips: list[LabelledClip]
    dropped: list[LabelledClip]

    @property
    def rows(self) -> list[LabelledClip]:
        """Every clip, the dropped ones last."""
        return self.clips + self.dropped


def find_table(folder: str | Path, name: str) -> Path | None:
    """Find the table `name` of a folder, with whichever of :data:`SUFFIXES` it has."""
    candidates = (Path(folder) / f"{name}{suffix}" for suffix in SUFFIXES)
    return next((path for path in candidates if path.is_file()), None)


def read_table(path: str | Path) -> Table:
    """Read one table.

    Raises
    ------
    DatasetError
        If it cannot be read, lacks a column, has a malformed cell, names a file twice, or a file
        outside its folder.
    """
    path = Path(path)
    rows: dict[str, LabelledClip] = {}
    for where, row in read_rows(path, REQUIRED_COLUMNS):
        clip = _read_row(row, where)
        if clip.filename in rows:
            raise DatasetError(f"{where}: {clip.filename!r} is there twice")
        rows[clip.filename] = clip
    known = [clip for clip in rows.values() if clip.meters]
    return Table(known, [clip for clip in rows.values() if not clip.meters])


def write_table(path: str | Path, clips: Iterable[LabelledClip]) -> None:
    """Write one tab-separated table, text cells quoted, atomically and to the disk itself.

    A clip without meters has meter 0, a row that is dropped when the table is read.
    """
    with replacing(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        file.write("\t".join(COLUMNS) + "\n")
        writer = csv.writer(file, delimiter="\t", quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
        for clip in clips:
            label = "+".join(METER_NAMES[meter] for meter in clip.meters)
            meter = format_labels(clip.labels) or "0"
            alternative = "" if clip.alt_meter is None else clip.alt_meter
            cell = int(meter) if meter.isdigit() else meter
            writer.writerow([clip.filename, label, cell, alternative, clip.work, clip.family])
        file.flush()
        os.fsync(file.fileno())


def parse_labels(cell: str, where: str) -> dict[int, float]:
    """Read the known meters of a cell such as ``3,4`` or ``3:0.7,4``, and their confidences.

    Parameters
    ----------
    where : str
        What to call the cell in a message.

    Returns
    -------
    dict of int to float
        Ascending by meter, perhaps empty; confidences in (0, 1], 1.0 where none is written.

    Raises
    ------
    DatasetError
        If the cell is not such a list, names a meter twice, or a confidence lies outside (0, 1].
    """
    labels: dict[int, float] = {}
    for part in cell.strip().strip('"').split(","):
        match = _LABEL.fullmatch(part.strip())
        confidence = float(match[2] or 1) if match else 0.0
        if match is None or not 0 < confidence <= 1:
            raise DatasetError(f"{where}: meter {cell!r} (allowed: such as 7, 3,4 or 3:0.7,4)")
        if int(match[1]) in labels:
            raise DatasetError(f"{where}: meter {cell!r} (allowed: each meter once)")
        labels[int(match[1])] = confidence
    return {meter: labels[meter] for meter in METERS if meter in labels}


def parse_corrected(cell: str, where: str) -> dict[int, float]:
    """Read the meters of a correction, as :func:`parse_labels` does; none in an empty cell.

    Raises
    ------
    DatasetError
        As there; or if the project knows none of the meters: an empty cell excludes a clip, and
        one with 6 in it must not.
    """
    labels = parse_labels(cell, where) if cell else {}
    if cell and not labels:
        allowed = ", ".join(map(str, METERS))
        raise DatasetError(
            f"{where}: meter {cell!r} (allowed: {allowed}, or none in an empty cell)"
        )
    return labels


def format_labels(labels: dict[int, float]) -> str:
    """Write the cell of some labels, as :func:`parse_labels` reads it."""
    return ",".join(
        f"{meter}" if confidence == 1 else f"{meter}:{confidence:g}"
        for meter, confidence in labels.items()
    )


def parse_filename(cell: str, where: str) -> str:
    """Read the name of a clip: relative to its folder, with forward slashes.

    Raises
    ------
    DatasetError
        If it names no file, or one outside the folder.
    """
    name = cell.replace("\\", "/")
    pure = PurePosixPath(name.lstrip("/"))
    if not pure.name or ".." in pure.parts or PureWindowsPath(name).drive:
        raise DatasetError(f"{where}: filename {name!r} (allowed: a path inside the folder)")
    return str(pure)


def work_of(filename: str) -> str:
    """The work of a clip whose table names none: its name without suffix and segment number."""
    return _SEGMENT.sub("", str(PurePosixPath(filename).with_suffix("")))


def _read_row(row: dict[str, str], where: str) -> LabelledClip:
    filename = parse_filename(row["filename"], where)
    labels = parse_labels(row["meter"], where)
    alternative = row.get("alt_meter", "")
    match = _ALTERNATIVE.fullmatch(alternative)
    if alternative and match is None:
        raise DatasetError(f"{where}: alt_meter {alternative!r} (allowed: such as 6, or nothing)")
    certain = all(confidence == 1 for confidence in labels.values())
    return LabelledClip(
        filename=filename,
        meters=tuple(labels),
        alt_meter=int(match[1]) if match else None,
        work=row.get("work") or work_of(filename),
        confidences=() if certain else tuple(labels.values()),
        family=row.get("family", ""),
    )
