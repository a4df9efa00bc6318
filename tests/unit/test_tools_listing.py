"""What is recorded of a server's tools is what it tells the bridge: real processes, asked over stdin and stdout."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from mcp import StdioServerParameters
from mcp_wire.client_capabilities import CLIENT_CAPABILITIES

from fleet.tools_listing import NoToolsError, list_tools

SECONDS = 60.0
SERVER = """
import json, sys
from pathlib import Path

starts = Path(sys.argv[2])
starts.write_text(starts.read_text() + "x" if starts.exists() else "x")
print(f"start {len(starts.read_text())}", file=sys.stderr, flush=True)
offered = None
for line in sys.stdin:
    request = json.loads(line)
    method, params = request["method"], request.get("params", {})
    if method == "server/discover" and sys.argv[1] == "dies":
        sys.exit(1)
    if method == "server/discover" and sys.argv[1] == "silent":
        sys.stdin.read()
    if method == "initialize":
        offered = params["capabilities"]
        answer = {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}},
                  "serverInfo": {"name": "it", "version": "1"}}
    elif method == "tools/list":
        tool = {"name": "look", "description": json.dumps(offered), "inputSchema": {"type": "object"}, "unknown": 7}
        answer = {"tools": [tool]}
    elif "id" in request:
        print(json.dumps({"jsonrpc": "2.0", "id": request["id"],
                          "error": {"code": -32601, "message": "no such method"}}), flush=True)
        continue
    else:
        continue
    print(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": answer}), flush=True)
"""


def recorded(manner: str, folder: Path, *, seconds: float = SECONDS) -> tuple[dict[str, object], str]:
    """The one tool of a server of such manners, and what that wrote on stderr."""
    (folder / "server.py").write_text(SERVER)

    @contextmanager
    def start() -> Iterator[StdioServerParameters]:
        yield StdioServerParameters(
            command=sys.executable, args=[str(folder / "server.py"), manner, str(folder / "starts")]
        )

    with (folder / "said").open("w+") as said:
        (tool,) = list_tools(start, seconds, said)
        said.seek(0)
        return dict(tool), said.read()


def test_a_server_is_told_what_the_bridge_tells_it_of_its_clients(tmp_path: Path) -> None:
    tool, _ = recorded("willing", tmp_path)
    assert json.loads(str(tool["description"])) == CLIENT_CAPABILITIES
    assert tool["unknown"] == 7, "what no revision knows is kept"


@pytest.mark.parametrize(("manner", "seconds"), [("dies", SECONDS), ("silent", 15.0)])
def test_a_server_that_does_not_bear_the_newer_question_is_asked_the_older_one(
    tmp_path: Path, manner: str, seconds: float
) -> None:
    tool, said = recorded(manner, tmp_path, seconds=seconds)
    assert tool["name"] == "look"
    assert said == "start 2\n", "what the first process wrote is gone"


def test_a_server_that_lists_nothing_is_given_up(tmp_path: Path) -> None:
    @contextmanager
    def start() -> Iterator[StdioServerParameters]:
        yield StdioServerParameters(command=sys.executable, args=["-c", "import sys; sys.exit('no data')"])

    with (tmp_path / "said").open("w+") as said:
        with pytest.raises(NoToolsError):
            list_tools(start, SECONDS, said)
        said.seek(0)
        assert said.read() == "no data\n"
