from stacks.build_log import SHOWN_LINES, build_command, failed_step

OUTPUT = """#13 [server-installed 2/2] RUN python3 /require_command.py "mcp-server-time" "nope"
#13 1.009 mcp-server-time has no command 'nope'; it has mcp-server-time.
#13 ERROR: process "/bin/sh -c python3 …" did not complete successfully: exit code: 1
------
 > [server-installed 2/2] RUN python3 /require_command.py "mcp-server-time" "nope":
1.009 mcp-server-time has no command 'nope'; it has mcp-server-time.
1.010 Name one in the source: pypi:mcp-server-time@VERSION#COMMAND
------
python.Dockerfile:47
--------------------
  46 |     ARG COMMAND
--------------------
ERROR: failed to build: failed to solve: process "/bin/sh -c python3 …" did not complete successfully: exit code: 1
"""


def test_only_the_output_of_the_failed_step_is_shown() -> None:
    assert failed_step(OUTPUT) == (
        "  | mcp-server-time has no command 'nope'; it has mcp-server-time.\n"
        "  | Name one in the source: pypi:mcp-server-time@VERSION#COMMAND"
    )


def test_of_a_long_output_the_end_is_shown() -> None:
    shown = failed_step("\n".join(f"line {n}" for n in range(100))).splitlines()
    assert len(shown) == SHOWN_LINES
    assert shown[-1] == "  | line 99"


def test_the_command_builds_what_the_provider_was_given() -> None:
    inputs = {
        "builder": {"name": "mcp-fleet"},
        "dockerfile": {"location": "images/python.Dockerfile"},
        "context": {"location": "images", "named": {"wire": {"location": "wire"}, "bridge": {"location": "bridge"}}},
        "buildArgs": {"VERSION": "1.0", "PACKAGE": "x"},
    }
    assert build_command(inputs)[3:] == (
        "--progress=plain",
        "--output=type=cacheonly",
        "--builder=mcp-fleet",
        "--file=images/python.Dockerfile",
        "--build-context=bridge=bridge",
        "--build-context=wire=wire",
        "--build-arg=PACKAGE=x",
        "--build-arg=VERSION=1.0",
        "images",
    )
