"""Servers of the catalog at work: a vector store, a server of models, a memory, and those that teams ask for first.

A folder of files and a database are in test_data_servers.py. Slack's and Snowflake's servers log in at their vendors
before they start, and can't be pointed elsewhere.
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
    """Five servers, for which a stand-in plays OpenAI, Ollama and Portkey at an address that containers reach."""
    deployment = make_deployment("types")
    bridge = deployment.docker.networks.get("docker_gwbridge").attrs["IPAM"]["Config"][0]["Gateway"]
    with serving(API, bridge) as url:
        slow = {"start-seconds": 240}
        embedding = {"env": {"OPENAI_BASE_URL": f"{url}/v1"}, "secrets": ["CHROMA_OPENAI_API_KEY"]}
        own_gateway = {
            "PORTKEY_BASE_URL": f"{url}/v1",
            "PORTKEY_ALLOW_PRIVATE_BASE_URL": "true",
            "PORTKEY_ALLOW_INSECURE_HTTP": "true",
            "PORTKEY_TOOL_DOMAINS": "workspaces",
        }
        deployment.config["servers"] = {
            "chroma": {"source": "catalog:chroma", **embedding, **slow},
            "ollama": {"source": "catalog:ollama", "env": {"OLLAMA_HOST": url}, **slow},
            "ai-memory": {"source": "catalog:ai-memory", **slow},
            "github": {"source": "catalog:github", **slow},
            "portkey-admin": {"source": "catalog:portkey-admin", "env": own_gateway, **slow},
        }
        deployment.write()
        deployment.set_secret("secrets.chroma.CHROMA_OPENAI_API_KEY", KEY)
        deployment.set_secret("secrets.github.GITHUB_PERSONAL_ACCESS_TOKEN", f"github_pat_{'0' * 22}")
        deployment.set_secret("secrets.portkey-admin.PORTKEY_API_KEY", KEY)
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


def test_a_memory_is_kept_and_found(fleet: Deployment) -> None:
    call(fleet, "ai-memory", "store_memories", memories=[{"text": "Deploys are on Monday."}])
    assert "Deploys are on Monday." in call(fleet, "ai-memory", "search_memories", query="when do we deploy?")


def test_the_account_behind_a_server_is_read(fleet: Deployment) -> None:
    assert "ws-team" in call(fleet, "portkey-admin", "list_workspaces")
