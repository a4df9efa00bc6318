"""bin/fleet works by any path to it, in any folder."""

import subprocess
from pathlib import Path

import pytest

from dev.home import CHECKOUT


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_it_runs_by_a_link_in_a_folder_with_packages_of_the_same_names(tmp_path: Path, shell: str) -> None:
    for name in ("fleet", "dev", "typer"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('the wrong package')")
    first = tmp_path / "first"
    first.symlink_to(CHECKOUT / "bin" / "fleet")
    (tmp_path / "second").symlink_to("first")
    done = subprocess.run([shell, "-c", "./second --help"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "fleet up" in done.stdout


def test_its_python_has_the_checkouts_packages(tmp_path: Path) -> None:
    code = "import dev, sys; print(dev.__file__, sys.prefix)"
    argv = [str(CHECKOUT / "dev" / "python"), "-P", "-c", code]
    told = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert told.split() == [str(CHECKOUT / "dev" / "__init__.py"), str(CHECKOUT / ".venv")]
