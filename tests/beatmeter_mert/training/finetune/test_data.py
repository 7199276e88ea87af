from dataclasses import replace
from pathlib import Path

import pytest

from beatmeter.datasets.audio_index import LabelledFile
from beatmeter.datasets.labels import LabelledClip, write_table
from beatmeter.errors import DatasetError
from beatmeter_mert.model import Preprocessing
from beatmeter_mert.training.finetune.data import (
    limited,
    read_clips,
    training_clips,
    validation_clips,
)


def test_the_limit_is_for_each_set_of_meters(make_clip):
    meters = [(3,), (4,), (3,), (3, 4), (3,), (4,)]
    files = [LabelledFile(make_clip(f"{n}.wav", m), Path(f"{n}")) for n, m in enumerate(meters)]
    assert [file.path.name for file in limited(files, 1)] == ["0", "1", "3"]
    assert limited(files, 0) == files


def test_test_clips_are_in_neither_part(tiny_settings):
    clips = read_clips(tiny_settings())
    assert (len(clips.train), len(clips.val)) == (12, 6)
    assert not any("test" in file.path.name for file in clips.train + clips.val)


def test_extra_data_is_only_trained_on(tiny_settings, tmp_path, write_audio):
    write_audio(tmp_path / "more.wav", 2.5)
    write_table(tmp_path / "data.tab", [LabelledClip("more.wav", (7,), None, "a song")])
    clips = read_clips(replace(tiny_settings(), extra_data=(tmp_path,)))
    assert (len(clips.train), len(clips.val)) == (13, 6)
    assert clips.train[-1].path.name == "more.wav"


def test_clips_in_several_meters_are_heard_more_often(tiny_settings, tmp_path, write_audio):
    for name in ("one.wav", "two.wav"):
        write_audio(tmp_path / name, 2.5)
    rows = [
        LabelledClip("one.wav", (3,), None, "a song"),
        LabelledClip("two.wav", (3, 4), None, "another"),
    ]
    write_table(tmp_path / "data.tab", rows)
    settings = replace(tiny_settings(), extra_data=(tmp_path,), several_times=3)
    clips, preprocessing = read_clips(settings), Preprocessing()
    heard = training_clips(clips.train, settings, preprocessing).files
    names = [file.path.name for file in heard if file.path.parent == tmp_path]
    assert names == ["one.wav", "two.wav", "two.wav", "two.wav"]
    assert len(validation_clips(clips.train, settings, preprocessing).files) == len(clips.train)


def test_too_many_unusable_clips_stop_the_run(tiny_settings, tmp_path):
    (tmp_path / "broken.wav").write_bytes(b"no audio")
    write_table(tmp_path / "data.tab", [LabelledClip("broken.wav", (7,), None, "a song")])
    settings = replace(tiny_settings(), extra_data=(tmp_path,))
    with pytest.raises(DatasetError, match=r"1 of 19 clips.*broken\.wav"):
        read_clips(settings)
    (left_out,) = read_clips(replace(settings, bad_share=0.1)).unused.left_out
    assert left_out.filename == "broken.wav"


def test_held_out_clips_are_kept_apart_and_not_held_against_the_data(
    tiny_settings, tmp_path, write_audio
):
    for name in ("held.wav", "more.wav"):
        write_audio(tmp_path / name, 2.5)
    rows = [
        LabelledClip("held.wav", (3,), None, "audio/val_3_0.wav"),
        LabelledClip("more.wav", (7,), None, "a song"),
    ]
    write_table(tmp_path / "data.tab", rows)
    clips = read_clips(replace(tiny_settings(), extra_data=(tmp_path,), bad_share=0.0))
    assert [clip.filename for clip in clips.unused.held_out] == ["held.wav"]
    assert clips.unused.left_out == []
    assert len(clips.train) == 13


def test_the_whole_data_is_judged_whatever_the_limit(tiny_settings, tmp_path):
    (tmp_path / "broken.wav").write_bytes(b"no audio")
    rows = [LabelledClip(f"{name}.wav", (7,), None, name) for name in ("broken", "missing")]
    write_table(tmp_path / "data.tab", rows)
    settings = replace(tiny_settings(), extra_data=(tmp_path,), limit=1, bad_share=0.1)
    clips = read_clips(settings)
    assert (len(clips.train), len(clips.val), len(clips.unused.left_out)) == (6, 6, 2)
    with pytest.raises(DatasetError, match="2 of 20 clips"):
        read_clips(replace(settings, bad_share=0.09))
