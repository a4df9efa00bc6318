"""Stand-ins for native Pulumi plugins, for machines on which the real plugins cannot be installed.

Each subpackage is a gRPC `ResourceProvider` of its own, started by the engine as
`python -m dev.plugins.<name> <engine address>`. A stand-in accepts what the real plugin's SDK types
accept, replaces where the real one replaces and fails where it fails, so that a program cannot tell;
tests/engine/test_docker_plugin_contract.py states that contract and runs against either.
"""
