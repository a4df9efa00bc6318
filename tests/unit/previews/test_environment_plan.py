"""What the environment of a pull request is made of."""

from typing import Any

import pytest

from fleet.environment_comment import is_not_up, is_up
from fleet.environment_plan import FIRST_PORT, NUMBERS, changed_servers, ports, stack_document
from fleet.preview_comment import marker
from fleet.stackfile import StackText
from stacks.config import StackConfig, with_shorthand

TEMPLATE = StackText("environment: [acme/pull-requests]\nconfig: {mcp-fleet:hosts: local}\n", name="template")
STAGING = StackText(
    """\
config:
  mcp-fleet:hosts: {aws: {}}
  mcp-fleet:servers:
    time: pypi:t@1
    fetch: {source: pypi:f@1, place: worker, replicas: 3, memory: 512M}
  mcp-fleet:clients: {codex: {servers: [time]}}
""",
    name="Pulumi.staging.yaml",
)


def config(**servers: Any) -> StackConfig:
    return StackConfig.model_validate(with_shorthand({"servers": servers}))


def test_servers_that_are_new_or_another_are_in_it_and_those_that_are_not_are_not() -> None:
    before = config(time="pypi:t@1", git="pypi:g@1", notes="./servers/notes", wiki="./servers/wiki")
    after = config(time="pypi:t@2", git="pypi:g@1", notes="./servers/notes", wiki="./servers/wiki", new="pypi:n@1")
    assert changed_servers(before, after, lambda folder: folder == "./servers/wiki") == ("new", "time", "wiki")


def test_a_server_of_the_catalog_is_another_with_its_entry() -> None:
    same = config(time="catalog:time", git="catalog:git")
    assert changed_servers(same, same, lambda file: file == "catalog/time.json") == ("time",)


def test_its_file_is_the_template_with_ports_of_its_own_and_these_servers() -> None:
    present = StackText("encryptionsalt: v1:abc\nconfig: {mcp-fleet:grafana-port: 3000}\n", name="Pulumi.pr-7.yaml")
    assert stack_document(7, TEMPLATE, STAGING, ("fetch",), present) == {
        "encryptionsalt": "v1:abc",
        "environment": ["acme/pull-requests"],
        "config": {
            "mcp-fleet:hosts": "local",
            "mcp-fleet:port": 20014,
            "mcp-fleet:registry-port": 20015,
            "mcp-fleet:servers": {"fetch": {"source": "pypi:f@1", "memory": "512M"}},
        },
    }


def test_who_signs_images_holds_in_it_too() -> None:
    signed = STAGING.text + (
        "  mcp-fleet:signatures: [{images: ghcr.io/acme/*, key: acme.pub}]\n  mcp-fleet:require-signatures: true\n"
    )
    made = stack_document(7, TEMPLATE, StackText(signed, name=STAGING.name), ("fetch",), None)["config"]
    assert made["mcp-fleet:require-signatures"] is True
    assert made["mcp-fleet:signatures"] == [{"images": "ghcr.io/acme/*", "key": "acme.pub"}]


def test_numbers_in_a_row_have_ports_of_their_own() -> None:
    taken = [port for number in range(5_000, 5_000 + NUMBERS) for port in ports(number).values()]
    assert len(set(taken)) == 2 * NUMBERS
    assert min(taken) == FIRST_PORT
    assert max(taken) < 32_768


@pytest.mark.parametrize("comment", [is_up(7, {"time": "http://x:1/`|@all"}), is_up(7, {}), is_not_up(7, "<b>@all")])
def test_a_comment_is_found_again_and_nothing_in_it_is_markdown(comment: str) -> None:
    assert comment.startswith(f"{marker('pr-7')}\n")
    outside = "".join(comment.removeprefix(marker("pr-7")).split("`")[::2])
    assert "<b>" not in outside
    assert " @all" not in outside
