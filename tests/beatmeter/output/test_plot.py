"""The picture of an analysis."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from beatmeter.output.plot import EXCERPT_S, Excerpt, draw, read_excerpt, write_plot


@pytest.fixture
def excerpt() -> Excerpt:
    envelope = np.random.default_rng(0).exponential(0.2, 1720).astype(np.float32)
    return Excerpt(10.0, 86.0, envelope)


def test_the_bars_drawn_are_the_bars_found(make_analysis, excerpt):
    analysis = make_analysis()
    bars = draw(analysis, excerpt).axes[0]
    lines = next(c for c in bars.collections if c.get_label() == "bars")
    drawn = sorted(segment[0][0] for segment in lines.get_segments())
    expected = [t for t in analysis.downbeats if 10.0 <= t < 30.0]
    np.testing.assert_allclose(drawn, expected)


def test_the_heat_map_shows_every_signal_and_leaves_the_silent_one_blank(make_analysis, excerpt):
    scores = draw(make_analysis(), excerpt).axes[-1]
    labels = [label.get_text() for label in scores.get_yticklabels()]
    assert labels == ["ensemble", "folding  (1.30)", "neural  (1.10)", "both  (0.00)"]
    grid = scores.images[0].get_array()
    np.testing.assert_allclose(grid[1], np.array([1, 2, 1, 14, 1, 1]) / 20)
    assert np.ma.getmaskarray(np.ma.masked_invalid(grid)).all(axis=1).tolist() == [
        False,
        False,
        True,
        False,
    ]


def test_a_timeline_is_drawn_when_there_is_one(make_analysis, excerpt):
    assert len(draw(make_analysis(), excerpt).axes) == 2
    assert len(draw(make_analysis(timeline=True), excerpt).axes) == 3
    assert len(draw(replace(make_analysis(), timeline=()), excerpt).axes) == 2


def test_segments_are_drawn_when_the_meter_changes(make_analysis, excerpt):
    strip = draw(make_analysis(change=True), excerpt).axes[1]
    assert [text.get_text() for text in strip.texts] == ["7/4", "4/4"]
    assert [round(bar.get_width()) for bar in strip.patches] == [24, 16]


def test_where_no_bar_is_heard_no_time_signature_is_drawn(make_analysis, without_bars, excerpt):
    figure = draw(without_bars(make_analysis()), excerpt)
    assert figure.get_suptitle().startswith("no bar   133.3 BPM")
    assert [text.get_text() for text in figure.axes[0].get_legend().texts] == ["beats"]
    analysis = make_analysis(timeline=True)
    windows = tuple(replace(window, bars_heard=False) for window in analysis.timeline)
    strip = draw(replace(analysis, timeline=windows), excerpt).axes[1]
    assert {text.get_text() for text in strip.texts} == {"no bar"}


def test_heads_of_groups_are_marked(make_analysis, excerpt):
    analysis = make_analysis()
    bars = draw(analysis, excerpt).axes[0]
    (heads,) = [line for line in bars.lines if line.get_label() == "groups"]
    inside = (analysis.beats >= 10.0) & (analysis.beats < 30.0)
    expected = analysis.beats[inside & np.isin(analysis.positions, (3, 5))]
    np.testing.assert_allclose(heads.get_xdata(), expected)


@pytest.mark.parametrize("path", ["$x^2$\n音.wav", "x" * 500, None])
def test_it_is_written_whatever_the_name_is(make_analysis, excerpt, tmp_path, path):
    target = tmp_path / "plots" / "a.png"
    analysis = make_analysis(path)
    silent = [replace(s, grid=s.grid.between(0.0, 0.0)) for s in analysis.segments]
    analysis = replace(analysis, segments=tuple(silent))
    write_plot(analysis, excerpt, target)
    assert target.read_bytes().startswith(b"\x89PNG")


def test_the_excerpt_is_the_middle_of_a_long_recording(write_audio):
    rng = np.random.default_rng(0)
    path = write_audio("a.wav", rng.uniform(-0.5, 0.5, 30 * 8000), 8000)
    excerpt = read_excerpt(path)
    assert excerpt.start_s == pytest.approx(5.0)
    assert excerpt.end_s - excerpt.start_s == pytest.approx(EXCERPT_S, abs=0.1)
    assert len(excerpt.times) == len(excerpt.envelope)


def test_the_nearest_excerpt_that_sounds_stands_in_for_a_silent_middle(write_audio):
    samples = np.zeros(100 * 8000)
    samples[: 30 * 8000] = np.random.default_rng(0).uniform(-0.5, 0.5, 30 * 8000)
    assert read_excerpt(write_audio("a.wav", samples, 8000)).start_s == 20.0
    assert read_excerpt(write_audio("b.wav", samples[::-1], 8000)).start_s == 60.0
