"""What `fleet add https://…` says at once of a remote server: a real one, over TLS."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from remote.tests.remote_server import Authority, Remote, remote

from .conftest import STACK_FILE, Machine


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    made = Authority.made(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.bundle))
    return made


@pytest.fixture
def server(authority: Authority) -> Iterator[Remote]:
    with remote(authority.context(), key="key-0123456789") as running:
        yield running


def refused(machine: Machine, *arguments: str) -> str:
    """What a refused `fleet add` says; the stack's file is as it was."""
    result = machine.fleet("add", *arguments, "--name", "it")
    assert result.exit_code == 1, result.stdout
    assert machine.stack_file.read_text() == STACK_FILE
    return result.stderr


def added(machine: Machine, *arguments: str) -> str:
    result = machine.fleet("add", *arguments, "--name", "it")
    assert result.exit_code == 0, result.stderr
    return result.stderr


@pytest.mark.parametrize("grants", [[], ["authorization_code", "refresh_token"]])
def test_a_server_for_people_who_log_in_is_refused(machine: Machine, server: Remote, grants: list[str]) -> None:
    server.grants = grants
    said = refused(machine, server.url)
    assert f"{server.url} lets in people who log in, and no machines" in said
    assert "each person adds it to their own client" in said


def test_with_a_header_it_is_taken_at_its_word(machine: Machine, server: Remote) -> None:
    server.grants = []
    said = added(machine, server.url, "--header", "Authorization=Bearer {KEY}")
    assert "mcp-fleet:secrets.it.KEY" in said


def test_a_server_that_lets_machines_in_says_where_tokens_are(machine: Machine, server: Remote) -> None:
    server.grants = ["authorization_code", "client_credentials"]
    said = added(machine, server.url)
    assert f"{server.path('/token')} gives by client credentials: write `auth` into its line" in said


def test_a_server_that_only_asks_for_a_credential_says_so(machine: Machine, server: Remote) -> None:
    assert "asks for a credential: give it one with --header" in added(machine, server.url)


@pytest.mark.parametrize(
    ("path", "said"),
    [("/page", "answers text/html, which is not MCP"), ("/moved", "redirects to"), ("/nowhere", "answered 404")],
)
def test_what_is_no_mcp_is_refused(machine: Machine, server: Remote, path: str, said: str) -> None:
    told = refused(machine, server.path(path))
    assert said in told
    assert "token=abc" not in told, "a query may hold what is secret"


def test_an_expired_certificate_is_refused(machine: Machine, authority: Authority) -> None:
    with remote(authority.context(expired=True)) as server:
        assert "can't be trusted: certificate has expired" in refused(machine, server.url)


def test_what_can_not_be_seen_from_here_is_said_and_added(
    machine: Machine, server: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    said = added(machine, server.url)
    assert "could not look at it from here: the certificate of" in said, "the fleet may know its authority"


def test_a_server_that_needs_nothing_is_added_without_a_word(machine: Machine, server: Remote) -> None:
    server.tokens.issued.append("")
    said = added(machine, server.url)
    assert "asks for" not in said
    assert server.seen == ["", ""], "the session that was made for the question is ended"
