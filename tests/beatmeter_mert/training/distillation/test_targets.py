import numpy as np

from beatmeter_mert.training.distillation.targets import NEIGHBOUR, frame_targets

TIMES = np.arange(100) * 0.04 + 0.02


def test_a_beat_marks_its_frame_and_half_marks_its_neighbours():
    targets = frame_targets(TIMES, [TIMES[10] + 0.01], [])
    expected = np.zeros(100)
    expected[9:12] = NEIGHBOUR, 1.0, NEIGHBOUR
    np.testing.assert_array_equal(targets.beats, expected)
    assert not targets.downbeats.any()


def test_beats_outside_the_chunk_mark_nothing_but_its_edge():
    targets = frame_targets(TIMES, [-1.0, TIMES[0] - 0.04, TIMES[-1] + 0.04, 9.0], [])
    assert np.flatnonzero(targets.beats).tolist() == [0, 99]
    assert targets.beats[0] == NEIGHBOUR


def test_close_beats_do_not_erase_each_other():
    targets = frame_targets(TIMES, [TIMES[10], TIMES[11]], [])
    np.testing.assert_array_equal(targets.beats[9:13], [NEIGHBOUR, 1, 1, NEIGHBOUR])


def test_the_phase_runs_once_around_from_bar_line_to_bar_line():
    targets = frame_targets(TIMES, [], [TIMES[10], TIMES[30], TIMES[70]])
    angle = np.unwrap(np.arctan2(targets.phase[10:71, 1], targets.phase[10:71, 0]))
    np.testing.assert_allclose(angle[[0, 10, 20, 40, 60]], np.pi * np.array([0, 1, 2, 3, 4]))
    assert targets.in_bar[10:71].all()
    assert not targets.in_bar[:10].any()
    assert not targets.in_bar[71:].any()
    assert not targets.phase[targets.in_bar == 0].any()


def test_bar_lines_outside_the_chunk_place_its_edges():
    targets = frame_targets(TIMES, [], [-2.0, 6.0])
    assert targets.in_bar.all()
    assert np.isclose(targets.phase[0, 0], np.cos(2 * np.pi * 2.02 / 8), atol=1e-6)


def test_one_bar_line_tells_no_position():
    assert not frame_targets(TIMES, [], [1.0]).in_bar.any()
