"""Where the engine keeps its things, and how it takes care of them."""

from pathlib import Path

import pytest

from dev import home


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"MCP_FLEET_HOME": "/srv/fleet", "XDG_DATA_HOME": "/data"}, "/srv/fleet"),
        ({"XDG_DATA_HOME": "/data"}, "/data/mcp-fleet"),
        ({"XDG_DATA_HOME": "relative"}, "/home/ada/.local/share/mcp-fleet"),
        ({}, "/home/ada/.local/share/mcp-fleet"),
    ],
)
def test_home_follows_the_environment(monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], expected: str) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    assert str(home.home(environ)) == expected


def test_replace_says_whether_something_changed_and_leaves_no_draft(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "script"
    assert home.replace(file, "one", mode=0o755)
    assert not home.replace(file, "one", mode=0o755)
    assert home.replace(file, "one", mode=0o600), "another mode is a change"
    assert home.replace(file, "two", mode=0o600)
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("two", 0o600)
    assert [each.name for each in file.parent.iterdir()] == ["script"]


def test_remove_takes_all_that_is_ours_and_nothing_else(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MCP_FLEET_HOME", str(tmp_path))
    module = tmp_path / "go" / "path" / "module"
    module.mkdir(parents=True)
    (module / "file.go").touch()
    module.chmod(0o555)
    outside = tmp_path / "thesis.txt"
    outside.touch()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "link").symlink_to(outside)
    home.remove()
    assert [each.name for each in tmp_path.iterdir()] == ["thesis.txt"]
