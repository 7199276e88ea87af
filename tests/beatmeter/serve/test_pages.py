"""The list and the pages, as the server fills them."""

from __future__ import annotations

import json
import os
import re

import numpy as np
import pytest

from beatmeter.serve.pages import waiting_page


@pytest.fixture
def place(folder, client, row_of, write_audio):
    """Where the page of a recording of 40 s is."""
    write_audio("served/song.wav", np.zeros(40 * 8000, np.float32), 8000)
    client.get("/")
    return f"/recordings/{row_of(client, 'song.wav')['id']}"


def test_the_page_of_a_recording_runs_its_own_scripts_alone(client, place):
    answer = client.get(place)
    policy = answer.headers["content-security-policy"]
    (nonce,) = set(re.findall(r"script-src 'nonce-([\w-]+)'", policy))
    assert "connect-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    scripts = re.findall(r"<script(?![^>]*type=\"(?:application|text)/)[^>]*>", answer.text)
    assert scripts
    assert all(f'nonce="{nonce}"' in script for script in scripts)
    assert nonce not in client.get(place).text


def test_the_page_knows_what_was_corrected(client, place):
    client.put(f"{place}/correction", json={"meters": [3, 4]}, headers={"if-match": "none"})
    page = client.get(place).text
    assert "&quot;correction&quot;: {&quot;meters&quot;: [3, 4]" in page


def test_the_sound_comes_in_pieces(client, place):
    piece = client.get(f"{place}/sound/0")
    assert piece.headers["content-type"] == "audio/ogg"
    assert piece.content.startswith(b"OggS")
    assert client.get(f"{place}/sound/99").status_code == 404
    assert client.get(f"{place}/sound/-1").status_code == 404


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 1},
        {"meter": 6},
        {"confidence": "high"},
        {"segments": 3},
        {"time_signature": "<meta http-equiv=refresh>/4"},
        {"not_asked": ["\ud800"]},
    ],
)
def test_a_malformed_report_is_told_and_kept(folder, client, place, change):
    report = folder / "reports" / "song.wav.json"
    content = json.dumps(json.loads(report.read_text()) | change)
    report.write_text(content)
    answer = client.get(place)
    assert answer.status_code == 400
    assert answer.text == (
        f"{report}: is no analysis of schema 2 (allowed: to hear the recording again)\n"
    )
    assert report.read_text() == content


@pytest.mark.parametrize("change", [{"time_signature": "\ud800"}, {"tempo_bpm": float("nan")}])
def test_a_foreign_report_does_not_take_the_list_away(folder, place, served, open_client, change):
    report = folder / "reports" / "song.wav.json"
    report.write_text(json.dumps(json.loads(report.read_text()) | change))
    (row,) = open_client(served).get("/recordings").json()["rows"]
    assert "is no analysis" in row["failure"]


def test_a_recording_whose_name_is_no_text_has_a_page(folder, client, row_of, write_audio):
    path = write_audio("served/song.wav", np.zeros(40 * 8000, np.float32), 8000)
    path.rename(os.fsdecode(bytes(folder) + b"/caf\xe9.wav"))
    client.get("/")
    identity = row_of(client, "caf\\udce9.wav")["id"]
    answer = client.get(f"/recordings/{identity}")
    assert answer.status_code == 200
    assert "<h1>caf\\udce9.wav</h1>" in answer.text


def test_a_malformed_report_does_not_stop_the_server(folder, served, open_client, row_of):
    (folder / "song.wav").write_bytes(b"RIFF")
    report = folder / "reports" / "song.wav.json"
    report.parent.mkdir()
    for content in ("", "[", "[]", "{}", '{"schema": 2}', "[" * 100_000):
        report.write_text(content)
        client = open_client(served)
        row = row_of(client, "song.wav")
        assert row["status"] == "failed"
        assert "is no analysis" in row["failure"]
    client.post(f"/recordings/{row['id']}/listen")
    assert row_of(client, "song.wav")["status"] == "done"
    assert json.loads(report.read_text())["meter"] == 7


def test_a_failed_recording_says_why_and_does_not_ask_again_by_itself():
    page = waiting_page("song.wav", "song.wav: is text, not audio")
    assert "is text, not audio" in page
    assert "refresh" not in page
    assert "refresh" in waiting_page("song.wav", None)
