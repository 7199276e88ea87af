"""Who is let in, and where no request leads."""

from __future__ import annotations

import pytest

from beatmeter.serve.security import Gate


@pytest.fixture
def recording(folder, client, row_of):
    """The id of the one recording of a served folder."""
    (folder / "song.wav").write_bytes(b"RIFF")
    client.get("/")
    return row_of(client, "song.wav")["id"]


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8765",
        "127.0.0.1",
        "127.0.0.1:80",
        "127.0.0.1.evil.example:8765",
        "192.168.0.7:8765",
        "127.0.0.1:8765@evil.example",
        "user@127.0.0.1:8765",
        "127.0.0.1:8765/",
        "[::1",
        "127.0.0.1:port",
        "",
    ],
)
def test_a_foreign_host_is_refused(client, host):
    answer = client.get("/recordings", headers={"host": host})
    assert answer.status_code == 421
    assert answer.text.count("\n") == 1


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8765", "localhost:8765", "LOCALHOST:8765", "[::1]:8765"]
)
def test_the_names_of_this_machine_are_let_in(client, host):
    assert client.get("/recordings", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    ("host", "allowed"),
    [("192.168.0.7:80", True), ("192.168.0.7", True), ("evil.example", False)],
)
def test_a_server_for_others_is_asked_by_address(host, allowed):
    gate = Gate(app=None, host="0.0.0.0", port=80)
    assert (gate.why_refused("GET", {"host": [host]}) is None) is allowed


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:8766"},
        {"origin": "https://127.0.0.1:8765"},
        {"origin": "http://localhost:8765"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_posts_of_other_sites_are_refused(client, recording, folder, headers):
    place = f"/recordings/{recording}"
    body = {"meters": [3]}
    for answer in (
        client.put(f"{place}/correction", json=body, headers={"if-match": "none", **headers}),
        client.post(f"{place}/listen", headers=headers),
        client.post("/uploads?name=a.wav", content=b"RIFF", headers=headers),
    ):
        assert answer.status_code == 403
    assert not (folder / "corrections.csv").exists()
    assert not (folder / "dropped").exists()


def test_a_post_without_origin_is_refused(client):
    del client.headers["origin"]
    assert client.post("/uploads?name=a.wav", content=b"RIFF").status_code == 403


def test_other_sites_may_link_here_but_not_embed(client):
    foreign = {"sec-fetch-site": "cross-site"}
    assert client.get("/", headers={**foreign, "sec-fetch-mode": "navigate"}).status_code == 200
    for mode in ("no-cors", "cors", "same-origin"):
        assert client.get("/", headers={**foreign, "sec-fetch-mode": mode}).status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "/recordings/../../etc/passwd",
        "/recordings/..%2f..%2fetc%2fpasswd/file",
        "/recordings/%2e%2e/file",
        "/recordings//etc/passwd/file",
        "/recordings/song.wav/file",
        "/assets/..%2fapp.py",
        "/assets/%2e%2e%2fapp.py",
        "/assets/correct.html",
        "/corrections.csv",
        "/song.wav",
    ],
)
def test_no_path_leads_to_a_file(client, recording, path):
    assert client.get(path).status_code == 404


def test_links_that_lead_outside_are_not_served(tmp_path, folder, client, row_of):
    (tmp_path / "secret.wav").write_bytes(b"secret")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "other.wav").write_bytes(b"secret")
    (folder / "link.wav").symlink_to(tmp_path / "secret.wav")
    (folder / "links").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (folder / "own.wav").write_bytes(b"RIFF")
    (folder / "inner.wav").symlink_to(folder / "own.wav")
    client.get("/")
    answer = client.get("/recordings").json()
    assert [row["name"] for row in answer["rows"]] == ["inner.wav", "own.wav"]
    assert answer["problems"] == ["2 left out: links that lead out of the folder, or no files"]
    for row in answer["rows"]:
        assert client.get(f"/recordings/{row['id']}/file").content == b"RIFF"


def test_a_recording_replaced_by_a_link_is_not_served(tmp_path, folder, client, recording):
    (tmp_path / "secret.wav").write_bytes(b"secret")
    (folder / "song.wav").unlink()
    (folder / "song.wav").symlink_to(tmp_path / "secret.wav")
    answer = client.get(f"/recordings/{recording}/file")
    assert answer.status_code == 404
    assert b"secret" not in answer.content


def test_a_recording_is_served_whole_or_in_ranges_but_never_as_a_page(folder, client, recording):
    place = f"/recordings/{recording}/file"
    whole = client.get(place)
    assert whole.content == b"RIFF"
    assert whole.headers["content-type"] == "application/octet-stream"
    assert whole.headers["content-disposition"].startswith("attachment")
    part = client.get(place, headers={"range": "bytes=1-2"})
    assert (part.status_code, part.content) == (206, b"IF")
    assert client.get(place, headers={"range": "bytes=9-"}).status_code == 416
    many = "bytes=" + ",".join("0-0" for _ in range(5000))
    assert len(client.get(place, headers={"range": many}).content) < 2000


def test_names_with_markup_stay_text(folder, client, row_of):
    name = '<img src=x onerror="alert(1)">&{{TOLD}}.wav'
    (folder / name).write_bytes(b"RIFF")
    (folder / f"bad{name}").write_bytes(b"RIFF")
    page = client.get("/")
    assert "onerror" not in page.text
    assert client.get("/recordings").headers["content-type"] == "application/json"
    failed = row_of(client, f"bad{name}")
    waiting = client.get(f"/recordings/{failed['id']}").text
    assert "<img" not in waiting
    assert "&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&amp;{{TOLD}}.wav" in waiting


def test_no_answer_lets_foreign_scripts_run(client):
    for path in ("/", "/nowhere", "/assets/list.js"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"
    policy = client.get("/").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
