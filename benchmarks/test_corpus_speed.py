"""How fast labelled music is made: composed, played, rendered and sent through the effects."""

from __future__ import annotations

import shutil
import time
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import pytest

from beatmeter.corpora.rendering import ClipMaker, CorpusConfig

SECONDS = 20.0
CLIPS = 21
TIMES_REAL_TIME = 100


@pytest.fixture
def maker(tmp_path: Path) -> ClipMaker:
    spec = find_spec("pretty_midi")
    assert spec is not None
    assert spec.origin is not None
    soundfont = tmp_path / "small.sf2"
    shutil.copy(Path(spec.origin).with_name("TimGM6mb.sf2"), soundfont)
    return ClipMaker(CorpusConfig((soundfont,), seconds=SECONDS, seed=11))


def test_clips_are_made_a_hundred_times_faster_than_they_play(benchmark, maker: ClipMaker):
    maker.make(0)
    numbers = count()
    spent = time.process_time()
    benchmark.pedantic(lambda: maker.make(next(numbers)), rounds=CLIPS, iterations=1)
    speed = CLIPS * SECONDS / (time.process_time() - spent)
    benchmark.extra_info["times real time, a core"] = round(speed)
    print(f"{speed:.0f} times real time a core")
    assert speed >= TIMES_REAL_TIME
