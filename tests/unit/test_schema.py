import json

import pytest
import yaml

from stacks.config import StackConfig
from stacks.schema import stack_file_schema

from .stack_files import ROOT


def test_the_committed_schema_is_fresh() -> None:
    committed = json.loads((ROOT / "schema" / "stack.schema.json").read_text())
    assert committed == stack_file_schema(), "run: python -m stacks.schema > schema/stack.schema.json"


def test_the_schema_knows_every_key() -> None:
    keys = stack_file_schema()["properties"]["config"]["properties"]
    assert keys.keys() == {f"mcp-fleet:{field.alias or name}" for name, field in StackConfig.model_fields.items()}


@pytest.mark.parametrize("name", ["Pulumi.dev.yaml"])
def test_committed_stacks_name_it_and_use_its_keys(name: str) -> None:
    text = (ROOT / name).read_text()
    assert text.startswith("# yaml-language-server: $schema=schema/stack.schema.json\n")
    keys = stack_file_schema()["properties"]["config"]["properties"]
    assert yaml.safe_load(text)["config"].keys() <= keys.keys()
