"""Evidence over a labelled dataset, gathered once."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from beatmeter.datasets.audio_index import LabelledFile
from beatmeter.datasets.folder import read_splits
from beatmeter.datasets.labels import LabelledClip
from beatmeter.fusion.fit import collection
from beatmeter.fusion.fit.collection import ClipEvidence, collect

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


def files_of(folder) -> list[LabelledFile]:
    return read_splits(folder)["train"].files


def same(ones: tuple[ClipEvidence, ...], others: tuple[ClipEvidence, ...]) -> bool:
    return all(
        one.clip == other.clip and np.array_equal(a, b)
        for one, other in zip(ones, others, strict=True)
        for name in one.evidence.keys() | other.evidence.keys()
        for a, b in zip(one.evidence[name], other.evidence[name], strict=True)
    )


def test_an_interrupted_run_goes_on_where_it_stopped(make_dataset, two_signals, loaded, tmp_path):
    clips = files_of(make_dataset(WORKS))
    names = [file.path.name for file in clips]
    first = list(islice(collect(clips, tmp_path / "cache", jobs=1), 2))
    assert loaded == names[:2]
    second = list(collect(clips, tmp_path / "cache", jobs=1))
    assert loaded == names
    assert all(same(one, other) for one, other in zip(first, second[:2], strict=True))
    assert [clip.clip for clip, *_ in second] == [file.clip for file in clips]
    assert not list((tmp_path / "cache").glob("*.part"))


def test_each_signal_gives_a_row_of_evidence_for_each_pulse(make_dataset, two_signals, tmp_path):
    clips = files_of(make_dataset({"a": (3,)}))
    ((found,),) = collect(clips, tmp_path / "cache", jobs=1)
    assert found.evidence.keys() == two_signals.keys()
    for evidence, context in found.evidence.values():
        assert len(evidence) == len(context) > 0
        assert context.shape[1] == 3
        assert np.isfinite(evidence).all()


def test_as_much_is_heard_as_asked_for_and_no_more_than_there_is(
    make_dataset, two_signals, tmp_path, monkeypatch
):
    monkeypatch.setattr(collection, "SHORT_S", (5.0,))
    clips = files_of(make_dataset({"a": (3,)}))
    for _ in range(2):
        ((whole, short),) = collect(clips, tmp_path / "cache", jobs=1)
        assert (whole.seconds, short.seconds) == (pytest.approx(8.0), 5.0)
        assert whole.evidence.keys() == short.evidence.keys() == two_signals.keys()
        (one, _), (other, _) = (heard.evidence["accent_folding"] for heard in (whole, short))
        assert not np.array_equal(one, other)


def noting(asked: list[str], signal):
    """Its hypotheses; each asking is noted by name."""
    hypotheses = signal.hypotheses

    def ask(rhythm):
        asked.append(signal.name)
        return hypotheses(rhythm)

    return ask


def test_only_what_listens_to_a_network_is_heard_anew_with_another(
    make_dataset, two_signals, tmp_path, monkeypatch
):
    clips = files_of(make_dataset({"a": (3,)}))
    network, asked = ["one"], []
    kind = type(two_signals["accent_folding"])
    monkeypatch.setattr(kind, "fingerprint", lambda self: network[0], raising=False)
    for signal in two_signals.values():
        monkeypatch.setattr(signal, "hypotheses", noting(asked, signal))
    for network[0] in ("one", "other", "other"):
        collection.evidence_parts.cache_clear()
        list(collect(clips, tmp_path / "cache", jobs=1))
    assert sorted(asked) == ["accent_folding", "accent_folding", "onset_autocorrelation"]


def test_changed_audio_is_heard_anew(make_dataset, two_signals, loaded, tmp_path):
    clips = files_of(make_dataset(WORKS))
    list(collect(clips, tmp_path / "cache", jobs=1))
    loaded.clear()
    clips[1].path.write_bytes(clips[2].path.read_bytes()[:-2000])
    list(collect(clips, tmp_path / "cache", jobs=1))
    assert loaded == [clips[1].path.name]


def test_a_silent_clip_comes_without_evidence(silent_clip, two_signals, tmp_path):
    for _ in range(2):
        ((found,),) = collect([silent_clip], tmp_path / "cache", jobs=1)
        assert found == ClipEvidence(silent_clip.clip, {}, 0.0)


def test_a_signal_that_cannot_speak_is_left_out(make_dataset, two_signals, tmp_path, monkeypatch):
    def shrug(self, rhythm):
        raise collection.Abstain("has no idea")

    monkeypatch.setattr(type(two_signals["accent_folding"]), "hypotheses", shrug)
    clips = files_of(make_dataset({"a": (3,)}))
    ((found,),) = collect(clips, tmp_path / "cache", jobs=1)
    assert list(found.evidence) == ["onset_autocorrelation"]


def test_simultaneous_meters_share_the_target():
    target = ClipEvidence(LabelledClip("a.wav", (3, 4), None, "a"), {}, 30.0).target
    np.testing.assert_array_equal(target, [0.5, 0.5, 0, 0, 0, 0])


def test_the_hash_of_the_code_depends_on_the_signals(two_signals):
    both = collection.evidence_code()
    collection.evidence_parts.cache_clear()
    del two_signals["accent_folding"]
    assert collection.evidence_code() != both
