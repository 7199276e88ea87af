"""What is written of a run."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from html.parser import HTMLParser

import pytest

from beatmeter.errors import ReportError
from beatmeter.evaluation.bootstrap import Interval
from beatmeter.evaluation.report.html import to_html
from beatmeter.evaluation.report.section import Section, ratio, share
from beatmeter.evaluation.report.text import to_markdown, to_text
from beatmeter.fusion.weights import Weights
from beatmeter.gate.commit import GateResult, decide
from beatmeter.gate.files import report_stem
from beatmeter.gate.measurement import measure


class Page(HTMLParser):
    """What a page shows, and what it would fetch."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.fetched: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.fetched += [
            value for name, value in attrs if name in ("src", "href") and value[:5] != "data:"
        ]

    def handle_data(self, data):
        self.cells.append(data)


@pytest.fixture
def result(make_stage) -> GateResult:
    stage = make_stage()
    stage.know()
    return decide(stage.score_candidate())


def test_three_files_tell_the_same(result, tmp_path):
    paths = {path.suffix: path for path in result.write(tmp_path / "reports" / "gate")}
    told = json.loads(paths[".json"].read_text())
    assert told["passed"] is True
    assert told["overall"]["agreement"]["value"] == 0.7
    assert told["overall"]["complementarity"]["value"] == 2.0
    assert (told["overall"]["gains"], told["overall"]["losses"]) == (4, 2)
    assert told["gains"] == [f"gain-{row}" for row in range(16, 20)]
    assert told["answers"]["loss-14"] == {"accepted": [3], "ensemble": 3, "candidate": 4}
    assert told["record"] == result.record.sha256

    text = paths[".md"].read_text()
    page = Page(paths[".html"].read_text())
    for figure in ("0.700 [", "2.00 [", "loss-14", "gain-16", result.record.sha256[:32]):
        assert figure in text
        assert any(figure in cell for cell in page.cells)
    assert page.tags.count("img") == 5
    assert page.fetched == []


def test_what_is_printed_names_categories_gains_and_losses(result):
    text = " ".join(result.text().split())
    assert "| waltz " in text
    assert "Gains: only new is right gain-16, gain-17, gain-18, gain-19." in text
    assert "Losses: only the ensemble is right loss-14, loss-15." in text


def test_the_same_run_writes_the_same_bytes(result, tmp_path):
    first = [path.read_bytes() for path in result.write(tmp_path / "one")]
    second = [path.read_bytes() for path in result.write(tmp_path / "two")]
    assert first == second


def test_sets_of_one_name_have_reports_of_their_own(tmp_path):
    sets = ("rendered", "/one/rendered", "/other/rendered", "/other/rendered.csv")
    stems = [report_stem(tmp_path, "new", fixture_set) for fixture_set in sets]
    assert stems[0] == tmp_path / "new-rendered"
    assert len(set(stems)) == len(sets)
    assert all(stem.name.startswith("new-rendered") for stem in stems)


def test_infinite_and_undefined_figures_are_plain_json(make_table, tmp_path, result):
    for outcomes, value in (({"both_right": 7, "gain": 3}, "infinity"), ({"both_right": 9}, None)):
        measurement = measure("new", make_table(**outcomes), Weights({"base": 1.0}))
        paths = GateResult(result.run, measurement, None).write(tmp_path)
        told = json.loads(paths[0].read_text())
        assert told["overall"]["complementarity"]["value"] == value


def test_hostile_names_stay_text():
    section = Section("A|B", "see <script>alert(1)</script>", ("x",), [("<b>|\n",)])
    assert "script" not in Page(to_html("<i>", [section])).tags
    lines = to_markdown("t", [section]).splitlines()
    assert lines[-1] == r"| \<b>\|  |"


@pytest.mark.parametrize(
    "written",
    [to_text, partial(to_markdown, "t"), partial(to_html, "t")],
    ids=["text", "markdown", "html"],
)
def test_control_characters_of_names_are_escaped(written):
    hostile = "\x1b]0;title\x07"
    told = written([Section(hostile, hostile, (hostile,), [(hostile,)])])
    assert "\x1b" not in told
    assert told.count("x1b]0;title") == 4


def test_hostile_categories_are_drawn_as_they_are(make_table, result, tmp_path):
    table = make_table(both_right=2, gain=1)
    fixtures = tuple(replace(one, category=r"$\frac{ \x00") for one in table.fixtures)
    measurement = measure("new", replace(table, fixtures=fixtures), Weights({"base": 1.0}))
    paths = GateResult(result.run, measurement, None).write(tmp_path)
    assert r"$\frac{ " in paths[2].read_text()


def test_numbers_stand_to_the_right():
    section = Section("S", "", ("name", "n"), [("one", "5"), ("two", "inf [1.00, inf]")])
    lines = to_markdown("t", [section]).splitlines()
    assert lines[-2] == "| one  |               5 |"


def test_intervals_as_text():
    assert share(Interval(0.7, 0.65, 0.75)) == "0.700 [0.650, 0.750]"
    assert ratio(Interval(float("inf"), 1.5, float("inf"))) == "inf [1.50, inf]"
    assert ratio(Interval(*[float("nan")] * 3)) == "-"


def test_a_report_that_cannot_be_written_is_one_line(result, tmp_path):
    (tmp_path / "reports").touch()
    with pytest.raises(ReportError, match=r"reports.*cannot be written"):
        result.write(tmp_path / "reports")
