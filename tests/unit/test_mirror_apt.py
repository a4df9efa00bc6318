"""The mirror takes Debian packages from where this machine takes them."""

from pathlib import Path

import pytest

from dev.errors import EngineError
from dev.mirror import apt

DEB822 = """\
# a comment
Types: deb
# another
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
"""

VENDOR = """\
Types: deb
URIs: http://vendor.example/node_20.x
Suites: bookworm
Components: main
"""


def etc(folder: Path, **files: str) -> Path:
    (folder / "sources.list.d").mkdir()
    for name, text in files.items():
        path = {"list": "sources.list", "parts": "sources.list.d/a.list", "stanzas": "sources.list.d/debian.sources"}
        (folder / path[name]).write_text(text)
    return folder


def test_deb822_sources_of_the_running_debian_become_those_of_the_standins(tmp_path: Path) -> None:
    found = apt.archive(etc(tmp_path, stanzas=DEB822))
    assert found == apt.Archive("http://mirror.example/debian", "http://mirror.example/debian-security")
    assert found.lines() == [
        "deb http://mirror.example/debian trixie main",
        "deb http://mirror.example/debian trixie-updates main",
        "deb http://mirror.example/debian-security trixie-security main",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "deb http://mirror.example/debian/ bookworm main contrib\n",
        "deb [signed-by=/usr/share/keyrings/x.gpg arch=amd64] http://mirror.example/debian/ bookworm main # comment\n",
        "#deb http://old.example/debian/ buster main\ndeb http://mirror.example/debian/ bookworm main\n",
        "deb-src http://src.example/debian bookworm main\ndeb http://mirror.example/debian/ bookworm main\n",
    ],
)
def test_one_line_sources(tmp_path: Path, text: str) -> None:
    assert apt.archive(etc(tmp_path, list=text)) == apt.Archive("http://mirror.example/debian/", None)


def test_a_vendors_repository_is_not_taken_for_debian(tmp_path: Path) -> None:
    parts = "deb http://vendor.example/linux/debian/pool bookworm main\n"
    found = apt.archive(etc(tmp_path, parts=parts, stanzas=f"{VENDOR}\n{DEB822}"))
    assert found.main == "http://mirror.example/debian"


@pytest.mark.parametrize("stanzas", ["", VENDOR, DEB822.replace("Types: deb\n", "Types: deb\nEnabled: no\n")])
def test_no_debian_source_says_what_to_do(tmp_path: Path, stanzas: str) -> None:
    with pytest.raises(EngineError, match="add Debian's archive"):
        apt.archive(etc(tmp_path, stanzas=stanzas))


@pytest.mark.parametrize(
    ("line", "carried"),
    [
        ('Acquire::Check-Valid-Until "false";', True),
        ('Acquire::http::Timeout "60";', True),
        ('Acquire::http::Proxy "http://proxy.example:3128";', True),
        ('Acquire::https::CAInfo "/etc/ssl/own.pem";', True),
        ('Acquire::Languages "none";', False),
        ('APT::Install-Recommends "0";', False),
    ],
)
def test_only_how_to_reach_the_archive_is_carried_over(line: str, carried: bool) -> None:
    assert bool(apt.CARRIED_OPTIONS.match(line)) is carried
