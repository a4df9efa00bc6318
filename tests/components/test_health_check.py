"""The checks, run by the shells they are for against a server of the test's own."""

import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from components import health_check
from components.health_check import BareHealthCheck, HealthCheck, bare_get, bash_get, wget_get


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/well" else 503)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.fixture
def well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(health_check, "REST_SECONDS", 1)
    monkeypatch.setattr(health_check, "_WELL", str(tmp_path / "well"))
    return tmp_path / "well"


def succeeds(check: HealthCheck | BareHealthCheck) -> bool:
    return subprocess.run(check.command, capture_output=True, timeout=20).returncode == 0


def in_bare_bash(port: int, path: str) -> BareHealthCheck:
    """Return the check as it runs where no other program is."""
    return bare_get(port, path, bash=("/usr/bin/env", "-i", "PATH=/nowhere", str(shutil.which("bash"))))


WGET = pytest.mark.skipif(
    shutil.which("wget") is None, reason="no wget here; in the images that it is for, engine tests"
)


@pytest.mark.parametrize("get", [bash_get, in_bare_bash, pytest.param(wget_get, marks=WGET)])
def test_only_an_answer_of_200_is_well(
    get: Callable[[int, str], HealthCheck | BareHealthCheck], port: int, well: Path
) -> None:
    assert succeeds(get(port, "/well"))
    assert well.exists()
    assert not succeeds(get(port, "/ill"))
    assert not well.exists() or not well.stat().st_size, "the next check shall not rest"
    assert not succeeds(get(1, "/well"))


@pytest.mark.parametrize("get", [bash_get, in_bare_bash])
def test_a_check_rests_only_after_one_that_was_well(
    get: Callable[[int, str], HealthCheck | BareHealthCheck], port: int, well: Path
) -> None:
    started = time.monotonic()
    assert succeeds(get(port, "/well"))
    first = time.monotonic() - started
    assert succeeds(get(port, "/well"))
    assert time.monotonic() - started - first >= 1 > first


def test_docker_waits_longer_than_a_check_takes() -> None:
    assert health_check.TIMEOUT_SECONDS > health_check.REST_SECONDS + health_check.ANSWER_SECONDS
