"""Starts the plugin: `python -m dev.plugins.aws <engine address>`."""

from dev.plugins.process import load_only_the_protocol, serve

load_only_the_protocol()

from dev.plugins.aws.provider import AwsProvider  # noqa: E402 - the protocol has to be ready

serve(AwsProvider())
