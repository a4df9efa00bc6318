"""When a stand-in is made again, and what the lock of the official images says."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from dev import home
from dev.mirror import apt, clients, recipes

MACHINE = recipes.Machine(
    archive=apt.Archive("http://mirror.example/debian", None),
    apt_options="",
    certificates=("one",),
    clients=clients.Settings({"/etc/pip.conf": "[global]\n"}, "30"),
)
REFERENCES = recipes.references()
KEYS = {"python", "node", "consul", "redis", "redis-exporter", "postgres", "prometheus", "registry"}


def fingerprints(machine: recipes.Machine = MACHINE, references: dict[str, str] | None = None) -> dict[str, str]:
    return {each.key: each.fingerprint for each in recipes.recipes(machine, references or REFERENCES)}


def changed(machine: recipes.Machine = MACHINE, references: dict[str, str] | None = None) -> set[str]:
    before, after = fingerprints(), fingerprints(machine, references)
    return {key for key in after if after[key] != before[key]}


def test_every_pin_names_tag_and_digest_and_all_but_grafana_have_a_standin() -> None:
    lock = json.loads((home.CHECKOUT / "images.lock.json").read_text())
    assert set(lock) == KEYS | {"grafana"}
    for pin in lock.values():
        assert re.fullmatch(r"docker\.io/[a-z0-9_/-]+:[\w.-]+@sha256:[0-9a-f]{64}", pin)
    assert set(fingerprints()) == KEYS | {recipes.BASE}
    assert all(each.dockerfile.is_file() for each in recipes.recipes(MACHINE, REFERENCES))


def test_the_base_comes_first() -> None:
    assert recipes.recipes(MACHINE, REFERENCES)[0].key == recipes.BASE


def test_nothing_changes_without_a_reason() -> None:
    assert changed() == set()


@pytest.mark.parametrize(
    ("machine", "expected"),
    [
        (replace(MACHINE, archive=apt.Archive("http://other.example/debian", None)), KEYS | {recipes.BASE}),
        (replace(MACHINE, apt_options='Acquire::Retries "3";\n'), KEYS | {recipes.BASE}),
        (replace(MACHINE, certificates=("one", "two")), KEYS | {recipes.BASE}),
        (replace(MACHINE, clients=clients.Settings({"/etc/pip.conf": "[global]\n"}, "60")), {"python", "node"}),
        (replace(MACHINE, clients=clients.Settings({"/etc/pip.conf": ""}, "30")), {"python", "node"}),
    ],
)
def test_a_change_of_the_machine_remakes_what_depends_on_it(machine: recipes.Machine, expected: set[str]) -> None:
    assert changed(machine) == expected


def test_another_tag_remakes_that_image_alone() -> None:
    assert changed(references={**REFERENCES, "redis": "docker.io/library/redis:99"}) == {"redis"}


def test_another_dockerfile_remakes_that_image_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprints()
    for path in recipes.STANDINS.iterdir():
        (tmp_path / path.name).write_text(path.read_text() + ("# changed\n" if path.stem == "consul" else ""))
    monkeypatch.setattr(recipes, "STANDINS", tmp_path)
    after = fingerprints()
    assert {key for key in after if after[key] != before[key]} == {"consul"}


def test_names_on_the_mirror() -> None:
    recipe = recipes.Recipe("python", "docker.io/library/python:3.13-slim-trixie", "")
    assert recipe.name == "library/python:3.13-slim-trixie"
    assert recipe.repository == "library/python"


def test_node_is_laid_out_as_the_dockerfile_expects() -> None:
    folder = recipes.node_folder()
    assert (folder / "bin/node").is_file()
    assert (folder / "lib/node_modules/npm/bin/npm-cli.js").is_file()
