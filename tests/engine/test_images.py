"""A server that is a container image with nothing but itself in it, served like any other."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from stacks.images import read_images

from .calls import ERAS, ask
from .deployment import ROOT, Deployment
from .upstream_registry import upstream_registry

BARE_SERVER = Path(__file__).parent / "bare_server"


@pytest.mark.long
def test_an_image_without_libc_shell_and_python_of_its_own_is_added_and_served(
    make_deployment: Callable[[str], Deployment], engine_environment: dict[str, str]
) -> None:
    fleet = make_deployment("images")
    fleet.config["servers"] = {}
    fleet.write()
    with upstream_registry(engine_environment) as upstream:
        node = read_images(ROOT, engine_environment)["node"]
        digest = upstream.push(BARE_SERVER, "acme/bare-mcp-server:1", NODE=node)
        added = fleet.fleet("add", f"oci:{upstream.address}/acme/bare-mcp-server:1", "--volume", "--no-preview")
        line = f"oci:{upstream.address}/acme/bare-mcp-server:1@{digest}#/node"
        assert yaml.safe_load(added.stdout) == {
            "bare": {"source": line, "args": ["/server.mjs", "--polite"], "volume": True}
        }
        assert "recorded in tools.lock.json: 1 tool" in added.stderr
        fleet.config["servers"] = yaml.safe_load(added.stdout)
        fleet.up()
    for era in ERAS:
        answer = ask(fleet.url("bare"), fleet.token(), "surroundings", {}, era)
        seen = json.loads(answer.text)
        assert (seen["arguments"], seen["folder"], seen["user"]) == (["--polite"], "/work", 10001)
        assert (seen["environment"]["GREETING"], seen["environment"]["PYTHONHOME"]) == ("hello", "/nowhere")
        assert not [name for name in seen["environment"] if name.startswith(("LD_", "MCP_BRIDGE_"))]
    assert not fleet.preview().steps
