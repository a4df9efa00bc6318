"""A remote server as a stack has it: served with the fleet's own credential, and the reason when that is refused."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from remote.tests.remote_server import CLIENT_ID, CLIENT_SECRET, SCOPE, Authority, remote

from .deployment import Deployment

AUTHORITY = "/etc/authority.pem"


@pytest.mark.long
def test_a_remote_server_is_served_with_the_fleets_credentials_and_says_why_when_they_are_refused(
    make_deployment: Callable[[str], Deployment], tmp_path: Path
) -> None:
    fleet = make_deployment("remote")
    bridge = fleet.docker.networks.get("docker_gwbridge").attrs["IPAM"]["Config"][0]["Gateway"]
    authority = Authority.made(tmp_path)
    trust = {"files": {AUTHORITY: authority.bundle.read_text()}, "env": {"SSL_CERT_FILE": AUTHORITY}}
    with remote(authority.context(address=bridge), key="key-0123456789", address=bridge) as server:
        auth = {
            "token-url": server.path("/token"),
            "client-id": "{ID}",
            "client-secret": "{SECRET}",
            "scopes": SCOPE.split(),
        }
        fleet.config["servers"] = {
            "keyed": {"source": server.url, "headers": {"Authorization": "Bearer {KEY}"}, **trust},
            "oauth": {"source": server.url, "auth": auth, **trust},
        }
        fleet.write()
        fleet.set_secret("secrets.keyed.KEY", server.key)
        fleet.set_secret("secrets.oauth.ID", CLIENT_ID)
        fleet.set_secret("secrets.oauth.SECRET", CLIENT_SECRET)
        recorder = fleet.up()
        assert recorder.touching("docker-build:index:Image") == {"gateway", "remote"}
        for name in ("keyed", "oauth"):
            called = fleet.fleet("call", name, "add", json.dumps({"a": 2, "b": 3}), "--json")
            assert json.loads(called.stdout) == {"result": 5}
        status = json.loads(fleet.fleet("status", "--once").stdout)
        assert {name: found["health"] for name, found in status["servers"].items()} == dict.fromkeys(
            ("keyed", "oauth"), "healthy"
        )
        told = fleet.state() + json.dumps([service.attrs for service in fleet.services().values()])
        for secret in (server.key, CLIENT_SECRET, *server.tokens.issued):
            assert secret not in told
        assert set(server.seen) <= {f"Bearer {server.key}", *(f"Bearer {token}" for token in server.tokens.issued)}

        fleet.set_secret("secrets.keyed.KEY", "revoked-0123456789")
        refused = fleet.failing(fleet.stack.up)
        assert "refused the credential (401)" in refused
        assert "revoked-0123456789" not in refused
        called = fleet.fleet("call", "keyed", "add", json.dumps({"a": 2, "b": 3}), "--json")
        assert json.loads(called.stdout) == {"result": 5}, "the release before serves"
    fleet.destroy()
    assert fleet.leftovers() == []
