"""What a long command is doing, how far it is and how long it has taken, on stderr.

On a terminal: one live line a step. Elsewhere (CI, a pipe): plain lines, at most one per step every ten seconds.
"""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

PLAIN_INTERVAL = 10.0
"""Seconds between two plain lines of one step."""
QUICK = 0.5
"""A step shorter than this many seconds is reported only by its result."""


class Step:
    """One step of the work; safe to update from any thread."""

    def __init__(self, steps: "Steps", title: str) -> None:
        self.title = title
        self.started = steps.clock()
        self.result = ""
        self._steps = steps
        self.task: TaskID | None = None
        self.told = self.started - PLAIN_INTERVAL + QUICK

    def update(self, what: str = "", done: int | None = None, total: int | None = None) -> None:
        """Say what is being done now (a few words) and, if known, how far it is: `done` of `total`."""
        self._steps.show(self, what, done, total)

    def done(self, result: str) -> None:
        """The outcome, in a few words: what is in use and why. Shown when the step ends."""
        self.result = result


class Steps:
    """The steps of one command. Use as a context manager around all of them; steps may run in parallel."""

    def __init__(self, console: Console | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.console = console or Console(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty())
        self.clock = clock
        self._lock = threading.Lock()
        self._live = (
            Progress(
                SpinnerColumn(),
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=24),
                TextColumn("{task.fields[count]}", justify="right"),
                TimeElapsedColumn(),
                TextColumn("{task.fields[what]}", style="dim", markup=False),
                console=self.console,
                transient=True,
            )
            if self.console.is_terminal
            else None
        )

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """A step named `title` (a few words); ends with a line of its result and how long it took, or `failed`."""
        step = Step(self, title)
        if self._live:
            step.task = self._live.add_task(title, total=None, count="", what="")
        try:
            yield step
        except BaseException:
            self._end(step, "[red]✗[/]", "failed")
            raise
        self._end(step, "[green]✓[/]", step.result)

    def say(self, text: str) -> None:
        """A line that stays, above the steps that are still running."""
        self.console.print(text, markup=False)

    def show(self, step: Step, what: str, done: int | None, total: int | None) -> None:
        """Show how far a step is; `Step.update` is the way to call it."""
        count = f"{done}/{total}" if done is not None and total else ""
        if self._live and step.task is not None:
            self._live.update(step.task, completed=done or 0, total=total, count=count, what=what[:60])
            return
        now = self.clock()
        with self._lock:
            if now - step.told < PLAIN_INTERVAL:
                return
            step.told = now
        facts = ", ".join(fact for fact in (count, what, f"{now - step.started:.0f} s") if fact)
        self.say(f"  {step.title}: {facts}")

    def _end(self, step: Step, mark: str, result: str) -> None:
        if self._live and step.task is not None:
            self._live.remove_task(step.task)
        seconds = self.clock() - step.started
        took = f" [dim]({seconds:.1f} s)[/]" if seconds >= QUICK else ""
        told = f"{step.title}: {result}" if result else step.title
        self.console.print(f"{mark} {escape(told)}{took}")
