"""Stacks for tests, from the text of a Pulumi.<stack>.yaml."""

import json
import textwrap
from pathlib import Path

import yaml

from stacks.config import StackConfig
from stacks.load import parse, plain_config
from stacks.problems import BadStackError, StackFile

ROOT = Path(__file__).resolve().parents[2]
TIME = "pypi:mcp-server-time@2026.10.19"


def parse_text(text: str, *, stack: str = "dev", root: Path = ROOT) -> StackConfig:
    """Return the configuration in `text`, the keys of which are written without `config:` and the namespace."""
    lines = textwrap.dedent(text).strip("\n").splitlines()
    named = [f"  mcp-fleet:{line}" if line[:1].isalpha() else f"  {line}" for line in lines]
    return parse_file("\n".join(["config:", *named, ""]), stack=stack, root=root)


def parse_file(text: str, *, stack: str = "dev", root: Path = ROOT) -> StackConfig:
    """Return the configuration in the whole file `text`, handed over the way Pulumi does."""
    config = yaml.safe_load(text)["config"]
    values = {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}
    return parse(stack, StackFile(f"Pulumi.{stack}.yaml", text), plain_config(values), root)


def refusal(text: str, *, stack: str = "dev", root: Path = ROOT) -> str:
    """Return what is said of the stack in `text`, which must be refused."""
    try:
        parse_text(text, stack=stack, root=root)
    except BadStackError as error:
        return str(error)
    raise AssertionError("the stack was accepted")
