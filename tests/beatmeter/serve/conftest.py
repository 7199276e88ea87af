"""A served folder, analysed by a stand-in that is quick and always hears seven."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from beatmeter.output.jsonl import write_json
from beatmeter.serve import jobs
from beatmeter.serve.app import Served, Server
from beatmeter.serve.jobs import Heard

PORT = 8765
ORIGIN = f"http://127.0.0.1:{PORT}"
MOST_BYTES = 1_000_000


@pytest.fixture
def folder(tmp_path) -> Path:
    served = tmp_path / "served"
    served.mkdir()
    return served


@pytest.fixture
def served(folder) -> Served:
    return Served(folder, folder / "reports", "127.0.0.1", PORT, MOST_BYTES)


@pytest.fixture
def analyse(make_analysis) -> Callable[[Path, Path], Heard]:
    def analyse(path: Path, report: Path) -> Heard:
        if path.name.startswith("bad"):
            return Heard(failure=f"{path}: holds no sound")
        write_json(make_analysis(str(path)), report)
        return Heard()

    return analyse


@pytest.fixture
def open_client(monkeypatch) -> Iterator[Callable[..., TestClient]]:
    """``open_client(served, analyse)``: a client of a server that works in threads."""
    monkeypatch.setattr(jobs, "start_workers", ThreadPoolExecutor)
    clients = []

    def open_client(served: Served, analyse: Callable[[Path, Path], Heard]) -> TestClient:
        client = TestClient(
            Server(served, analyse).app(),
            base_url=f"http://127.0.0.1:{served.port}",
            headers={"origin": f"http://127.0.0.1:{served.port}"},
            follow_redirects=False,
        )
        client.__enter__()
        clients.append(client)
        return client

    yield open_client
    for client in clients:
        client.__exit__(None, None, None)


@pytest.fixture
def client(served, analyse, open_client) -> TestClient:
    return open_client(served, analyse)


@pytest.fixture
def row_of() -> Callable[[TestClient, str], dict]:
    """``row_of(client, name)``: a row of the list, once its recording is analysed."""

    def row_of(client: TestClient, name: str) -> dict:
        while True:
            answer = client.get("/recordings").json()
            (row,) = (row for row in answer["rows"] if row["name"] == name)
            if row["status"] in ("done", "failed"):
                return row

    return row_of
