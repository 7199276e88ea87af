"""Evidence over a labelled dataset, gathered once."""

from __future__ import annotations

import math
from itertools import islice

import numpy as np
import pytest

from beatmeter.datasets.labels import LabelledClip
from beatmeter.errors import DatasetError
from beatmeter.fusion.fit import collection
from beatmeter.fusion.fit.collection import ClipEvidence, collect, list_clips

WORKS = {"a": (3,), "b": (4,), "c": (5,), "d": (3, 4)}


@pytest.fixture
def loaded(monkeypatch) -> list[str]:
    """Names of the clips whose audio was decoded."""
    names = []
    load = collection.load

    def watched(path):
        names.append(path.name)
        return load(path)

    monkeypatch.setattr(collection, "load", watched)
    return names


def same(one: ClipEvidence, other: ClipEvidence) -> bool:
    return one.clip == other.clip and all(
        np.array_equal(a, b)
        for name in one.evidence.keys() | other.evidence.keys()
        for a, b in zip(one.evidence[name], other.evidence[name], strict=True)
    )


def test_an_interrupted_run_goes_on_where_it_stopped(make_dataset, two_signals, loaded, tmp_path):
    clips = list_clips(make_dataset(WORKS), ["train"])
    names = [path.name for path, _ in clips]
    first = list(islice(collect(clips, tmp_path / "cache", jobs=1), 2))
    assert loaded == names[:2]
    second = list(collect(clips, tmp_path / "cache", jobs=1))
    assert loaded == names
    assert all(same(one, other) for one, other in zip(first, second[:2], strict=True))
    assert [clip.clip for clip in second] == [clip for _, clip in clips]
    assert not list((tmp_path / "cache").glob("*.part"))


def test_each_signal_gives_a_row_of_evidence_for_each_pulse(make_dataset, two_signals, tmp_path):
    clips = list_clips(make_dataset({"a": (3,)}), ["train"])
    (found,) = collect(clips, tmp_path / "cache", jobs=1)
    assert found.evidence.keys() == two_signals.keys()
    for evidence, context in found.evidence.values():
        assert len(evidence) == len(context) > 0
        assert context.shape[1] == 3
        assert np.isfinite(evidence).all()


def test_how_much_was_heard_is_told_whether_or_not_it_was_known(
    make_dataset, two_signals, tmp_path
):
    clips = list_clips(make_dataset({"a": (3,)}), ["train"])
    for heard, told in ((math.inf, 8.0), (5.0, 5.0), (math.inf, 8.0)):
        (found,) = collect(clips, tmp_path / "cache", jobs=1, seconds=heard)
        assert found.seconds == pytest.approx(told)


def test_changed_audio_is_heard_anew(make_dataset, two_signals, loaded, tmp_path):
    clips = list_clips(make_dataset(WORKS), ["train"])
    list(collect(clips, tmp_path / "cache", jobs=1))
    loaded.clear()
    clips[1][0].write_bytes(clips[2][0].read_bytes()[:-2000])
    list(collect(clips, tmp_path / "cache", jobs=1))
    assert loaded == [clips[1][0].name]


def test_a_silent_clip_comes_without_evidence(silent_clip, two_signals, tmp_path):
    for _ in range(2):
        (found,) = collect([silent_clip], tmp_path / "cache", jobs=1)
        assert found == ClipEvidence(silent_clip[1], {}, 3.0)


def test_a_signal_that_cannot_speak_is_left_out(make_dataset, two_signals, tmp_path, monkeypatch):
    def shrug(self, rhythm):
        raise collection.Abstain("has no idea")

    monkeypatch.setattr(type(two_signals["accent_folding"]), "hypotheses", shrug)
    clips = list_clips(make_dataset({"a": (3,)}), ["train"])
    (found,) = collect(clips, tmp_path / "cache", jobs=1)
    assert list(found.evidence) == ["onset_autocorrelation"]


def test_splits_are_listed_in_order_and_a_missing_one_is_passed_over(make_dataset):
    folder = make_dataset({"a": (3,)})
    make_dataset({"b": (4,), "c": (7,)}, split="val")
    works = [clip.work for _, clip in list_clips(folder, ["train", "val", "test"])]
    assert works == ["a", "b", "c"]
    assert [clip.work for _, clip in list_clips(folder, ["val"])] == ["b", "c"]


def test_no_table_is_one_clear_line(tmp_path):
    with pytest.raises(DatasetError, match=r"no data_\{train,val\}_4_classes\.tab$"):
        list_clips(tmp_path, ["train", "val"])


def test_a_clip_that_is_not_there_is_named(make_dataset):
    folder = make_dataset({"a": (3,), "b": (4,)})
    (folder / "train-1.wav").unlink()
    with pytest.raises(DatasetError, match=r"train-1\.wav: named in a table, but not there$"):
        list_clips(folder, ["train"])


def test_simultaneous_meters_share_the_target():
    target = ClipEvidence(LabelledClip("a.wav", (3, 4), None, "a"), {}, 30.0).target
    np.testing.assert_array_equal(target, [0.5, 0.5, 0, 0, 0, 0])


def test_the_hash_of_the_code_depends_on_the_signals(two_signals):
    both = collection.code_hash()
    collection.code_hash.cache_clear()
    del two_signals["accent_folding"]
    assert collection.code_hash() != both
