"""The comment for a pull request: what a preview found, as Markdown, the important part first, however much it is."""

from fleet import cost_comment, tools_comment
from fleet.markdown import CELL, Section, code, counted, cut, fenced, joined, plain, row, shortened
from fleet.preview import Preview
from fleet.preview_changes import Kind, PropertyChange, ResourceChange, ServerChange
from fleet.preview_log import Violation

LIMIT = 63_000
"""Characters of a comment at most. GitHub takes 65,536; tools that pass it on cut at 64,000."""
LINE = 1_000
"""Characters of a line of an error at most."""
WORDS = {"create": "created", "update": "updated", "replace": "replaced", "delete": "deleted"}


def marker(stack: str) -> str:
    """The first line of a comment, by which it is found again."""
    return f"<!-- mcp-fleet preview of stack {cut(stack, CELL).replace('-->', '')} -->"


def markdown(preview: Preview) -> str:
    """Return the comment, of at most LIMIT characters."""
    opening = f"{marker(preview.stack)}\n## {_headline(preview)}\n"
    return joined(opening, _sections(preview), LIMIT)


def without_preview(stack: str, run: str) -> str:
    """Return the comment where a preview did not come so far as to write one. `run` is where to read on."""
    where = f"\n[What the workflow said]({run})\n" if run else ""
    return f"{marker(stack)}\n## Preview of {code(stack)} failed: it could not be started\n{where}"


def _sections(preview: Preview) -> list[Section]:
    lost = [resource for resource in preview.changes.resources if resource.loses_state]
    counts = ", ".join(f"{count} {WORDS.get(op, op)}" for op, count in preview.changes.counts.items())
    return [
        Section(
            title="\n### Errors\n",
            head="\n```text",
            rows=[cut(fenced(line), LINE) for line in preview.errors],
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
                f"- {code(secret.server)} needs {code(secret.variable)}: {code(secret.advice)}"
                for secret in preview.missing
            ],
        ),
        Section(
            title="\n### Data that goes\n",
            rows=[f"- {code(item.name)} ({code(item.type)}) is {WORDS[item.op]}, with all it holds" for item in lost],
        ),
        Section(
            title="\n### Packages that nobody pinned\n",
            rows=[
                f"- {code(server)} has no lock of what it installs: run "
                f"{code(f'fleet lock {server} --stack {preview.stack}')} and commit it"
                for server in preview.comparison.unlocked
            ],
        ),
        tools_comment.unrecorded(preview.stack, preview.comparison.tools, preview.comparison.problems),
        tools_comment.changed(preview.comparison.tools),
        Section(
            title="\n### Servers\n",
            head="\n| server | | version | image | other changes |\n|---|---|---|---|---|",
            rows=[_server(server) for server in preview.changes.servers],
        ),
        *([cost_comment.costs(costs), cost_comment.servers(costs)] if (costs := preview.comparison.costs) else []),
        Section(
            title="\n<details>",
            head=f"<summary>All resources: {counts}</summary>\n\n| | resource | type | changes |\n|---|---|---|---|",
            rows=[_resource(resource) for resource in preview.changes.resources],
            tail="\n</details>",
        ),
    ]


def _headline(preview: Preview) -> str:
    stack = code(preview.stack)
    blockers = [
        counted(len(preview.errors) and 1, "error"),
        counted(sum(violation.mandatory for violation in preview.violations), "policy violation"),
        counted(len(preview.missing), "missing secret"),
    ]
    if any(blockers):
        return f"Preview of {stack} failed: {', '.join(filter(None, blockers))}"
    kinds = [server.kind for server in preview.changes.servers]
    servers = [f"{counted(kinds.count(kind), 'server')} {kind}" for kind in Kind if kind in kinds]
    if servers:
        return f"Preview of {stack}: {', '.join(servers)}"
    others = counted(len(preview.changes.resources), "resource")
    return f"Preview of {stack}: no server changes{f', but {others}' if others else ''}"


def _violation(violation: Violation) -> str:
    # The first line is the policy's description, which says nothing that its name does not.
    message = violation.message.strip().partition("\n")[2] or violation.message
    level = "" if violation.mandatory else f" ({violation.enforcement_level})"
    return row(code(violation.policy_name) + level, code(violation.resource_urn.rpartition("::")[2]), plain(message))


def _server(server: ServerChange) -> str:
    if server.before != server.after and server.before and server.after:
        version = f"{code(server.before)} → {code(server.after)}"
    else:
        version = code(server.after or server.before or "")
    digest = code(server.digest.removeprefix("sha256:")[:12]) if server.digest else ""
    if server.kind is Kind.REMOVED:
        image = digest
    elif server.rebuilt:
        image = f"{digest} → built by `up`" if digest else "built by `up`"
    else:
        image = f"{digest}, as it is" if digest else ""
    others = shortened([_property(change) for change in server.properties])
    return row(code(server.name), f"**{server.kind}**", version, image, others)


def _property(change: PropertyChange) -> str:
    before, after = (code(value) if value else "nothing" for value in (change.before, change.after))
    return f"{code(change.property)}: {before} → {after}"


def _resource(resource: ResourceChange) -> str:
    name = f"{resource.owner}/{resource.name}" if resource.owner not in ("", resource.name) else resource.name
    properties = shortened([code(path) for path in resource.properties])
    return row(WORDS.get(resource.op, resource.op), code(name), code(resource.type), properties)
