"""The JSON of an analysis, and the schema that it follows."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
import pytest

from beatmeter.output.jsonl import json_schema, to_line, write_json

KEYS = [
    *("path", "duration_s", "tempo_bpm", "meter", "time_signature", "confidence", "runner_up"),
    *("scores", "signals", "polyrhythm", "timeline"),
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
def test_lines_follow_the_schema(make_analysis, validator, timeline):
    analysis = make_analysis(timeline=timeline)
    for each in (analysis, replace(analysis, path=None, polyrhythm=None)):
        validator.validate(json.loads(to_line(each)))


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
