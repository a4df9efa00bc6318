"""The fleet of the selected stack: load its configuration, check what it needs here, declare everything, export."""

import os
from pathlib import Path

import pulumi

from stacks import build_log, protection
from stacks.fleet import build_fleet
from stacks.images import read_images
from stacks.last_words import LastWords
from stacks.load import load_stack
from stacks.package_locks import unlocked_servers
from stacks.packages import found_packages, package_problems
from stacks.preflight import engine_address, place_problems
from stacks.problems import bad_stack
from stacks.signatures import signature_problems

ROOT = Path(__file__).parent


def main() -> None:
    """Raise BadStackError with all that is wrong before the first resource is declared."""
    stack = load_stack(ROOT, os.environ)
    local = stack.config.hosts == "local"
    engine = engine_address(os.environ) if local else ""
    problems = [
        *place_problems(stack.config, engine, os.environ),
        *package_problems(stack.config, found_packages()),
        *signature_problems(stack.config, ROOT, os.environ),
    ]
    if problems:
        raise bad_stack(stack.name, stack.file, problems)
    if unlocked := unlocked_servers(stack.config, ROOT):
        pulumi.log.warn(f"no lock of what they install: {', '.join(unlocked)}; bin/fleet lock --stack {stack.name}")
    if local:
        pulumi.runtime.register_stack_transformation(LastWords(engine).transformation)
    pulumi.runtime.register_stack_transformation(build_log.transformation)
    if stack.config.protect:
        pulumi.runtime.register_stack_transformation(protection.transformation)
    exports = build_fleet(stack, read_images(ROOT), engine)
    pulumi.export("stack", stack.name)
    pulumi.export("gateway", exports.gateway)
    pulumi.export("urls", exports.urls)
    pulumi.export("tokens", exports.tokens)
    if exports.managers is not None:
        pulumi.export("managers", exports.managers)


main()
