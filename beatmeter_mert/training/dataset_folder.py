"""Reading a folder of labelled clips.

The folder holds METER2800's three tables ``data_{train,val,test}_4_classes``, or three named
``data_{train,val,test}``, or one table ``data*`` that is divided by work; each as ``.tab``,
``.tsv`` or ``.csv``. A file ``corrections.csv`` with the columns ``filename meter note`` overrides
labels; an empty ``meter`` excludes the clip.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from io import StringIO
from itertools import combinations
from pathlib import Path

from beatmeter.datasets.labels import SUFFIXES, LabelledClip, find_table, parse_labels, read_table
from beatmeter.errors import DatasetError
from beatmeter_mert.training.audio_index import LabelledFile, LeftOut, find_audio
from beatmeter_mert.training.splits import SPLITS, split_by_work

CORRECTIONS = "corrections.csv"


@dataclass(frozen=True)
class Labelled:
    """The clips of one split.

    Attributes
    ----------
    files : list of LabelledFile
    left_out : list of LeftOut
        Clips whose audio was not found.
    dropped : int
        Rows whose meter the project does not know.
    excluded : int
        Rows that the corrections take out.
    held_out : list of LeftOut
        Clips that are good but belong to a work of another split.
    """

    files: list[LabelledFile]
    left_out: list[LeftOut]
    dropped: int = 0
    excluded: int = 0
    held_out: list[LeftOut] = field(default_factory=list)

    @property
    def works(self) -> set[str]:
        """The songs and scores of the clips."""
        return {file.clip.work for file in self.files}


def read_splits(folder: str | Path, seed: int = 0) -> dict[str, Labelled]:
    """Read the training, validation and test clips of a folder.

    Parameters
    ----------
    folder : str or Path
    seed : int
        Of the division, where the folder does not bring its own.

    Returns
    -------
    dict of str to Labelled
        Keys are ``train``, ``val`` and ``test``; the dropped and excluded rows of a table that is
        divided are counted with ``train``.

    Raises
    ------
    DatasetError
        If there is no table, one is malformed, a work is in two splits, or a correction names a
        clip that no table has.
    """
    folder = Path(folder)
    tables = {name: _split_table(folder, name) for name in SPLITS}
    if tables["train"] is None:
        whole = read_folder(folder)
        divided = split_by_work([file.clip for file in whole.files], seed=seed)
        names = {file.clip.filename: file for file in whole.files}
        splits = {
            name: Labelled([names[clip.filename] for clip in clips], [])
            for name, clips in divided.items()
        }
        return {**splits, "train": replace(whole, files=splits["train"].files)}
    paths = [path for path in tables.values() if path is not None]
    corrections = _read_corrections(folder, paths)
    splits = {
        name: Labelled([], []) if path is None else _read(folder, path, corrections)
        for name, path in tables.items()
    }
    for one, other in combinations(SPLITS, 2):
        straddling = splits[one].works & splits[other].works
        if straddling:
            raise DatasetError(f"{folder}: {min(straddling)!r} is in both {one} and {other}")
    return splits


def read_folder(folder: str | Path) -> Labelled:
    """Every clip of a folder, whatever split it is in.

    Raises
    ------
    DatasetError
        As :func:`read_splits`.
    """
    folder = Path(folder)
    paths = sorted(path for suffix in SUFFIXES for path in folder.glob(f"data*{suffix}"))
    if not paths:
        raise DatasetError(f"{folder}: no table data*{{{','.join(SUFFIXES)}}} of labelled clips")
    corrections = _read_corrections(folder, paths)
    parts = [_read(folder, path, corrections) for path in paths]
    return Labelled(
        files=[file for part in parts for file in part.files],
        left_out=[clip for part in parts for clip in part.left_out],
        dropped=sum(part.dropped for part in parts),
        excluded=sum(part.excluded for part in parts),
    )


def read_extra(folders: Iterable[str | Path], held_out: Iterable[Labelled]) -> Labelled:
    """More clips to train on, none of a work that is held out.

    Parameters
    ----------
    folders : iterable of str or Path
    held_out : iterable of Labelled
        The validation and test clips.

    Returns
    -------
    Labelled
        Clips of held-out works are its `held_out`.
    """
    held_works = {work for split in held_out for work in split.works}
    parts = [read_folder(folder) for folder in folders]
    files = [file for part in parts for file in part.files]
    return Labelled(
        files=[file for file in files if file.clip.work not in held_works],
        left_out=[clip for part in parts for clip in part.left_out],
        dropped=sum(part.dropped for part in parts),
        excluded=sum(part.excluded for part in parts),
        held_out=[
            LeftOut(file.clip.filename, "its work is held out")
            for file in files
            if file.clip.work in held_works
        ],
    )


def _split_table(folder: Path, split: str) -> Path | None:
    return find_table(folder, f"data_{split}_4_classes") or find_table(folder, f"data_{split}")


def _read(folder: Path, table: Path, corrections: dict[str, dict[int, float]]) -> Labelled:
    rows = read_table(table)
    corrected = [_correct(clip, corrections.get(clip.filename)) for clip in rows.clips]
    clips = [clip for clip in corrected if clip is not None]
    files, left_out = find_audio(folder, clips)
    return Labelled(files, left_out, rows.dropped, len(corrected) - len(clips))


def _correct(clip: LabelledClip, labels: dict[int, float] | None) -> LabelledClip | None:
    if labels is None:
        return clip
    if not labels:
        return None
    return replace(clip, meters=tuple(labels), confidences=tuple(labels.values()))


def _read_corrections(folder: Path, tables: list[Path]) -> dict[str, dict[int, float]]:
    path = folder / CORRECTIONS
    if not path.is_file():
        return {}
    corrections = dict(_correction_rows(path))
    known = {clip.filename for table in tables for clip in read_table(table).clips}
    strangers = corrections.keys() - known
    if strangers:
        raise DatasetError(f"{path}: {min(strangers)!r} is in no table of {folder}")
    return corrections


def _correction_rows(path: Path) -> Iterator[tuple[str, dict[int, float]]]:
    try:
        table = csv.DictReader(StringIO(path.read_text(encoding="utf-8-sig"), newline=""))
        rows = list(table)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{path}: cannot be read ({error})") from error
    missing = {"filename", "meter"} - set(table.fieldnames or ())
    if missing:
        raise DatasetError(f"{path}: column {min(missing)!r} is missing")
    for number, row in enumerate(rows, start=2):
        where = f"{path}, line {number}"
        for name in ("filename", "meter"):
            if row[name] is None:
                raise DatasetError(f"{where}: has no {name} (allowed: filename,meter,note)")
        labels = parse_labels(row["meter"], where) if row["meter"].strip() else {}
        yield row["filename"].strip().lstrip("/"), labels
