"""What a change does besides to resources: to the tools that models are told of, and to the bill.

Both are told from files alone, as they are and as they were in the commit that the change is based on.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from fleet import cost_review, costs, prices, stackfile, tools_lock, tools_review
from fleet.cost_review import CostReview
from fleet.errors import FleetError
from fleet.git_base import Base
from fleet.project import stack_file
from fleet.stackfile import StackText
from fleet.tools_review import Recorded, ServerTools
from stacks import recorded_tools
from stacks.config import StackConfig
from stacks.package_locks import unlocked_servers
from stacks.recorded_tools import Lock

Found = TypeVar("Found")


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What is known.

    Attributes:
        problems: why something is not, a sentence each.
        tools: servers whose tools change or are not recorded.
        unlocked: servers of which nobody pinned what their packages install.
        costs: None where the configuration can't be read.
    """

    problems: tuple[str, ...] = ()
    tools: tuple[ServerTools, ...] = ()
    unlocked: tuple[str, ...] = ()
    costs: CostReview | None = None

    def to_json(self) -> dict[str, Any]:
        """As `fleet preview --json` prints it."""
        return {
            "problems": list(self.problems),
            "tools": [asdict(server) for server in self.tools],
            "unlocked": list(self.unlocked),
            "costs": self.costs.to_json() if self.costs else None,
        }


def compare(stack: str, project: Path, base: Base | None, today: date) -> Comparison:
    """Compare a stack's file and tools.lock.json with what they were in `base`; None compares with nothing.

    What can't be read is part of the result.
    """
    problems: list[str] = []
    try:
        config = stackfile.read_config(stackfile.read(stack_file(project, stack)), stack)
    except (FleetError, FileNotFoundError):
        return Comparison()  # the preview says what is wrong with it
    before = _told(problems, lambda: config_in(base, stack)) if base else None
    lock = _told(problems, lambda: tools_lock.read(project))
    base_lock = _told(problems, lambda: lock_in(base)) if base else None
    recorded = Recorded(config=before, lock=base_lock) if before and base_lock else None
    return Comparison(
        problems=tuple(problems),
        tools=_tools(recorded, config, lock, project) if lock else (),
        unlocked=tuple(unlocked_servers(config, project)),
        costs=_costs(before, config, today),
    )


def costs_of(stack: str, project: Path, base: Base | None, today: date) -> CostReview:
    """Return what a stack costs, and did in `base`. Raises FleetError where its file, or the price table, won't do."""
    config = stackfile.read_config(stackfile.read(stack_file(project, stack)), stack)
    return _costs(config_in(base, stack) if base else None, config, today)


def config_in(base: Base, stack: str) -> StackConfig:
    """Return a stack's configuration as it was: an empty one where there was none. Raises FleetError."""
    name = f"Pulumi.{stack}.yaml"
    text = base.text(name)
    if text is None:
        return StackConfig.model_validate({})
    return stackfile.read_config(StackText(text, name=f"{name} in {base.commit[:12]}"), stack)


def lock_in(base: Base) -> Lock:
    """Return what was recorded of tools. Raises FleetError where that is no lock."""
    text = base.text(recorded_tools.FILE)
    return Lock() if text is None else tools_lock.parse(text, name=f"{recorded_tools.FILE} in {base.commit[:12]}")


def _costs(before: StackConfig | None, config: StackConfig, today: date) -> CostReview:
    table = prices.read()
    return cost_review.review(costs.monthly(before, table) if before else None, config, table, today)


def _tools(before: Recorded | None, config: StackConfig, lock: Lock, project: Path) -> tuple[ServerTools, ...]:
    code = {name: recorded_tools.code(server, project) for name, server in config.servers.items()}
    return tools_review.review(before, Recorded(config=config, lock=lock), code)


def _told(problems: list[str], read: Callable[[], Found]) -> Found | None:
    try:
        return read()
    except FleetError as error:
        problems.append(f"{error}{f'; {error.hint}' if error.hint else ''}")
        return None
