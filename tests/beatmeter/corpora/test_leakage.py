from __future__ import annotations

import numpy as np
import pytest

from beatmeter.corpora.leakage import (
    EVERYTHING,
    Example,
    dataset_examples,
    measure_leakage,
    sound_features,
)
from beatmeter.corpora.rendering import render_dataset
from beatmeter.errors import DatasetError


def examples(leak: float, works: int = 75, clips_a_work: int = 1) -> list[Example]:
    """Clips in 3, 4 and 5 whose tempo knows the meter with the probability `leak`."""
    rng = np.random.default_rng(4)
    made = []
    for work in range(works):
        meter = (3, 4, 5)[work % 3]
        timbre = rng.standard_normal(3)
        for _ in range(clips_a_work):
            told = meter if rng.random() < leak else rng.choice((3, 4, 5))
            spectrum = {f"mean {i}": value for i, value in enumerate(timbre)}
            kind = {"kind": "song" if rng.random() < 0.5 else "dance"}
            made.append(
                Example(
                    {"spectrum": spectrum, "tempo": {"bpm": 40.0 * told}, "kind": kind},
                    meter,
                    f"{work}",
                )
            )
    return made


def test_a_planted_leak_is_found_and_named():
    results = {result.group: result for result in measure_leakage(examples(leak=0.6))}
    assert results["tempo"].leaks
    assert results[EVERYTHING].leaks
    assert not results["spectrum"].leaks
    assert not results["kind"].leaks
    assert results["tempo"].chance == pytest.approx(1 / 3)


def test_clean_clips_are_at_chance():
    for result in measure_leakage(examples(leak=0.0)):
        assert not result.leaks
        assert abs(result.balanced_accuracy - 1 / 3) < 0.15


def test_clips_of_one_work_do_not_give_each_other_away():
    repeated = measure_leakage(examples(leak=0.0, works=30, clips_a_work=6))
    assert not any(result.leaks for result in repeated)


def test_too_few_works_are_refused():
    with pytest.raises(DatasetError, match=r"meter 3 has 2 works \(allowed: 5 or more\)"):
        measure_leakage(examples(leak=0.0, works=6))


def test_features_know_nothing_of_order():
    samples = np.random.default_rng(0).standard_normal(72_000).astype(np.float32) * 0.1
    samples[20_000:30_000] *= 4
    there, back = sound_features(samples, 24_000), sound_features(samples[::-1].copy(), 24_000)
    for group, values in there.items():
        for name, value in values.items():
            assert back[group][name] == pytest.approx(value, abs=0.7)


def test_examples_come_from_a_dataset(woodblock_config, tmp_path):
    render_dataset(woodblock_config, tmp_path / "corpus", 15)
    found = list(dataset_examples(tmp_path / "corpus"))
    assert {example.meter for example in found} == {3, 4, 5, 7, 9, 11}
    assert len(found) == 12
    assert {"spectrum", "loudness", "parts", "tempo", "kind"} <= found[0].features.keys()
