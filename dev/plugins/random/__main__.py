"""Starts the plugin: `python -m dev.plugins.random <engine address>`."""

from dev.plugins.process import load_only_the_protocol, serve

load_only_the_protocol()

from dev.plugins.random.provider import RandomProvider  # noqa: E402 - the protocol has to be ready

serve(RandomProvider())
