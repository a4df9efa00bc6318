"""Which tools a bridge is told were reviewed, and what is refused where nobody reviewed them."""

from pathlib import Path

from mcp_wire.tool_surface import fingerprint_of

from fleet import tools_lock
from stacks.config import StackConfig
from stacks.recorded_tools import Lock, Surface, line, tool
from stacks.reviewed_tools import reviewed_tools

from .stack_files import TIME, parse_text

ECHO = {"name": "echo", "description": "Says it again.", "inputSchema": {"type": "object"}, "unknown": [1.0]}


def locked(config: StackConfig, root: Path, server: str = "time") -> None:
    surface = Surface(line=line(config.servers[server]), tools={"echo": tool(ECHO)})
    tools_lock.write(Lock().with_surface(server, surface), root)


def test_the_bridge_is_told_what_is_recorded_for_the_line(tmp_path: Path) -> None:
    config = parse_text(f"servers: {{time: '{TIME}', other: '{TIME}'}}")
    locked(config, tmp_path)
    found, problems = reviewed_tools("dev", config, tmp_path)
    assert (found, problems) == ({"time": {"echo": fingerprint_of(ECHO)}}, [])


def test_another_word_or_field_is_another_tool() -> None:
    others = ({"description": "Says it twice."}, {"inputSchema": {"type": "string"}}, {"unknown": [2]})
    assert fingerprint_of(ECHO) not in {fingerprint_of({**ECHO, **other}) for other in others}
    assert fingerprint_of(ECHO) == fingerprint_of(dict(reversed(ECHO.items())))


def test_a_quarantine_needs_tools_that_are_recorded(tmp_path: Path) -> None:
    config = parse_text(
        f"on-tool-change: quarantine\nservers: {{time: '{TIME}', calm: {{source: '{TIME}', on-tool-change: report}}}}"
    )
    _, [problem] = reviewed_tools("dev", config, tmp_path)
    assert problem.path == ("servers", "time")
    assert "(never recorded)" in problem.message
    assert "`fleet tools lock time --stack dev`" in problem.message
    locked(config, tmp_path)
    assert reviewed_tools("dev", config, tmp_path)[1] == []
    newer = parse_text(f"servers: {{time: {{source: '{TIME}0', on-tool-change: quarantine}}}}")
    assert "recorded for" in reviewed_tools("dev", newer, tmp_path)[1][0].message


def test_code_that_is_not_there_is_not_compared(tmp_path: Path) -> None:
    assert reviewed_tools("dev", parse_text("servers: {notes: ./servers/notes}"), tmp_path) == ({}, [])


def test_a_lock_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tools.lock.json").write_text("{")
    _, [problem] = reviewed_tools("dev", parse_text(f"servers: {{time: '{TIME}'}}"), tmp_path)
    assert "tools.lock.json: can't be read" in problem.message
