"""The page: it fetches nothing, lets nothing foreign run, and says what the analysis says."""

from __future__ import annotations

import base64
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from beatmeter.audio.decode import load
from beatmeter.output.jsonl import to_mapping
from beatmeter.output.page import (
    Sound,
    encode_piece,
    page_data,
    piece_count,
    read_peaks,
    read_sound,
    render_page,
    write_page,
)
from beatmeter.output.page.render import MODULES, asset, join_modules
from beatmeter.output.page.sound import MARGIN_S

RATE = 22050
SILENT = Sound(40.0, bytes(4000), (b"OggS", b"OggS"))
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>&lt;.wav'


class Elements(HTMLParser):
    """Every tag of a page with its attributes, and the text of each element that has an id."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self._id: str | None = None
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._id = dict(attrs).get("id")

    def handle_data(self, data):
        if self._id is not None:
            self.texts[self._id] = self.texts.get(self._id, "") + data

    def handle_endtag(self, tag):
        self._id = None


@pytest.fixture
def clicked_file(write_audio):
    """45 s, which are three pieces, each with a click at its second second; not at Opus's rate."""
    samples = np.zeros(45 * RATE, np.float32)
    for second in (1, 21, 41):
        samples[second * RATE : second * RATE + 20] = np.hanning(20)
    return write_audio("clicked.flac", samples, RATE)


def page_of(analysis, **how):
    return Elements(render_page(page_data(to_mapping(analysis)), SILENT, **how))


@pytest.mark.parametrize("change", [False, True])
def test_the_page_fetches_nothing(make_analysis, change):
    fetching = {"src", "srcset", "href", "data", "action", "poster", "style"}
    for tag, attributes in page_of(make_analysis(change=change)).tags:
        assert not [name for name in attributes if name.startswith("on")]
        assert {n: v for n, v in attributes.items() if n in fetching} in ({}, {"href": "data:,"}), (
            tag
        )
    told = asset("page.css") + "".join(asset(f"{name}.js") for name in MODULES)
    assert "//" not in re.sub(r"^\s*//.*|\s// .*", "", told, flags=re.MULTILINE).replace(
        "://", "//"
    )
    for sheet in ("page.css", "analysis.css"):
        assert not re.search(r"@import|url\(", asset(sheet))


def test_only_what_carries_the_nonce_may_run(make_analysis):
    page = page_of(make_analysis(), nonce="abc123")
    policies = [a["content"] for t, a in page.tags if a.get("http-equiv")]
    (policy,) = policies
    assert "default-src 'none'" in policy
    assert "script-src 'nonce-abc123'" in policy
    assert "connect-src 'none'" in policy
    assert "unsafe" not in policy
    for tag, attributes in page.tags:
        if tag == "style" or (tag == "script" and attributes.get("type", "module") == "module"):
            assert attributes["nonce"] == "abc123"


def test_each_page_has_a_nonce_of_its_own(make_analysis):
    nonces = {
        attributes["nonce"]
        for _ in range(2)
        for tag, attributes in page_of(make_analysis()).tags
        if tag == "style"
    }
    assert len(nonces) == 2


def test_names_are_escaped(make_analysis):
    plain = page_of(make_analysis(path="a/song.wav"))
    hostile = page_of(make_analysis(path=f"a/{HOSTILE}"))
    assert [tag for tag, _ in hostile.tags] == [tag for tag, _ in plain.tags]
    assert json.loads(hostile.texts["data"])["name"] == HOSTILE.rpartition("/")[2]


def test_a_time_signature_of_a_foreign_report_is_escaped(make_analysis):
    row = to_mapping(make_analysis()) | {"time_signature": "<meta http-equiv=refresh>/4"}
    assert "<meta http-equiv=refresh>" not in render_page(page_data(row), SILENT)


def test_a_name_that_is_no_text_is_escaped_and_its_folders_stay_private(make_analysis):
    html = render_page(page_data(to_mapping(make_analysis(path="home/caf\udce9.wav"))), SILENT)
    assert "caf\\udce9.wav" in html.encode("utf-8").decode()
    assert "home" not in Elements(html).texts["data"]


def test_the_page_holds_what_the_json_says(make_analysis):
    row = to_mapping(make_analysis(change=True))
    told = json.loads(page_of(make_analysis(change=True)).texts["data"])
    found, second = told["grids"]
    assert (found["beats"], found["downbeats"]) == (row["beats"], row["downbeats"])
    assert [s["time_signature"] for s in found["segments"]] == ["7/4", "4/4"]
    turn = row["segments"][1]["start_s"]  # from where on there is no second grid, but the found one
    for name in ("beats", "downbeats"):
        later = [time for time in row[name] if time >= turn]
        assert second[name] == row["segments"][0]["alternative"][name] + later
        assert later
    for key in ("meter", "confidence", "runner_up", "time_signature", "tempo_bpm"):
        assert told["verdict"][key] == row[key]
    assert dict(zip(map(str, told["meters"]), told["scores"], strict=True)) == row["scores"]
    assert told["spans"] == row["excerpts"]


def test_windows_are_shown_where_they_were_asked_for(make_analysis):
    told = page_data(to_mapping(make_analysis(timeline=True)))
    assert told["spans_are"] == "windows"
    assert [span["start_s"] for span in told["spans"]] == [0.0, 20.0, 30.0]


def test_distributions_sum_to_one_and_probabilities_stay(make_analysis):
    signals = {s["name"]: s["scores"] for s in page_data(to_mapping(make_analysis()))["signals"]}
    assert sum(signals["folding"]) == pytest.approx(1.0)
    assert signals["both"] == [0.3, 0.8, 0.1, 0.9, 0.1, 0.0]
    assert signals["neural"] is None


def test_a_line_of_an_older_report_has_one_grid_and_nothing_over_time(make_analysis):
    row = to_mapping(make_analysis())
    del row["excerpts"], row["segments"][0]["alternative"]
    told = page_data(row)
    assert ([grid["name"] for grid in told["grids"]], told["spans"]) == (["found"], [])
    assert "Segments as a table" in render_page(told, SILENT)


def test_where_no_bar_is_heard_the_page_says_so(make_analysis):
    row = to_mapping(make_analysis())
    row |= {"bars_heard": False, "bar_duration_s": None, "downbeats": []}
    row["segments"][0] |= {"bars_heard": False, "bar_duration_s": None, "alternative": None}
    html = render_page(page_data(row), SILENT)
    assert "No bar is heard" in html
    assert "7/4" not in Elements(html).texts.get("signature", "")


def test_a_segment_without_a_second_best_meter_names_none(make_analysis):
    row = to_mapping(make_analysis(change=True))
    row["segments"][1] |= {"bars_heard": False, "bar_duration_s": None}
    html = render_page(page_data(row), SILENT)
    table = html.partition("<table class='segments'>")[2].partition("</table>")[0]
    seven, four = re.findall("<tr><td>.*?</tr>", table)
    assert seven.endswith("<td>4/4, 10%</td></tr>")
    assert "<td>no bar</td>" in four
    assert four.endswith("<td></td></tr>")


def test_panels_scripts_and_styles_are_put_in(make_analysis):
    page = page_of(
        make_analysis(),
        connect=True,
        panels=['<section id="mine">here</section>'],
        scripts=['import { page } from "./page.js";\npage.say("mine");\n'],
        styles=["#mine { color: red; }"],
    )
    assert page.texts["mine"] == "here"
    assert page.texts["script"].rstrip().endswith('page.say("mine");')
    assert any("connect-src 'self'" in (a.get("content") or "") for _, a in page.tags)


def test_modules_are_joined_without_imports_and_without_a_name_twice():
    joined = join_modules([asset(f"{name}.js") for name in MODULES])
    assert not re.search(r"^(import|export)\b", joined, re.MULTILINE)
    names = re.findall(r"^(?:async )?(?:const|let|class|function) (\w+)", joined, re.MULTILINE)
    assert len(names) == len(set(names))
    there = {path.name for path in _assets() if path.suffix == ".js"}
    assert {f"{name}.js" for name in MODULES} == there - {"wavesurfer.min.js"}


def _assets():
    from importlib.resources import files

    return [*files("beatmeter.output.page").joinpath("assets").iterdir()]


def test_pieces_lie_where_the_recording_has_them(clicked_file):
    sound = read_sound(clicked_file)
    assert len(sound.pieces) == piece_count(45.0) == 3
    for number, piece in enumerate(sound.pieces):
        assert piece == encode_piece(clicked_file, number)
        samples, rate = load(piece)
        assert np.argmax(np.abs(samples)) / rate - MARGIN_S == pytest.approx(1.0, abs=0.001)


def test_there_is_no_piece_beyond_the_last(clicked_file):
    for number in (-1, 3):
        with pytest.raises(IndexError):
            encode_piece(clicked_file, number)


def test_peaks_are_the_loudest_of_each_hundredth_of_a_second(write_audio):
    samples = np.zeros(4 * 44100, np.float32)
    samples[44100 + 441 * 3 + 5] = -0.5
    path = write_audio("click.wav", samples, 44100, subtype="FLOAT")
    peaks = read_peaks(path)
    assert len(peaks) == 400
    assert {i: peak for i, peak in enumerate(peaks) if peak} == {103: 127}
    assert read_sound(path).peaks == peaks


def test_a_page_is_written_whole(make_analysis, clicked_file, tmp_path):
    write_page(make_analysis(path=str(clicked_file)), clicked_file, tmp_path / "page.html")
    page = Elements((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert base64.b64decode(page.texts["piece-2"]).startswith(b"OggS")
    assert json.loads(page.texts["sound"])["count"] == 3
