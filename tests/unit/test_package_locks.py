"""Locks of packages: what the committed ones say, and what is said of one that can't be used."""

import json
from pathlib import Path
from typing import Any

import pytest

from components.image import RegistryAccount
from stacks.catalog import names, read_entry
from stacks.config import ServerConfig, StackConfig
from stacks.package_locks import existing_lock, lock_file, lock_problems, locked_packages, mismatch, unlocked_servers
from stacks.server_image import server_image_args
from stacks.source import NpmSource, PypiSource
from tests.components import examples

from .stack_files import ROOT

PACKAGES = [
    entry.label
    for entry in map(read_entry, names())
    if not entry.extension.people_only and entry.source.startswith(("pypi:", "npm:"))
]
HASH = "sha256:" + "0" * 64
NOWHERE = RegistryAccount(address="", namespace="", username="", password="")


def server(source: str, **line: Any) -> ServerConfig:
    return ServerConfig.model_validate({"source": source, **line})


def write(root: Path, source: str, text: str) -> None:
    parsed = server(source).source
    assert isinstance(parsed, PypiSource | NpmSource)
    file = root / lock_file(parsed)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def problems(root: Path, line: dict[str, Any], **keys: Any) -> list[str]:
    config = StackConfig.model_validate({"servers": {"it": line}, **keys})
    return [problem.message for problem in lock_problems("dev", config, root)]


@pytest.mark.parametrize("name", PACKAGES)
def test_each_package_of_the_catalog_is_locked_for_its_entry(name: str) -> None:
    line = server(f"catalog:{name}")
    assert isinstance(line.source, PypiSource | NpmSource)
    assert existing_lock(line.source, ROOT)
    assert mismatch(line, ROOT) is None


@pytest.mark.parametrize("name", [name for name in PACKAGES if read_entry(name).source.startswith("pypi:")])
def test_nothing_of_a_locked_package_of_the_catalog_is_built_from_source(name: str) -> None:
    source = server(f"catalog:{name}").source
    assert isinstance(source, PypiSource)
    assert (ROOT / lock_file(source)).read_text().startswith("--only-binary :all:\n")


def test_a_lock_names_what_linux_installs(tmp_path: Path) -> None:
    write(
        tmp_path,
        "pypi:a@1.0",
        f"--only-binary :all:\n\nA==1.0 \\\n    --hash={HASH}\n"
        f'b==2 ; sys_platform == "win32" \\\n    --hash={HASH}\nc==3 ; python_version >= "3.9" --hash={HASH}  # why\n',
    )
    found = locked_packages(PypiSource(package="a", version="1.0", command="a"), tmp_path) or ()
    assert [(package.name, package.version, package.hashes) for package in found] == [
        ("a", "1.0", (HASH,)),
        ("c", "3", (HASH,)),
    ]


def test_the_build_gets_the_lock(tmp_path: Path) -> None:
    def lock() -> str:
        args = server_image_args(
            server("npm:@a/b@1.0.0"), tmp_path, bases=examples.BASES, registry=NOWHERE, builder="builder"
        )
        return args.lock

    assert lock() == ""
    write(tmp_path, "npm:@a/b@1.0.0", "{}")
    assert lock() == "locks/npm/@a/b@1.0.0"


@pytest.mark.parametrize(
    ("line", "text", "said"),
    [
        ({"source": "pypi:a@1.0"}, f"a==1.1 --hash={HASH}\n", "does not have a in version 1.0"),
        ({"source": "pypi:a@1.0"}, "a==1.0\n", "has no hash for a"),
        ({"source": "pypi:a@1.0"}, "<html>", "is no lock"),
        ({"source": "pypi:a@1.0"}, f"a>=1.0 --hash={HASH}\n", "is no lock: a>=1.0 is not one version"),
        (
            {"source": "pypi:a@1.0", "constraints": ["B_b<2"]},
            f"a==1.0 --hash={HASH}\nb-b==2.1 --hash={HASH}\n",
            "has b-b 2.1, and the line asks for B_b<2",
        ),
        ({"source": "npm:a@1.0.0"}, "[]", "is no lock"),
        (
            {"source": "npm:a@1.0.0"},
            json.dumps({"packages": {"": {}, "node_modules/a": {"version": "1.0.0"}}}),
            "has no hash for a",
        ),
        (
            {"source": "npm:a@1.0.0"},
            json.dumps({"packages": {"node_modules/a": {"version": "1.0.1", "integrity": "sha512-x"}}}),
            "does not have a in version 1.0.0",
        ),
    ],
)
def test_a_lock_that_is_not_for_its_line_says_why_and_what_to_do(
    tmp_path: Path, line: dict[str, Any], text: str, said: str
) -> None:
    write(tmp_path, line["source"], text)
    (message,) = problems(tmp_path, line)
    assert said in message
    assert message.endswith("; make the lock anew: bin/fleet lock it --stack dev")


def test_a_line_without_a_lock_is_told_of_and_refused_where_the_stack_requires_locks(tmp_path: Path) -> None:
    line = {"source": "pypi:a@1.0"}
    assert unlocked_servers(StackConfig.model_validate({"servers": {"it": line}}), tmp_path) == ["it"]
    assert problems(tmp_path, line) == []
    (message,) = problems(tmp_path, line, **{"require-locks": True})
    assert message == (
        "its package has no lock, and `require-locks` asks for one; make it: bin/fleet lock it --stack dev"
    )
