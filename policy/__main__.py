"""Serve the policy pack to the Pulumi engine, which starts this folder as a program and asks about each resource."""

import sys
from pathlib import Path

from pulumi_policy import EnforcementLevel, PolicyPack

# The engine runs the folder by its path, from the project's or from its own: nothing else says where the package is.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from policy.rules import RULES

PolicyPack("mcp-fleet", list(RULES), enforcement_level=EnforcementLevel.MANDATORY)
