"""The servers that teams ask for first: brought up together, called, and checked.

GitHub's, Slack's and Snowflake's servers can't be pointed elsewhere by a URL. They go out through a platform's egress
proxy, which leads them to stand-ins of the vendors' APIs, with certificates of an authority of the test's own.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.applications import Starlette
from starlette.routing import Host

from remote.tests.remote_server import Authority
from tests.egress_proxy import EgressProxy, egress_proxy
from tests.http_service import serving

from . import github_api, slack_api, snowflake_api, vendor_apis
from .deployment import Deployment

pytestmark = pytest.mark.long

AUTHORITY = "/etc/mcp/authority.pem"
VENDORS = {
    github_api.HOST: github_api.API,
    slack_api.HOST: slack_api.API,
    slack_api.WORKSPACE_HOST: slack_api.API,
    snowflake_api.HOST: snowflake_api.SnowflakeAPI().application,
}


@dataclass(frozen=True)
class Priority:
    """The stack, and the only way out of its containers that is known here."""

    fleet: Deployment
    proxy: EgressProxy

    def call(self, server: str, tool: str, **arguments: Any) -> str:
        return self.fleet.fleet("call", server, tool, json.dumps(arguments)).stdout


def lines(proxy: str, authority: str, portkey: str) -> dict[str, Any]:
    """Return the servers' lines, as on a platform with a proxy."""
    files = {AUTHORITY: authority}
    github = {"HTTPS_PROXY": proxy, "NODE_USE_ENV_PROXY": "1", "NODE_EXTRA_CA_CERTS": AUTHORITY}
    slack = {"SLACK_MCP_PROXY": proxy, "SLACK_MCP_SERVER_CA": AUTHORITY}
    account = {"SNOWFLAKE_ACCOUNT": snowflake_api.ACCOUNT, "SNOWFLAKE_USER": snowflake_api.USER}
    own_gateway = {
        "PORTKEY_BASE_URL": f"{portkey}/v1",
        "PORTKEY_ALLOW_PRIVATE_BASE_URL": "true",
        "PORTKEY_ALLOW_INSECURE_HTTP": "true",
        "PORTKEY_TOOL_DOMAINS": "workspaces",
    }
    made: dict[str, dict[str, Any]] = {
        "ai-memory": {"source": "catalog:ai-memory"},
        "github": {"source": "catalog:github", "env": github, "files": files},
        "github-refused": {"source": "catalog:github", "env": github, "files": files},
        "portkey-admin": {"source": "catalog:portkey-admin", "env": own_gateway},
        "slack": {"source": "catalog:slack", "env": slack, "files": files},
        "snowflake": {
            "source": "catalog:snowflake",
            "env": {**account, "HTTPS_PROXY": proxy, "REQUESTS_CA_BUNDLE": AUTHORITY},
            "files": files,
        },
    }
    return {name: {**line, "start-seconds": 240} for name, line in made.items()}


SECRETS = {
    "github.GITHUB_PERSONAL_ACCESS_TOKEN": github_api.TOKEN,
    "github-refused.GITHUB_PERSONAL_ACCESS_TOKEN": f"github_pat_{'0' * 22}",
    "portkey-admin.PORTKEY_API_KEY": vendor_apis.KEY,
    "slack.SLACK_MCP_XOXB_TOKEN": slack_api.TOKEN,
    "snowflake.SNOWFLAKE_PASSWORD": snowflake_api.PASSWORD,
}


@pytest.fixture(scope="module")
def priority(
    make_deployment: Callable[[str], Deployment], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Priority]:
    deployment = make_deployment("priority")
    bridge = deployment.docker.networks.get("docker_gwbridge").attrs["IPAM"]["Config"][0]["Gateway"]
    authority = Authority.made(tmp_path_factory.mktemp("authority"))
    vendors = Starlette(routes=[Host(host, application) for host, application in VENDORS.items()])
    with (
        serving(vendors, bridge, authority.context(hosts=[*VENDORS])) as url,
        serving(vendor_apis.API, bridge) as portkey,
        egress_proxy(bridge, {f"{host}:443": (bridge, urlsplit(url).port or 0) for host in VENDORS}) as proxy,
    ):
        deployment.config["servers"] = lines(proxy.url, authority.bundle.read_text(), portkey)
        deployment.write()
        for path, value in SECRETS.items():
            deployment.set_secret(f"secrets.{path}", value)
        deployment.up()
        try:
            yield Priority(deployment, proxy)
        finally:
            deployment.destroy()


def test_a_memory_is_kept_and_found(priority: Priority) -> None:
    priority.call("ai-memory", "store_memories", memories=[{"text": "Deploys are on Monday."}])
    assert "Deploys are on Monday." in priority.call("ai-memory", "search_memories", query="when do we deploy?")


def test_repositories_are_found(priority: Priority) -> None:
    assert github_api.REPOSITORY in priority.call("github", "search_repositories", query="mcp-notes")


def test_a_warehouse_is_asked_and_keeps_what_it_has(priority: Priority) -> None:
    assert '"ANSWER":42' in priority.call("snowflake", "run_snowflake_query", statement="SELECT 41 + 1 AS answer")
    refused = priority.fleet.fleet(
        "call", "snowflake", "run_snowflake_query", '{"statement": "DROP TABLE t"}', check=False
    )
    assert "Statement type of Drop is not allowed" in refused.stderr


def test_a_channel_is_read(priority: Priority) -> None:
    assert slack_api.SAID in priority.call("slack", "conversations_history", channel_id="#general", limit="10")


def test_the_account_behind_a_server_is_read(priority: Priority) -> None:
    assert "ws-team" in priority.call("portkey-admin", "list_workspaces")


def test_a_check_tells_the_credential_that_its_vendor_refuses(priority: Priority) -> None:
    checked = priority.fleet.fleet("check", "--json", check=False)
    found = {name: finding["configured"] for name, finding in json.loads(checked.stdout).items()}
    assert found == {**dict.fromkeys(priority.fleet.config["servers"], "yes"), "github-refused": "no"}
    assert "github_pat_" not in checked.stdout + checked.stderr


def test_nobody_asked_for_another_host_than_the_catalog_names(priority: Priority) -> None:
    assert priority.proxy.refused == []
