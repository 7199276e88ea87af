"""A row in Parquet holds what its line of JSON holds."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from beatmeter.archive.rows import Failed, Unread, read_rows
from beatmeter.archive.schema import analysed_row, failed_row, identity, line_of, part_schema
from beatmeter.errors import ArchiveError
from beatmeter.output.jsonl import json_schema, to_line, to_mapping

pa = pytest.importorskip("pyarrow", reason="pyarrow comes with the extra 'ray'")
from pyarrow import parquet  # noqa: E402


@pytest.fixture
def lines(make_analysis):
    return [
        to_mapping(make_analysis("a.wav", timeline=True)),
        to_mapping(make_analysis("b.wav", change=True)),
    ]


@pytest.fixture
def part(tmp_path, lines):
    """A part of two analyses and a failure."""
    rows = [analysed_row(line["path"], line, ["is damaged"]) for line in lines]
    rows.append(failed_row("c.wav", "c.wav: is silent"))
    path = tmp_path / "part.parquet"
    parquet.write_table(pa.Table.from_pylist(rows, part_schema()), path)
    return path


def test_a_part_gives_back_every_line(part, lines):
    told = [line_of(row) for row in parquet.read_table(part).to_pylist(maps_as_pydicts="strict")]
    assert told == [*lines, {"path": "c.wav", "failure": "c.wav: is silent"}]


def test_every_key_of_the_json_is_a_column_that_the_manual_explains():
    schema = part_schema()
    assert set(json_schema()["required"]) <= set(schema.names)
    manual = (Path(__file__).parents[3] / "docs" / "archives.md").read_text(encoding="utf-8")
    for field in schema:
        row = f"| `{field.name}` | .* | {re.escape(field.metadata[b'about'].decode())} |"
        assert re.search(row.replace("| ", r"\| ").replace(" |", r" \|"), manual), row


def test_parts_and_lines_are_read_alike(part, lines, tmp_path):
    lost = json.dumps({"path": "c.wav", "failure": "c.wav: is silent"})
    (tmp_path / "other.jsonl").write_text("\n".join([*map(json.dumps, lines), lost]))
    assert list(read_rows(part)) == list(read_rows(tmp_path / "other.jsonl"))


def test_parts_and_lines_behind_an_address_are_read_alike(part):
    fsspec = pytest.importorskip("fsspec", reason="fsspec comes with the extra 'ray'")
    files = fsspec.filesystem("memory")
    files.pipe_file("/sum/a/part.parquet", part.read_bytes())
    files.pipe_file("/sum/a/part.jsonl", b"the same once more")
    files.pipe_file("/sum/b.jsonl", b'{"path": "c", "failure": "lost"}\n' * 2 + b"no row")
    rows = list(read_rows("memory://sum"))
    assert rows[:3] == list(read_rows(part))
    assert rows[3:5] == [Failed("c", "lost")] * 2
    assert rows[5] == Unread("memory:///sum/b.jsonl:3", "is no JSON")
    assert list(read_rows("memory://sum/b.jsonl"))[:2] == rows[3:5]
    with pytest.raises(ArchiveError, match="holds no analyses"):
        list(read_rows("memory://nothing"))


def test_lines_beside_a_part_are_not_counted_twice(part, make_analysis):
    part.with_suffix(".jsonl").write_text(to_line(make_analysis()))
    assert len(list(read_rows(part.parent))) == 3


def test_a_file_that_is_no_part_is_named(tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and nothing else")
    parquet.write_table(pa.table({"path": ["a"]}), tmp_path / "b.parquet")
    no_text = pa.array([b"\xff"]).cast(pa.string(), safe=False)
    whole = pa.Table.from_pylist([failed_row("a", "lost")], part_schema())
    parquet.write_table(whole.set_column(1, "path", no_text), tmp_path / "c.parquet")
    first, second, third = read_rows(tmp_path)
    assert first.reason.startswith("is no Parquet part")
    assert second.reason.startswith("has no column bars_heard, confidence")
    assert third.reason.startswith("is no Parquet part ('utf-8' codec")


def test_names_that_are_no_text_keep_their_identity():
    rows = [failed_row(name, "lost") for name in ("a\udcff.wav", "a\\udcff.wav")]
    assert [row["path"] for row in rows] == ["a\\udcff.wav"] * 2
    assert rows[0]["id"] != rows[1]["id"]
    assert rows[0]["id"] == identity("a\udcff.wav")
    pa.Table.from_pylist(rows, part_schema())
