"""Starts the plugin: `python -m dev.plugins.docker <engine address>`."""

from dev.plugins.process import load_only_the_protocol, serve

load_only_the_protocol()

from dev.plugins.docker.provider import DockerProvider  # noqa: E402 - the protocol has to be ready

serve(DockerProvider())
