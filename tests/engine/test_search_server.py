"""The search server of the catalog at work, on a real OpenSearch."""

import json
from collections.abc import Callable, Iterator

import httpx2
import pytest

from tests.opensearch_node import opensearch_node

from .deployment import Deployment
from .needs import JAVA

pytestmark = [pytest.mark.long, JAVA]

NOTES = ("Deploys are on Monday.", "The zebra quiz is over.")


@pytest.fixture(scope="module")
def fleet(make_deployment: Callable[[str], Deployment]) -> Iterator[Deployment]:
    """A search server at a cluster with one index of notes; without its security, the cluster takes any login."""
    deployment = make_deployment("search")
    bridge = deployment.docker.networks.get("docker_gwbridge").attrs["IPAM"]["Config"][0]["Gateway"]
    with opensearch_node(bridge) as url:
        for number, text in enumerate(NOTES):
            stored = httpx2.put(f"{url}/notes/_doc/{number}?refresh=true", json={"text": text})
            assert stored.status_code == httpx2.codes.CREATED, stored.text
        env = {"OPENSEARCH_URL": url, "OPENSEARCH_USERNAME": "mcp"}
        deployment.config["servers"] = {"search": {"source": "catalog:opensearch", "env": env, "start-seconds": 240}}
        deployment.write()
        deployment.set_secret("secrets.search.OPENSEARCH_PASSWORD", "canary-5f2a")
        deployment.up()
        try:
            yield deployment
        finally:
            deployment.destroy()


def test_a_document_is_found_by_what_it_says(fleet: Deployment) -> None:
    asked = {"index": "notes", "query_dsl": {"query": {"match": {"text": "deploys"}}}}
    found = fleet.fleet("call", "search", "SearchIndexTool", json.dumps(asked)).stdout
    assert NOTES[0] in found
    assert NOTES[1] not in found


def test_an_index_that_is_not_there_is_said(fleet: Deployment) -> None:
    asked = json.dumps({"index": "nowhere", "query_dsl": {"query": {"match_all": {}}}})
    refused = fleet.fleet("call", "search", "SearchIndexTool", asked, check=False)
    assert refused.returncode != 0
    assert "index_not_found" in refused.stdout + refused.stderr


def test_a_check_says_that_it_reaches_the_cluster(fleet: Deployment) -> None:
    found = json.loads(fleet.fleet("check", "--json").stdout)
    assert found["search"]["configured"] == "yes"
