import json
import subprocess
import sys
from pathlib import Path

import pytest

from stacks.config import StackConfig
from stacks.schema import stack_file_schema

from .stack_files import ROOT

BIN = Path(sys.executable).parent


def test_the_committed_schema_is_fresh() -> None:
    committed = json.loads((ROOT / "schema" / "stack.schema.json").read_text())
    assert committed == stack_file_schema(), "run: python -m stacks.schema > schema/stack.schema.json"


def test_the_schema_knows_every_key() -> None:
    keys = stack_file_schema()["properties"]["config"]["properties"]
    assert keys.keys() == {f"mcp-fleet:{field.alias or name}" for name, field in StackConfig.model_fields.items()}


@pytest.mark.parametrize("stack", ["dev", "staging", "prod"])
def test_committed_stacks_name_it_and_keep_to_it(stack: str) -> None:
    text = (ROOT / f"Pulumi.{stack}.yaml").read_text()
    assert text.startswith("# yaml-language-server: $schema=schema/stack.schema.json\n")
    assert (said := refused_by_schema(ROOT / f"Pulumi.{stack}.yaml")) == "", said


@pytest.mark.parametrize(
    ("right", "wrong"), [("role", "rol"), ("x86_64", "x86"), ("hosted-zone", "zone"), ("worker:", "Worker:")]
)
def test_an_editor_sees_what_is_wrong_with_machines(right: str, wrong: str, tmp_path: Path) -> None:
    stack = tmp_path / "Pulumi.prod.yaml"
    stack.write_text((ROOT / "Pulumi.prod.yaml").read_text().replace(right, wrong, 1))
    assert "mcp-fleet:hosts" in refused_by_schema(stack)


def refused_by_schema(stack: Path) -> str:
    """Return what the committed schema has against a stack's file."""
    command = [str(BIN / "check-jsonschema"), "--schemafile", str(ROOT / "schema/stack.schema.json"), str(stack)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if checked.returncode == 0 else checked.stdout + checked.stderr
