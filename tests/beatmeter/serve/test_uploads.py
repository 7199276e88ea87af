"""What is dropped on the page, by friends and others."""

from __future__ import annotations

import asyncio
import os
import shutil
from types import SimpleNamespace

import pytest

from beatmeter.serve import uploads
from beatmeter.serve.app import Server
from beatmeter.serve.listing import Listing
from beatmeter.serve.uploads import AT_ONCE, MOST_WAITING, UploadError, Uploads, safe_name

MOST_BYTES = 1_000_000


@pytest.fixture
def taker(tmp_path):
    return Uploads(tmp_path / "dropped", MOST_BYTES)


async def stream(*chunks):
    for chunk in chunks:
        await asyncio.sleep(0)
        yield chunk


def files_in(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_a_dropped_recording_is_analysed_and_listed(folder, client, row_of):
    answer = client.post("/uploads?name=song.wav", content=b"RIFF and more")
    assert answer.status_code == 201
    assert (folder / "dropped" / "song.wav").read_bytes() == b"RIFF and more"
    assert answer.json() == {"name": "song.wav"}
    assert row_of(client, "dropped/song.wav")["heard"]["meter"] == 7


def test_a_taken_name_gets_a_number(folder, client):
    for content in (b"one", b"two", b"three"):
        client.post("/uploads?name=song.wav", content=content)
    found = {path.name: path.read_bytes() for path in (folder / "dropped").iterdir()}
    assert found == {"song.wav": b"one", "song (2).wav": b"two", "song (3).wav": b"three"}


def test_many_who_drop_at_once_share_looks_at_the_folder(served, monkeypatch):
    looks = []
    monkeypatch.setattr(Listing, "refresh", lambda _: looks.append("look") or [])

    async def drop_all():
        server = Server(served)
        looks.clear()
        await asyncio.gather(*(server.look() for _ in range(20)))

    asyncio.run(drop_all())
    assert len(looks) == 2  # the first one may have begun too early for the others


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../song.wav", "song.wav"),
        ("/etc/song.wav", "song.wav"),
        ("C:\\music\\song.wav", "song.wav"),
        ("..song.wav", "song.wav"),
        (".hidden.wav", "hidden.wav"),
        ("a\nb\0c.wav", "abc.wav"),
        ("<b>.wav", "<b>.wav"),
        ("\u202egnp.wav", "gnp.wav"),
        ("Ж" * 300 + ".flac", "Ж" * 117 + ".flac"),
    ],
)
def test_names_are_made_safe(name, kept):
    assert safe_name(name, 255) == kept


@pytest.mark.parametrize("name", ["", "..", "/", "song.exe", "wav", ".wav", "a.wav/", "index.html"])
def test_what_is_no_recording_by_name_is_refused(folder, client, name):
    answer = client.post("/uploads", params={"name": name}, content=b"RIFF")
    assert answer.status_code in (400, 415)
    assert "allowed" in answer.text
    assert not (folder / "dropped").exists()


@pytest.mark.parametrize("length", [str(2 * 10**9), "9" * 5000])
def test_two_gigabytes_are_refused_by_their_header(taker, length):
    with pytest.raises(UploadError, match=r"too large \(allowed: 1 MB\)") as refused:
        asyncio.run(taker.take("a.wav", length, stream(b"RIFF")))
    assert refused.value.status == 413
    assert not taker.folder.exists()


@pytest.mark.parametrize("length", ["-1", "1e3", "many", "٣"])
def test_a_length_that_is_no_number_is_refused(taker, length):
    with pytest.raises(UploadError) as refused:
        asyncio.run(taker.take("a.wav", length, stream(b"RIFF")))
    assert refused.value.status == 400


@pytest.mark.parametrize("length", [None, "10"])
def test_a_stream_that_lies_about_its_length_is_cut_and_leaves_nothing(taker, length):
    taken = 0

    async def endless():
        nonlocal taken
        while True:
            taken += 1
            yield b"\0" * 65536

    with pytest.raises(UploadError) as refused:
        asyncio.run(taker.take("a.wav", length, endless()))
    assert refused.value.status == 413
    assert taken == MOST_BYTES // 65536 + 1
    assert files_in(taker.folder) == []


def test_an_empty_file_is_refused(taker):
    with pytest.raises(UploadError, match="is empty"):
        asyncio.run(taker.take("a.wav", "0", stream()))
    assert files_in(taker.folder) == []


def test_a_sender_that_falls_silent_is_given_up(taker, monkeypatch):
    monkeypatch.setattr(uploads, "_PATIENCE_S", 0.05)

    async def silent():
        yield b"RIFF"
        await asyncio.Event().wait()

    with pytest.raises(UploadError) as refused:
        asyncio.run(taker.take("a.wav", None, silent()))
    assert refused.value.status == 408
    assert files_in(taker.folder) == []


def test_a_full_disk_is_told(taker, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=2**20))
    with pytest.raises(UploadError, match="disk is full") as refused:
        asyncio.run(taker.take("a.wav", None, stream(b"RIFF")))
    assert refused.value.status == 507


def test_a_folder_that_is_a_link_is_not_written_through(tmp_path, taker):
    (tmp_path / "elsewhere").mkdir()
    taker.folder.symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    with pytest.raises(UploadError, match="is a link"):
        asyncio.run(taker.take("a.wav", None, stream(b"RIFF")))
    assert files_in(tmp_path / "elsewhere") == []


def test_twenty_at_once_all_arrive_few_at_a_time(taker):
    most = 0

    async def watched(content):
        nonlocal most
        for _ in range(10):
            await asyncio.sleep(0)
            parts = [name for name in files_in(taker.folder) if name.endswith(".part")]
            most = max(most, len(parts))
            yield content

    async def all_at_once():
        takes = (taker.take("a.wav", None, watched(bytes([n + 1]))) for n in range(20))
        return await asyncio.gather(*takes)

    paths = asyncio.run(all_at_once())
    assert sorted(path.read_bytes() for path in paths) == [bytes([n + 1]) * 10 for n in range(20)]
    assert most == AT_ONCE


def test_a_flood_is_refused(taker):
    async def flood():
        begun = asyncio.Event()

        async def held():
            await begun.wait()
            yield b"RIFF"

        count = AT_ONCE + MOST_WAITING
        takes = [asyncio.create_task(taker.take("a.wav", None, held())) for _ in range(count)]
        await asyncio.sleep(0)  # each task begins
        with pytest.raises(UploadError) as refused:
            await taker.take("a.wav", None, held())
        begun.set()
        await asyncio.gather(*takes)
        return refused.value.status

    assert asyncio.run(flood()) == 503
    assert len(files_in(taker.folder)) == AT_ONCE + MOST_WAITING


def test_a_folder_without_room_for_names_is_told(taker, monkeypatch):
    monkeypatch.setattr(uploads, "MOST_FILES", 1)
    asyncio.run(taker.take("a.wav", None, stream(b"RIFF")))
    with pytest.raises(UploadError, match="is full"):
        asyncio.run(taker.take("b.wav", None, stream(b"RIFF")))


def test_nothing_is_written_over_without_links(taker, monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    for content in (b"one", b"two"):
        asyncio.run(taker.take("a.wav", None, stream(content)))
    assert files_in(taker.folder) == ["a (2).wav", "a.wav"]
