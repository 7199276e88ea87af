"""The JSON of an analysis, and the schema that it follows."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
import pytest

from beatmeter.output.jsonl import json_schema, to_line, write_json

KEYS = [
    *("schema", "path", "duration_s", "meter", "confidence", "runner_up", "scores"),
    *("time_signature", "tempo_bpm", "beat_bpm", "bars_heard", "bar_duration_s"),
    *("grouping", "grouping_confidence", "segments", "beats", "downbeats"),
    *("signals", "not_asked", "polyrhythm", "excerpts", "timeline"),
]


@pytest.fixture
def validator() -> jsonschema.Draft202012Validator:
    jsonschema.Draft202012Validator.check_schema(json_schema())
    return jsonschema.Draft202012Validator(json_schema())


def test_a_line_holds_exactly_the_documented_keys(make_analysis):
    line = json.loads(to_line(make_analysis()))
    assert list(line) == KEYS
    assert line["signals"]["neural"] == {
        "weight": 1.1,
        "scores": None,
        "unavailable": "needs torch",
    }
    assert line["signals"]["folding"]["scores"]["7"] == 14
    assert line["polyrhythm"] == {
        "meters": [7, 4],
        "probability": 0.8,
        "threshold": 0.4,
        "found": True,
    }
    assert line["timeline"] is None


@pytest.mark.parametrize("timeline", [False, True])
@pytest.mark.parametrize("change", [False, True])
def test_lines_follow_the_schema(make_analysis, without_bars, validator, timeline, change):
    analysis = make_analysis(timeline=timeline, change=change)
    for each in (analysis, replace(analysis, path=None, polyrhythm=None), without_bars(analysis)):
        validator.validate(json.loads(to_line(each)))


def test_the_levels_are_those_of_the_segments(make_analysis):
    line = json.loads(to_line(make_analysis(change=True)))
    seven, four = line["segments"]
    levels = ["time_signature", "tempo_bpm", "beat_bpm", "bar_duration_s", "grouping"]
    assert {key: line[key] for key in levels} == {key: seven[key] for key in levels}
    assert (seven["end_s"], four["start_s"], four["end_s"]) == (24.0, 24.0, 40.0)
    assert (seven["grouping"], four["grouping"]) == ([2, 2, 3], None)
    assert set(line["downbeats"]) < set(line["beats"])
    assert line["beats"] == sorted(line["beats"])


def test_where_no_bar_is_heard_none_is_told(make_analysis, without_bars):
    line = json.loads(to_line(without_bars(make_analysis())))
    assert (line["bars_heard"], line["bar_duration_s"], line["downbeats"]) == (False, None, [])
    assert line["beats"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("meter", 6),
        ("confidence", 1.5),
        ("time_signature", "7"),
        ("scores", {"3": 1.0}),
        ("duration_s", 0),
        ("signals", {"a": {"weight": 1.0, "scores": None, "unavailable": None}}),
        ("signals", {"A b": {"weight": 1.0, "scores": None, "unavailable": "why"}}),
        ("extra", 1),
    ],
)
def test_the_schema_refuses_what_is_no_analysis(make_analysis, validator, key, value):
    line = json.loads(to_line(make_analysis()))
    assert not validator.is_valid({**line, key: value})


def test_the_schema_needs_every_key(make_analysis, validator):
    line = json.loads(to_line(make_analysis()))
    for key in KEYS:
        assert not validator.is_valid({k: v for k, v in line.items() if k != key})


def test_any_name_is_one_line_of_ascii(make_analysis):
    name = "two\nlines \u2028 ünïcødé \udce9.wav"
    line = to_line(make_analysis(name))
    assert line.isascii()
    assert "\n" not in line
    assert json.loads(line)["path"] == name


def test_a_file_holds_the_line(make_analysis, tmp_path):
    write_json(make_analysis(), tmp_path / "deep" / "a.json")
    assert (tmp_path / "deep" / "a.json").read_text() == to_line(make_analysis()) + "\n"
