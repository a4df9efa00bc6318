"""The comment for a pull request: what a preview found, as Markdown, the important part first, however much it is."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fleet.preview import Preview
from fleet.preview_changes import Kind, PropertyChange, ResourceChange, ServerChange
from fleet.preview_log import Violation

LIMIT = 63_000
"""Characters of a comment at most. GitHub takes 65,536; tools that pass it on cut at 64,000."""
CELL = 300
"""Characters of a value at most: the whole of it is in the pull request or the engine's own preview."""
LINE = 1_000
"""Characters of a line of an error at most."""
WORDS = {"create": "created", "update": "updated", "replace": "replaced", "delete": "deleted"}
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+!|~@&])")


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of the comment: a title and what stands before, in and after its rows. Without rows it is left out."""

    title: str
    head: str = ""
    rows: Sequence[str]
    tail: str = ""


def marker(stack: str) -> str:
    """The first line of a comment, by which it is found again."""
    return f"<!-- mcp-fleet preview of stack {_cut(stack, CELL).replace('-->', '')} -->"


def markdown(preview: Preview) -> str:
    """Return the comment, of at most LIMIT characters."""
    sections = [section for section in _sections(preview) if section.rows]
    opening = f"{marker(preview.stack)}\n## {_headline(preview)}\n"
    room = LIMIT - len(opening) - sum(len(_rendered(section, 0)) for section in sections)
    parts = [opening]
    for section in sections:
        shown = _fitting(section.rows, room)
        room -= sum(len(row) + 1 for row in section.rows[:shown])
        parts.append(_rendered(section, shown))
    return "".join(parts)


def without_preview(stack: str, run: str) -> str:
    """Return the comment where a preview did not come so far as to write one. `run` is where to read on."""
    where = f"\n[What the workflow said]({run})\n" if run else ""
    return f"{marker(stack)}\n## Preview of {_code(stack)} failed: it could not be started\n{where}"


def _sections(preview: Preview) -> list[Section]:
    lost = [resource for resource in preview.changes.resources if resource.loses_state]
    counts = ", ".join(f"{count} {WORDS.get(op, op)}" for op, count in preview.changes.counts.items())
    return [
        Section(
            title="\n### Errors\n",
            head="\n```text",
            rows=[_cut(line.replace("```", "'''"), LINE) for line in preview.errors],
            tail="```",
        ),
        Section(
            title="\n### Policy violations\n",
            head="\n| rule | resource | what is wrong |\n|---|---|---|",
            rows=[_violation(violation) for violation in preview.violations],
        ),
        Section(
            title="\n### Secrets to set\n",
            rows=[
                f"- {_code(secret.server)} needs {_code(secret.variable)}: {_code(secret.advice)}"
                for secret in preview.missing
            ],
        ),
        Section(
            title="\n### Data that goes\n",
            rows=[f"- {_code(item.name)} ({_code(item.type)}) is {WORDS[item.op]}, with all it holds" for item in lost],
        ),
        Section(
            title="\n### Servers\n",
            head="\n| server | | version | image | other changes |\n|---|---|---|---|---|",
            rows=[_server(server) for server in preview.changes.servers],
        ),
        Section(
            title="\n<details>",
            head=f"<summary>All resources: {counts}</summary>\n\n| | resource | type | changes |\n|---|---|---|---|",
            rows=[_resource(resource) for resource in preview.changes.resources],
            tail="\n</details>",
        ),
    ]


def _headline(preview: Preview) -> str:
    stack = _code(preview.stack)
    blockers = [
        _counted(len(preview.errors) and 1, "error"),
        _counted(sum(violation.mandatory for violation in preview.violations), "policy violation"),
        _counted(len(preview.missing), "missing secret"),
    ]
    if any(blockers):
        return f"Preview of {stack} failed: {', '.join(filter(None, blockers))}"
    kinds = [server.kind for server in preview.changes.servers]
    servers = [f"{_counted(kinds.count(kind), 'server')} {kind}" for kind in Kind if kind in kinds]
    if servers:
        return f"Preview of {stack}: {', '.join(servers)}"
    others = _counted(len(preview.changes.resources), "resource")
    return f"Preview of {stack}: no server changes{f', but {others}' if others else ''}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}" if count else ""


def _violation(violation: Violation) -> str:
    # The first line is the policy's description, which says nothing that its name does not.
    message = violation.message.strip().partition("\n")[2] or violation.message
    level = "" if violation.mandatory else f" ({violation.enforcement_level})"
    return _row(
        _code(violation.policy_name) + level, _code(violation.resource_urn.rpartition("::")[2]), _plain(message)
    )


def _server(server: ServerChange) -> str:
    if server.before != server.after and server.before and server.after:
        version = f"{_code(server.before)} → {_code(server.after)}"
    else:
        version = _code(server.after or server.before or "")
    digest = _code(server.digest.removeprefix("sha256:")[:12]) if server.digest else ""
    if server.kind is Kind.REMOVED:
        image = digest
    elif server.rebuilt:
        image = f"{digest} → built by `up`" if digest else "built by `up`"
    else:
        image = f"{digest}, as it is" if digest else ""
    others = _shortened([_property(change) for change in server.properties])
    return _row(_code(server.name), f"**{server.kind}**", version, image, others)


def _property(change: PropertyChange) -> str:
    before, after = (_code(value) if value else "nothing" for value in (change.before, change.after))
    return f"{_code(change.property)}: {before} → {after}"


def _resource(resource: ResourceChange) -> str:
    name = f"{resource.owner}/{resource.name}" if resource.owner not in ("", resource.name) else resource.name
    properties = _shortened([_code(path) for path in resource.properties])
    return _row(WORDS.get(resource.op, resource.op), _code(name), _code(resource.type), properties)


def _shortened(items: Sequence[str]) -> str:
    """Join what fits into a cell, whole items only; say how many more there are."""
    shown: list[str] = []
    for item in items:
        if shown and sum(map(len, shown)) + len(item) > CELL * 2:
            return f"{'; '.join(shown)}; and {len(items) - len(shown)} more"
        shown.append(item)
    return "; ".join(shown)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _code(text: str) -> str:
    """A text as code in a table's cell: nothing in it is Markdown, HTML, or a mention."""
    flat = _flat(text).replace("`", "'").replace("|", r"\|")
    return f"`{flat}`" if flat else ""


def _plain(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", _flat(text))


def _flat(text: str) -> str:
    return " ".join(_cut(text, CELL).split())


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _fitting(rows: Sequence[str], room: int) -> int:
    """How many rows, from the first, fit into so many characters."""
    for number, row in enumerate(rows):
        room -= len(row) + 1
        if room < 0:
            return number
    return len(rows)


def _rendered(section: Section, shown: int) -> str:
    lines: Iterable[str] = (section.head, *section.rows[:shown], section.tail)
    left = len(section.rows) - shown
    more = f"\n{left} more: the engine's own preview shows them.\n" if left else ""
    return section.title + "".join(f"{line}\n" for line in lines if line) + more
