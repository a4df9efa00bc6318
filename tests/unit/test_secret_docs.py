"""What docs/secrets.md tells people to write is what ESC and the program take."""

import re

import pytest
import yaml

from dev.esc import Esc as EscService
from dev.esc import Organization
from stacks.esc import Esc
from stacks.esc_config import EscConfig
from stacks.problems import StackFile
from stacks.secret_values import flaw

from .stack_files import ROOT, parse_text

TOKEN = "pul-of-a-test"
BLOCKS = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/secrets.md").read_text(), re.DOTALL)
DEFINITIONS = [block for block in BLOCKS if block.startswith("values:")]
LOGIN = {"accessKeyId": "a", "secretAccessKey": "b", "sessionToken": "c"}
FETCHED = {
    "aws-login": LOGIN,
    "aws-secrets": {"slack": "xoxb-of-aws"},
    "vault-login": {"address": "https://vault.example.com:8200/", "token": "t"},
    "vault-secrets": {"slack": {"data": {"bot-token": "xoxb-of-vault"}, "metadata": {"version": 1}}},
}


@pytest.mark.parametrize("definition", DEFINITIONS, ids=["aws", "vault"])
def test_each_definition_gives_secrets_that_servers_can_name(definition: str) -> None:
    with EscService(Organization("acme", fetched=FETCHED), TOKEN).serving() as service:
        service.organization.write("mcp-fleet/prod", definition)
        place = EscConfig(organization="acme", project="mcp-fleet", environment="prod", api=service.url)
        found = Esc(place, {"PULUMI_ACCESS_TOKEN": TOKEN}).secrets()
    assert str(found["slack"]["SLACK_BOT_TOKEN"]).startswith("xoxb-of-")
    assert all(flaw(name, value) is None for variables in found.values() for name, value in variables.items())


def test_the_lines_for_a_stack_are_taken() -> None:
    own = [block for block in BLOCKS if block not in DEFINITIONS]
    config = parse_text("".join(block.replace("mcp-fleet:", "", 1) for block in own))
    assert config.servers["slack"].secrets == ("SLACK_BOT_TOKEN",)
    assert config.esc is not None
    assert config.esc.name == "acme/mcp-fleet/prod"


@pytest.mark.parametrize("stack", ["prod", "staging"])
def test_the_comment_in_a_committed_stack_names_its_environment(stack: str) -> None:
    text = (ROOT / f"Pulumi.{stack}.yaml").read_text().replace("# environment:", "environment:")
    assert StackFile("", text).environments() == (f"mcp-fleet/{stack}",)
    assert yaml.safe_load(text)["config"]
