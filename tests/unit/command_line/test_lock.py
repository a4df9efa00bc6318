"""`fleet lock`, and the lock that `fleet add` makes, with stand-ins for the package clients."""

import pytest

from .conftest import Machine

HASH = "sha256:" + "0" * 64
PYPI = f"print(stdin.strip() + ' --hash={HASH}')"
NPM = """
folder = argv[argv.index('--prefix') + 1]
wanted = json.load(open(os.path.join(folder, 'package.json')))['dependencies']
packages = {f'node_modules/{name}': {'version': version, 'integrity': 'sha512-x'} for name, version in wanted.items()}
json.dump({'packages': packages}, open(os.path.join(folder, 'package-lock.json'), 'w'))
"""


@pytest.fixture
def locking(machine: Machine) -> Machine:
    machine.program("uv", PYPI)
    machine.program("npm", NPM)
    return machine


def locks(machine: Machine) -> list[str]:
    folder = machine.project / "locks"
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())


def test_every_package_of_a_stack_is_locked_once(locking: Machine) -> None:
    assert locking.fleet("lock").exit_code == 0
    assert locks(locking) == [
        "npm/@modelcontextprotocol/server-memory@2026.8.31/package-lock.json",
        "npm/@modelcontextprotocol/server-memory@2026.8.31/package.json",
        "pypi/mcp-server-git@2026.8.0/requirements.txt",
        "pypi/mcp-server-time@2026.8.0/requirements.txt",
    ]
    assert "every package has a lock for its line" in locking.fleet("lock").stderr


def test_locks_that_no_line_needs_are_dropped(locking: Machine) -> None:
    old = locking.project / "locks" / "pypi" / "old@1.0"
    old.mkdir(parents=True)
    (old / "requirements.txt").write_text("")
    result = locking.fleet("lock", "time")
    assert "dropped locks/pypi/old@1.0" in result.stderr
    assert locks(locking) == ["pypi/mcp-server-time@2026.8.0/requirements.txt"]


def test_add_locks_what_it_adds_and_takes_it_back_when_the_preview_fails(locking: Machine) -> None:
    added = "pypi/mcp-server-fetch@2026.10.19/requirements.txt"
    locking.pulumi({}, previews=False)
    assert locking.fleet("add", "pypi:mcp-server-fetch@2026.10.19").exit_code == 1
    assert locks(locking) == []
    locking.pulumi({})
    result = locking.fleet("add", "pypi:mcp-server-fetch@2026.10.19")
    assert f"fetch: 1 package in locks/{added}; commit it" in result.stderr
    assert locks(locking) == [added]


def test_what_can_not_be_locked_is_added_and_told_of(locking: Machine) -> None:
    locking.program("uv", "fail('no solution found')")
    result = locking.fleet("add", "pypi:mcp-server-fetch@2026.10.19", "--no-preview")
    assert result.exit_code == 0
    assert "what it installs is not locked: fetch: its packages can't be resolved: no solution found" in result.stderr
    assert locks(locking) == []


@pytest.mark.parametrize(
    ("yanked", "exit_code", "said"),
    [
        ("mcp_server_time==2026.8.0", 1, 'time: mcp_server_time==2026.8.0 was yanked (reason: "broken")'),
        ("anyio==4.0", 0, 'anyio==4.0, which it depends on, was yanked (reason: "broken")'),
    ],
)
def test_a_yanked_version_is_refused_and_a_yanked_dependency_told_of(
    locking: Machine, yanked: str, exit_code: int, said: str
) -> None:
    warning = f"""print('warning: `{yanked}` is yanked (reason: "broken")', file=sys.stderr)"""
    locking.program("uv", f"{PYPI}\n{warning}")
    result = locking.fleet("lock", "time")
    assert (result.exit_code, said in result.stderr) == (exit_code, True)
    assert bool(locks(locking)) is not bool(exit_code)


def test_an_optional_package_that_the_registry_has_not_is_left_out_of_the_lock(locking: Machine) -> None:
    # What npm writes then; it refuses to install from it, because the package asks for what the lock has not.
    asks = "packages['node_modules/@modelcontextprotocol/server-memory']['optionalDependencies'] = {'for-arm': '1.0'}"
    locking.program("npm", NPM.replace("json.dump", f"{asks}\njson.dump"))
    assert "has not for-arm: optional, and left out" in locking.fleet("lock").stderr
    [lock] = (locking.project / "locks").rglob("package-lock.json")
    assert "for-arm" not in lock.read_text()


def test_a_server_that_is_no_package_has_no_lock_to_make(locking: Machine) -> None:
    text = locking.stack_file.read_text()
    locking.stack_file.write_text(text.replace("pypi:mcp-server-time@2026.8.0", "./servers/time"))
    result = locking.fleet("lock", "time")
    assert "time is no package of PyPI or npm" in result.stderr
    assert locking.fleet("lock", "tiem").exit_code == 1
