"""`fleet connect`: a server of the fleet on standard input and output."""

import json
import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from .conftest import Machine

DEADLINE_SECONDS = 60.0
PING = '{"jsonrpc":"2.0","id":7,"method":"ping"}\n'


class Gateway(BaseHTTPRequestHandler):
    """Answers pings of one key as the gateway does, and refuses other keys as it does."""

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        known = self.headers["authorization"] == "Bearer key-of-codex"
        error = {"code": -32010, "message": "Unknown API key"}
        answer = {"id": request["id"], "result": {}} if known else {"id": None, "error": error}
        body = json.dumps({"jsonrpc": "2.0", **answer}).encode()
        self.send_response(200 if known else 403)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def connected(machine: Machine, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Gateway) as gateway:
        Thread(target=gateway.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{gateway.server_port}/time/mcp"
        machine.pulumi({"urls": {"time": url}, "tokens": {"codex": "key-of-codex", "operator": "key-of-operator"}})
        done = subprocess.run(
            [sys.executable, "-m", "fleet", "-C", str(machine.project), "connect", *options],
            input=PING,
            capture_output=True,
            text=True,
            env={**os.environ, **variables},
            timeout=DEADLINE_SECONDS,
            check=False,
        )
        gateway.shutdown()
    return done


def test_a_request_on_standard_input_is_answered_with_the_clients_key(machine: Machine) -> None:
    done = connected(machine, "time", "--client", "codex")
    assert json.loads(done.stdout) == {"jsonrpc": "2.0", "id": 7, "result": {}}
    assert (done.returncode, done.stderr) == (0, "")


def test_a_key_in_the_variable_is_used_and_none_is_asked_for(machine: Machine) -> None:
    done = connected(machine, "time", MCP_FLEET_TOKEN="key-of-codex")
    assert json.loads(done.stdout)["result"] == {}
    assert not [call for call in machine.called("pulumi") if "--show-secrets" in call]


def test_a_refusal_is_a_json_rpc_error_in_the_gateways_words_and_without_the_key(machine: Machine) -> None:
    done = connected(machine, "time")
    answer = json.loads(done.stdout)
    assert answer["id"] == 7
    assert "403" in answer["error"]["message"]
    assert "Unknown API key" in answer["error"]["message"]
    assert "key-of" not in done.stdout + done.stderr


def test_a_server_that_does_not_run_is_told_before_anything_is_answered(machine: Machine) -> None:
    done = connected(machine, "tyme")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no server 'tyme'" in done.stderr
