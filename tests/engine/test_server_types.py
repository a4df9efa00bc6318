"""Servers of the catalog at work: a vector store and a server of models.

A folder of files, a database and a memory are in test_data_servers.py, search is in test_search_server.py.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.http_service import serving

from .deployment import Deployment
from .vendor_apis import API, KEY, MODEL

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def fleet(make_deployment: Callable[[str], Deployment]) -> Iterator[Deployment]:
    """Two servers, for which a stand-in plays OpenAI and Ollama at an address that containers reach."""
    deployment = make_deployment("types")
    bridge = deployment.docker.networks.get("docker_gwbridge").attrs["IPAM"]["Config"][0]["Gateway"]
    with serving(API, bridge) as url:
        slow = {"start-seconds": 240}
        embedding = {"env": {"OPENAI_BASE_URL": f"{url}/v1"}, "secrets": ["CHROMA_OPENAI_API_KEY"]}
        deployment.config["servers"] = {
            "chroma": {"source": "catalog:chroma", **embedding, **slow},
            "ollama": {"source": "catalog:ollama", "env": {"OLLAMA_HOST": url}, **slow},
        }
        deployment.write()
        deployment.set_secret("secrets.chroma.CHROMA_OPENAI_API_KEY", KEY)
        deployment.up()
        try:
            yield deployment
        finally:
            deployment.destroy()


def call(fleet: Deployment, server: str, tool: str, **arguments: Any) -> str:
    return fleet.fleet("call", server, tool, json.dumps(arguments)).stdout


def test_a_vector_store_finds_what_is_most_like_a_question(fleet: Deployment) -> None:
    call(fleet, "chroma", "chroma_create_collection", collection_name="facts", embedding_function_name="openai")
    documents = ["deploys are on monday", "the zebra quiz"]
    call(fleet, "chroma", "chroma_add_documents", collection_name="facts", documents=documents, ids=["1", "2"])
    asked = {"collection_name": "facts", "query_texts": ["monday deploys"], "n_results": 1}
    assert json.loads(call(fleet, "chroma", "chroma_query_documents", **asked))["documents"] == [[documents[0]]]


def test_a_model_is_listed_and_answers(fleet: Deployment) -> None:
    assert MODEL in call(fleet, "ollama", "ollama_list")
    said = call(fleet, "ollama", "ollama_chat", model=MODEL, messages=[{"role": "user", "content": "two plus two"}])
    assert json.loads(said)["said"] == "two plus two"
