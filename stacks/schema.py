"""JSON Schema of a Pulumi.<stack>.yaml, for editors: `python -m stacks.schema > schema/stack.schema.json`."""

import json
import sys
from typing import Any

from .catalog import names
from .config import PROJECT, StackConfig
from .config_model import LABEL
from .hosts_config import LOCAL, CloudHosts
from .source import CATALOG_PREFIX

_ENCRYPTED = {
    "type": "object",
    "properties": {"secure": {"type": "string"}},
    "required": ["secure"],
    "additionalProperties": False,
}


def stack_file_schema() -> dict[str, Any]:
    """Return the schema: this project's keys strictly, other projects' and Pulumi's own left alone."""
    schema = StackConfig.model_json_schema(by_alias=True)
    keys = schema["properties"]
    server = schema["$defs"]["ServerConfig"]["properties"]
    server["memory"]["default"] = "256M"
    in_catalog = {"enum": [f"{CATALOG_PREFIX}{name}" for name in names()]}
    description = server["source"].pop("description")
    server["source"] = {"anyOf": [server["source"], in_catalog], "description": description}
    ((_, long_form),) = keys["servers"]["patternProperties"].items()
    keys["servers"]["patternProperties"] = {LABEL: {"anyOf": [server["source"], long_form]}}
    machines = CloudHosts.model_json_schema(by_alias=True)
    definitions = schema["$defs"] | machines.pop("$defs") | {"CloudHosts": machines}
    definitions["AwsConfig"]["properties"]["groups"]["additionalProperties"] = False
    keys["hosts"] = {
        "anyOf": [{"const": LOCAL}, {"$ref": "#/$defs/CloudHosts"}],
        "default": LOCAL,
        "description": keys["hosts"]["description"],
    }
    for mapping in ("servers", "clients", "tiers"):
        keys[mapping]["additionalProperties"] = False
    keys["secrets"] = {
        "description": "Secret variables by server; set them with `pulumi config set --secret --path`.",
        "type": "object",
        "additionalProperties": {"type": "object", "additionalProperties": _ENCRYPTED},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Stack of mcp-fleet",
        "type": "object",
        "properties": {
            "config": {
                "type": "object",
                "properties": {f"{PROJECT}:{name}": value for name, value in keys.items()},
                "patternProperties": {f"^(?!{PROJECT}:)": {}},
                "additionalProperties": False,
            }
        },
        "$defs": definitions,
    }


def main() -> None:
    """Print the schema."""
    sys.stdout.write(json.dumps(stack_file_schema(), indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
