from collections import Counter

import pytest

from beatmeter.errors import DatasetError, MeterError
from beatmeter_mert.training.wikimeter.catalogue import SELECTIONS, Song, select


def _kinds(songs):
    return Counter("poly" if song.is_polyrhythmic else min(song.labels) for song in songs)


def test_wikimeter_has_its_163_songs():
    songs = select("wikimeter")
    assert len(songs) == 163
    assert _kinds(songs) == {3: 29, 4: 29, 5: 30, 7: 32, 9: 12, 11: 8, "poly": 23}
    assert all(song.expected_s and song.query and not song.sources for song in songs)


def test_oddmeter_wiki_is_the_odd_and_polyrhythmic_part():
    songs = select("oddmeter-wiki")
    assert len(songs) == 105
    assert set(_kinds(songs)) == {5, 7, 9, 11, "poly"}


def test_the_reviewed_list_knows_its_recordings():
    songs = select("reviewed")
    assert len(songs) == 683
    kinds = _kinds(songs)
    assert kinds.pop("poly") == 29
    assert kinds == {3: 107, 4: 84, 5: 122, 7: 126, 9: 135, 11: 80}
    assert all(address.startswith("https://") for song in songs for address in song.sources)
    assert all(song.sources for song in songs)


def test_confidences_and_trims_are_read():
    songs = {song.slug: song for song in select("reviewed")}
    assert songs["babatunde_olatunji_jin-go-lo-ba"].labels == {3: 0.7, 4: 0.8}
    trims = {slug: (s.start_s, s.end_s) for slug, s in songs.items() if s.start_s or s.end_s}
    assert len(trims) == 10
    assert (45.0, 320.0) in trims.values()
    assert (None, 590.0) in trims.values()


@pytest.mark.parametrize("selection", SELECTIONS)
def test_no_two_songs_share_their_files(selection):
    songs = select(selection)
    assert len({song.slug for song in songs}) == len(songs)


@pytest.mark.parametrize("selection", SELECTIONS)
def test_every_doubt_has_its_reason(selection):
    for song in select(selection):
        assert all(0 < confidence <= 1 for confidence in song.labels.values())
        if selection != "reviewed":
            assert bool(song.note) == any(c < 1 for c in song.labels.values())


def test_songs_are_chosen_by_meter_kind_and_number():
    assert set(_kinds(select("wikimeter", (5, 7), polyrhythms=False))) == {5, 7}
    assert all(5 in song.labels for song in select("wikimeter", (5,)))
    assert len(select("reviewed", limit=7)) == 7


@pytest.mark.parametrize(
    ("artist", "title", "slug"),
    [
        ("AC/DC", "T.N.T.", "acdc_tnt"),
        ("../..", "/etc/passwd", "etcpasswd"),
        ("Björk", "  Jóga  (live) ", "björk_jóga_live"),
        ("A", "x" * 200, "a_" + "x" * 78),
    ],
)
def test_slugs_are_safe_file_names(artist, title, slug):
    assert Song(artist, title, {3: 1.0}).slug == slug


def test_unknown_selections_and_meters_are_refused():
    with pytest.raises(DatasetError, match="allowed: wikimeter"):
        select("everything")
    with pytest.raises(MeterError, match="13"):
        select("wikimeter", (13,))
