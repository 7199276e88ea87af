"""The JAMS of an analysis, read back by the jams package."""

from __future__ import annotations

import numpy as np
import pytest

from beatmeter.errors import ReportError
from beatmeter.output.jams import write_jams

jams = pytest.importorskip("jams")


@pytest.fixture
def written(make_analysis, tmp_path):
    def write(change=True):
        path = tmp_path / "a.jams"
        write_jams(make_analysis(change=change), path)
        return jams.load(str(path), validate=False)

    return write


# jams hands its own schema to jsonschema in a way that jsonschema is about to remove.
@pytest.mark.filterwarnings("ignore:Passing a schema to Validator:DeprecationWarning")
def test_it_is_valid_jams(written):
    assert written().validate(strict=True)


def test_beats_count_up_to_the_bar_and_begin_again(written, make_analysis):
    rows = written(change=False).search(namespace="beat_position")[0].data
    np.testing.assert_allclose([row.time for row in rows], make_analysis().beats)
    positions = [row.value["position"] for row in rows]
    assert positions[:11] == [6, 7, 1, 2, 3, 4, 5, 6, 7, 1, 2]
    assert [row.value["measure"] for row in rows][:11] == [0, 0, 1, 1, 1, 1, 1, 1, 1, 2, 2]
    assert {row.value["num_beats"] for row in rows} == {7}
    assert {row.value["beat_units"] for row in rows} == {4}


def test_segments_tell_meter_and_tempo(written):
    document = written()
    rows = document.search(namespace="segment_open")[0].data
    assert [(r.time, r.duration, r.value) for r in rows] == [
        (0.0, 24.0, "7/4"),
        (24.0, 16.0, "4/4"),
    ]
    rows = document.search(namespace="tempo")[0].data
    assert [(r.time, round(r.value, 1)) for r in rows] == [(0.0, 133.3), (24.0, 133.3)]


def test_beats_without_bars_have_no_position(make_analysis, without_bars, tmp_path):
    path = tmp_path / "a.jams"
    write_jams(without_bars(make_analysis()), path)
    document = jams.load(str(path), validate=False)
    assert document.search(namespace="beat_position")[0].data == []
    assert [row.value for row in document.search(namespace="segment_open")[0].data] == ["no bar"]


def test_without_the_package_it_says_what_to_install(make_analysis, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "jams", None)
    with pytest.raises(ReportError, match=r"beatmeter\[jams\]"):
        write_jams(make_analysis(), tmp_path / "a.jams")
