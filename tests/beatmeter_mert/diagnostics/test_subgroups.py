import numpy as np
import pytest

from beatmeter.errors import DatasetError
from beatmeter.evaluation.metrics import balanced_accuracy, primary_accuracy
from beatmeter.evaluation.report.text import to_text
from beatmeter_mert.diagnostics.evaluation import evaluate
from beatmeter_mert.diagnostics.sections import sections
from beatmeter_mert.diagnostics.subgroups import by_subgroup


def test_every_kind_is_counted_as_if_it_were_alone(predictions):
    clips = len(predictions.names)
    drums = ["yes" if clip % 3 else "no" for clip in range(clips)]
    figures = by_subgroup(predictions, {"drums": drums, "made": ["composed"] * clips})
    assert [(f.trait, f.kind) for f in figures] == [
        ("drums", "no"),
        ("drums", "yes"),
        ("made", "composed"),
    ]
    for of_kind in figures[:2]:
        alone = predictions.take(np.flatnonzero([kind == of_kind.kind for kind in drums]))
        answers = alone.probabilities, alone.labels
        assert of_kind.clips == len(alone.names)
        assert of_kind.accuracy == primary_accuracy(*answers)
        assert of_kind.balanced_accuracy == balanced_accuracy(*answers)
    assert figures[2].accuracy == primary_accuracy(predictions.probabilities, predictions.labels)


def test_kinds_of_other_clips_are_refused(predictions):
    with pytest.raises(DatasetError, match=r"drums of 1 clips \(allowed: 240\)"):
        by_subgroup(predictions, {"drums": ["yes"]})


def test_kinds_are_shown_where_they_are_known(predictions):
    tempi = {"tempo": [" 80 to 120 BPM"] * len(predictions.names)}
    known = evaluate(predictions, {}, resamples=2, subgroups=tempi)
    assert "tempo:  80 to 120 BPM" in to_text(sections(known))
    unknown = evaluate(predictions, {}, resamples=2)
    assert "Kinds of music" not in to_text(sections(unknown))
