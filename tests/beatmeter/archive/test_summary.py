"""What a summary counts, on rows made by hand, and what it makes of files from outside."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest

from beatmeter.archive import rows as rows_module
from beatmeter.archive.rows import Analysed, Failed, Unread, read_rows
from beatmeter.archive.summary import sections
from beatmeter.archive.tally import Tally
from beatmeter.evaluation.report.html import to_html
from beatmeter.evaluation.report.text import to_text
from beatmeter.output.jsonl import to_line, to_mapping


def row(path: str = "a.wav", meter: int = 4, **changed: object) -> Analysed:
    known = {
        "duration_s": 180.0,
        "confidence": 0.8,
        "time_signature": f"{meter}/4",
        "tempo_bpm": 120.0,
        "bars_heard": True,
        "segment_meters": (meter,),
        "simultaneous_meters": None,
    }
    return Analysed(path, meter=meter, **(known | changed))


def told(*rows: rows_module.Row, title: str, least: int = 20) -> list[tuple[str, ...]]:
    (section,) = [s for s in sections(Tally(least).add(rows)) if s.title == title]
    return list(section.rows)


def test_recordings_are_counted_by_meter_and_confidence():
    counted = told(
        row(confidence=0.95),
        row(confidence=0.5),
        row(meter=7, confidence=0.3),
        row(meter=7, confidence=1.0),
        row(bars_heard=False),
        title="Meters",
    )
    assert counted == [
        ("4", "2 (50.0%)", "0.72", "0", "1", "0", "1"),
        ("7", "2 (50.0%)", "0.65", "1", "0", "0", "1"),
    ]


def test_the_overview_holds_every_kind_of_row():
    counted = told(
        row(segment_meters=(4, 3, 4)),
        row(segment_meters=(4, 4), simultaneous_meters=(4, 3)),
        row(bars_heard=False),
        row(simultaneous_meters=()),
        Failed("b.wav", "is silent"),
        Unread("a.json:1", "is no JSON"),
        title="Archive",
    )
    assert dict(counted) == {
        "recordings": "5",
        "analysed": "4",
        "hours of these": "0.2",
        "no bar heard": "1 (25.0%)",
        "meter changes": "1 (25.0%)",
        "two meters at once": "1 (50.0%)",
        "failed": "1 (20.0%)",
        "lines or files without a row": "1",
    }


def test_two_meters_at_once_are_not_told_when_nobody_was_asked():
    told_of = dict(told(row(), title="Archive"))
    assert told_of["two meters at once"] == "no signal was asked that could tell"


def test_tempi_are_told_by_their_quantiles():
    tempi = [row(tempo_bpm=float(bpm)) for bpm in range(60, 161)]
    assert told(*tempi, row(meter=3, tempo_bpm=9999.0), title="Tempi") == [
        ("3", "600", "600", "600"),
        ("4", "70", "110", "150"),
    ]


def test_changes_are_counted_by_the_meters_before_and_after():
    rows = [
        row(segment_meters=(4, 3, 4)),
        row(segment_meters=(4, 4, 3)),
        row(segment_meters=(7, 7)),
    ]
    assert told(*rows, title="Changes of meter") == [("4 to 3", "2"), ("3 to 4", "1")]


def test_two_meters_at_once_are_counted_by_pair():
    rows = [
        row(simultaneous_meters=(4, 3)),
        row(simultaneous_meters=(4, 3)),
        row(simultaneous_meters=(7, 4)),
    ]
    assert told(*rows, title="Two meters at once") == [("4 and 3", "2"), ("7 and 4", "1")]


def test_the_least_sure_do_not_depend_on_the_order_of_the_rows():
    doubts = [row(f"{n:02}.wav", confidence=(n % 10) / 10) for n in range(40)]
    named = [("0.00", f"{n:02}.wav") for n in (0, 10, 20, 30)] + [("0.10", "01.wav")]
    for rows in (doubts, doubts[::-1]):
        listed = told(*rows, row("none", bars_heard=False), title="Least sure", least=5)
        assert [(cells[0], cells[3]) for cells in listed] == named


def test_no_least_sure_are_listed_when_none_are_wanted():
    assert "Least sure" not in [s.title for s in sections(Tally(0).add([row()]))]


def test_failures_that_differ_in_path_and_numbers_alone_are_one_reason():
    failures = [Failed(f"{n}.wav", f"{n}.wav: {n / 8} s long (allowed: 2 s)") for n in range(3)]
    assert told(*failures, Failed("x", "x: is silent"), title="Failures") == [
        ("3", "0.0 s long (allowed: 2 s)", "0.wav"),
        ("1", "is silent", "x"),
    ]


def test_reasons_without_end_are_counted_in_bounded_memory():
    def word(n: int) -> str:
        return np.base_repr(n, 36).translate(str.maketrans("0123456789", "qrstuvwxyz"))

    tally = Tally().add(Failed(f"{n}", f"is {word(n)} {word(n * n)}") for n in range(3000))
    assert len(tally.failures) <= 1001
    assert sum(reason.count for reason in tally.failures.values()) == 3000


def test_a_folder_is_read_in_depth_and_in_order(tmp_path, make_analysis):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.wav.json").write_text(to_line(make_analysis("in/a.wav")) + "\n")
    lost = json.dumps({"path": "c", "failure": "lost"})
    (tmp_path / "more.jsonl").write_text(to_line(make_analysis("b", change=True)) + "\n" + lost)
    (tmp_path / "notes.txt").write_text("no row")
    first, second, third = read_rows(tmp_path)
    assert first == row(
        "in/a.wav",
        meter=7,
        duration_s=40.0,
        confidence=0.81,
        time_signature="7/4",
        tempo_bpm=133.333333,
        simultaneous_meters=(7, 4),
    )
    assert second.segment_meters == (7, 4)
    assert third == Failed("c", "lost")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "is no JSON"),
        ("[1]", "is no object"),
        ('{"path": 3}', "path: is no text"),
        ('{"meter": 6}', "meter: 6 (allowed: 3, 4, 5, 7, 9, 11)"),
        ('{"meter": 4, "time_signature": "<b>"}', "time_signature: '<b>' (allowed: such as '7/8')"),
        ("[" * 100_000, "maximum recursion"),
        ("1" * 5000, "Exceeds the limit"),
        ('"' + "x" * 2000 + '"', "is longer than"),
    ],
)
def test_a_line_that_is_no_row_is_named_and_the_rest_is_read(tmp_path, monkeypatch, line, reason):
    if reason.startswith("is longer"):
        monkeypatch.setattr(rows_module, "LONGEST_LINE", 1000)
    file = tmp_path / "a.jsonl"
    file.write_text(f'{line}\n{{"path": "b", "failure": "lost"}}\n')
    first, second = read_rows(file)
    assert isinstance(first, Unread)
    assert first.place == f"{file}:1"
    assert reason in first.reason
    assert second == Failed("b", "lost")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("confidence", 1.2),
        ("confidence", True),
        ("tempo_bpm", "fast"),
        ("duration_s", -1),
        ("duration_s", 10**400),
    ],
)
def test_numbers_out_of_range_are_refused(make_analysis, key, value):
    with pytest.raises(ValueError, match=key):
        rows_module.row_of(to_mapping(make_analysis()) | {key: value})


def test_nan_and_infinity_are_no_numbers(tmp_path, make_analysis):
    line = to_line(make_analysis()).replace('"confidence": 0.81', '"confidence": NaN', 1)
    (tmp_path / "a.jsonl").write_text(line)
    (one,) = read_rows(tmp_path)
    assert isinstance(one, Unread)


def test_hostile_names_are_escaped_in_text_and_page():
    path = "\x1b[31m<script>alert(1)</script>\u202e\n" + "x" * 500
    told_of = sections(Tally().add([row(path), Failed(path, f"{path}: is\tbad")]))
    text, page = to_text(told_of), to_html("Archive", told_of)
    assert "\x1b" not in text
    assert "\u202e" not in text + page
    assert "<script>" not in page
    assert max(map(len, text.splitlines())) < 500


def test_hidden_files_pipes_and_links_to_folders_are_left_out(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"path": "a", "failure": "lost"}')
    (tmp_path / ".b.jsonl").write_text('{"path": "b", "failure": "lost"}')
    (tmp_path / "round").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "c.jsonl")
    assert list(read_rows(tmp_path)) == [Failed("a", "lost")]


def test_the_page_draws_what_it_counts():
    page = to_html("Archive", sections(Tally().add([row(), row(meter=3)])))
    assert page.count("<img") == 2
