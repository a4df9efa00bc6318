"""What the comment of a pull request says of tools. Their descriptions are strangers' words: all of it is fenced."""

from collections.abc import Iterator, Sequence

from fleet.markdown import Section, code, cut, fenced
from fleet.tools_review import Kind, ServerTools, ToolChange

LINE = 1_500
"""Characters of a line of a description's diff at most: the whole of it is in the diff of tools.lock.json."""


def unrecorded(stack: str, tools: Sequence[ServerTools], problems: Sequence[str]) -> Section:
    """Return what is not known, and why the files that tell it can't be read."""
    rows = [f"- **Not everything could be compared**: {code(problem)}" for problem in problems]
    rows += [
        f"- **The tools of {code(server.server)} are not recorded for this version** "
        f"({code(server.unrecorded)}): run {code(f'fleet tools lock {server.server} --stack {stack}')} and commit it"
        for server in tools
        if server.unrecorded
    ]
    return Section(title="\n### Tools that nobody has seen\n", rows=rows, elsewhere="`fleet tools check`")


def changed(tools: Sequence[ServerTools]) -> Section:
    """Return which tools come, change and go."""
    rows = [change(server.server, each) for server in tools for each in server.changes]
    return Section(title="\n### Tools\n", rows=rows, elsewhere="the diff of `tools.lock.json`")


def change(server: str, change: ToolChange) -> str:
    """Return what happens to one tool of a server."""
    return "\n".join(_lines(server, change))


def _lines(server: str, change: ToolChange) -> Iterator[str]:
    what = [f"**{change.kind}**"]
    if change.kind is Kind.CHANGED:
        parts = [("description", bool(change.description)), ("schema", change.definition_changed)]
        what = [f"**{part} changed**" for part, is_changed in parts if is_changed]
    yield f"- {code(server)}: {code(change.tool)} {', '.join(what)}"
    if change.description:
        yield "\n  ```diff"
        yield from (f"  {cut(fenced(line), LINE)}" for line in change.description)
        yield "  ```"
