"""The commit that a change is compared with, and files as they were in it."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from fleet.errors import FleetError

SECONDS = 30
"""How long git may take."""
USUAL = ("origin/main", "main")
"""What a change is compared with unless it is said, the first that there is."""


@dataclass(frozen=True, kw_only=True)
class Base:
    """A commit, as seen from a project's folder in its repository."""

    commit: str
    project: Path

    def text(self, path: str) -> str | None:
        """A file of the project in this commit; None where it had none."""
        try:
            return _git(self.project, "show", f"{self.commit}:./{path}")
        except subprocess.CalledProcessError:
            return None

    def changed(self, path: str) -> bool:
        """Whether a file or folder of the project is another now, whether or not that is committed."""
        tracked = _git(self.project, "diff", "--name-only", self.commit, "--", path)
        return bool(tracked or _git(self.project, "ls-files", "--others", "--exclude-standard", "--", path))


def find(project: Path, revision: str | None) -> Base | None:
    """Return where the checked-out commit branched off.

    Args:
        project: a folder in the repository.
        revision: from what it branched off; None for the main branch.

    Returns:
        None where no revision is given, and there is no repository, or no main branch in it.

    Raises:
        FleetError: the given revision is not there.
    """
    for wanted in (revision,) if revision else USUAL:
        try:
            return Base(commit=_git(project, "merge-base", wanted, "HEAD").strip(), project=project)
        except (OSError, subprocess.SubprocessError) as error:
            if revision:
                raise FleetError(
                    f"{project}: nothing to compare with: git finds no way from {revision!r} to HEAD",
                    hint="name a branch or commit; a shallow clone lacks it: `git fetch --unshallow`",
                ) from error
    return None


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=True).stdout
