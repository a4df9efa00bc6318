"""What the comment of a pull request says of its environment."""

from collections.abc import Mapping

from fleet.environment_plan import stack_name
from fleet.markdown import Section, code, joined, plain, row
from fleet.preview_comment import LIMIT, marker


def is_up(number: int, urls: Mapping[str, str]) -> str:
    """Return the comment of an environment that was brought up; without servers there is none."""
    stack = stack_name(number)
    if not urls:
        return f"{marker(stack)}\n## No environment: no server changes\n"
    opening = f"{marker(stack)}\n## Environment {code(stack)}: the servers that this changes\n"
    rows = [row(code(name), code(url)) for name, url in urls.items()]
    tail = (
        f"\nA client's key: {code(f'fleet token operator --stack {stack}')}. "
        "All of it goes, with its data, when this is closed."
    )
    return joined(opening, [Section(title="", head="\n| server | URL |\n|---|---|", rows=rows, tail=tail)], LIMIT)


def is_not_up(number: int, reason: str) -> str:
    """Return the comment of an environment that was not brought up."""
    stack = stack_name(number)
    return f"{marker(stack)}\n## Environment {code(stack)} was not brought up\n\n{plain(reason)}\n"


def is_down(number: int) -> str:
    """Return the comment of an environment that was destroyed."""
    stack = stack_name(number)
    return f"{marker(stack)}\n## Environment {code(stack)} was destroyed\n"
