"""What people are told of costs: in the comment of a pull request, and as a table."""

from collections.abc import Iterator, Mapping

from fleet.cost_review import CostReview
from fleet.costs import Cost
from fleet.markdown import Section, code, row

HEAD = "\n| | | before | after | difference |\n|---|---|--:|--:|--:|"
ELSEWHERE = "`fleet cost`"
CENT = 0.005
Line = tuple[str, str, str, str, str]
"""Name, what it is, dollars before and after, the difference."""


def costs(found: CostReview) -> Section:
    """Return what a month costs, by what is paid for. Nothing where nothing is."""
    rows = [
        row(f"**{name}**" if name == "in all" else code(name), code(what), *rest) for name, what, *rest in paid(found)
    ]
    tail = "\n" + " ".join(f"{note}." for note in notes(found))
    return Section(title="\n### Cost of a month\n", head=HEAD, rows=rows, tail=tail, elsewhere=ELSEWHERE)


def servers(found: CostReview) -> Section:
    """Return each server's share, folded."""
    rows = [row(code(name), code(what), *rest) for name, what, *rest in shares(found)]
    head = f"<summary>Cost of a month by server: its share of the machines, by its limits</summary>\n{HEAD}"
    return Section(title="\n<details>", head=head, rows=rows, tail="\n</details>", elsewhere=ELSEWHERE)


def paid(found: CostReview) -> Iterator[Line]:
    """Yield the total and what it is made of; nothing where nothing costs anything."""
    before, after = found.before, found.after
    if not (after.groups or (before and before.groups)):
        return
    yield _line("in all", before.total if before else None, after.total, known=before is not None)
    yield from _lines(before.groups if before else None, after.groups)
    yield from _lines(before.shared if before else None, after.shared)


def shares(found: CostReview) -> Iterator[Line]:
    """Yield each server's share."""
    yield from _lines(found.before.servers if found.before else None, found.after.servers)


def notes(found: CostReview) -> Iterator[str]:
    """Yield what is not in the figures, and how good they are."""
    yield "Without traffic, requests, backups, images and taxes"
    before = found.before.total.unknown if found.before else ()
    if unknown := dict.fromkeys([*found.after.total.unknown, *before]):
        yield f"**Not in the price table: {', '.join(map(code, unknown))}**"
    yield from (f"**{note[0].upper()}{note[1:]}**" for note in found.notes)


def _lines(before: Mapping[str, Cost] | None, after: Mapping[str, Cost]) -> Iterator[Line]:
    for name in dict.fromkeys([*(before or {}), *after]):
        yield _line(name, (before or {}).get(name), after.get(name), known=before is not None)


def _line(name: str, before: Cost | None, after: Cost | None, *, known: bool) -> Line:
    what = " → ".join(dict.fromkeys(cost.what for cost in (before, after) if cost and cost.what))
    return name, what, _amount(before), _amount(after), _difference(before, after) if known else ""


def _amount(cost: Cost | None) -> str:
    """Dollars of a month, as far as they are known."""
    if cost is None:
        return ""
    if cost.unknown and cost.dollars < CENT:
        return "unknown"
    return f"{'at least ' if cost.unknown else ''}${cost.dollars:,.2f}"


def _difference(before: Cost | None, after: Cost | None) -> str:
    if (before and before.unknown) or (after and after.unknown):
        return "unknown"
    by = (after.dollars if after else 0) - (before.dollars if before else 0)
    return "" if abs(by) < CENT else f"{'+' if by > 0 else '-'}${abs(by):,.2f}"
