import random

from hypothesis import given
from hypothesis import strategies as st

from beatmeter.datasets.labels import LabelledClip
from beatmeter.datasets.splits import SPLITS, split_by_work

clip_lists = st.lists(
    st.tuples(st.integers(0, 20), st.sampled_from([(3,), (4,), (11,), (3, 4)])), max_size=60
).map(
    lambda rows: [
        LabelledClip(f"{number}.wav", meters, None, f"work {work}")
        for number, (work, meters) in enumerate(rows)
    ]
)


@given(clip_lists, st.integers(0, 3))
def test_every_clip_is_in_one_split_and_no_work_in_two(clips, seed):
    splits = split_by_work(clips, seed=seed)
    assert sorted(clip.filename for part in splits.values() for clip in part) == sorted(
        clip.filename for clip in clips
    )
    works = [{clip.work for clip in splits[name]} for name in SPLITS]
    assert sum(map(len, works)) == len(set().union(*works))


@given(clip_lists, st.randoms(use_true_random=False))
def test_the_order_of_clips_does_not_matter(clips, rng):
    shuffled = list(clips)
    rng.shuffle(shuffled)
    one, other = split_by_work(clips), split_by_work(shuffled)
    assert {n: {c.filename for c in one[n]} for n in SPLITS} == {
        n: {c.filename for c in other[n]} for n in SPLITS
    }


def test_shares_are_kept_for_every_meter_and_rare_ones_are_everywhere():
    clips = [LabelledClip(f"{w}", (3,), None, f"{w}") for w in range(200)]
    clips += [LabelledClip(f"rare{w}", (11,), None, f"rare{w}") for w in range(3)]
    random.Random(0).shuffle(clips)
    splits = split_by_work(clips)
    counts = [[sum(c.meters == m for c in splits[n]) for n in SPLITS] for m in ((3,), (11,))]
    assert counts == [[140, 30, 30], [1, 1, 1]]


def test_another_seed_divides_otherwise():
    clips = [LabelledClip(f"{w}", (3,), None, f"{w}") for w in range(50)]
    assert split_by_work(clips, seed=0) != split_by_work(clips, seed=1)
