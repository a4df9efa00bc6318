"""What a replica reports of its container: read from control groups of both versions, absent where there are none."""

import re
from pathlib import Path

import pytest
from hypothesis import strategies as st
from mcp_bridge.container import ControlGroup, CpuGauge, parse_groups, parse_mounts, parse_number, parse_table

from bridge.tests.cases import cases
from bridge.tests.rig import HTTP, Bridge

ID = "0123456789abcdef"
NAMES = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=20)
NUMBERS = st.integers(0, 2**64 - 1)


def process(folder: Path, cgroup: str, mountinfo: str) -> Path:
    """Make what /proc/PID is to a control group; `@` in the mounts stands for the folder of /sys/fs/cgroup."""
    (folder / "cgroup").write_text(cgroup)
    (folder / "mountinfo").write_text(mountinfo.replace("@", str(folder / "sys")))
    return folder


def account(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)


@pytest.fixture
def unified(tmp_path: Path) -> Path:
    account(
        tmp_path / "sys",
        cpu__stat="usage_usec 2500000\nuser_usec 2000000\nsystem_usec 500000\n",
        memory__current="104857600\n",
        memory__stat="anon 80000000\ninactive_file 4857600\n",
    )
    return process(tmp_path, "0::/\n", "30 23 0:26 / @ rw,nosuid - cgroup2 cgroup rw,nsdelegate\n")


@pytest.fixture(params=[f"/docker/{ID}", "/"])
def separate(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Version 1, in a container that sees the host's paths, and in one that doesn't."""
    account(tmp_path / "sys/cpu,cpuacct", cpuacct__usage="2500000000\n")
    account(
        tmp_path / "sys/memory",
        memory__usage_in_bytes="104857600\n",
        memory__stat="cache 9000000\ninactive_file 1\ntotal_inactive_file 4857600\n",
    )
    path = request.param
    return process(
        tmp_path,
        f"9:memory:{path}\n4:cpu,cpuacct:{path}\n1:name=systemd:{path}\n0::/\n",
        f"33 31 0:30 {path} @/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n"
        f"35 31 0:32 {path} @/memory ro shared:9 - cgroup cgroup rw,memory\n"
        "41 31 0:38 / @/unified ro - cgroup2 cgroup2 rw\n",
    )


def test_version_2_is_read(unified: Path) -> None:
    group = ControlGroup(unified)
    assert (group.cpu_seconds(), group.memory_bytes()) == (2.5, 100_000_000)


def test_version_1_is_read(separate: Path) -> None:
    group = ControlGroup(separate)
    assert (group.cpu_seconds(), group.memory_bytes()) == (2.5, 100_000_000)


def test_a_group_within_a_hierarchy_is_found(unified: Path) -> None:
    account(unified / "sys/user/bridge", cpu__stat="usage_usec 1000000\n", memory__current="5\n")
    (unified / "cgroup").write_text("0::/user/bridge\n")
    group = ControlGroup(unified)
    assert (group.cpu_seconds(), group.memory_bytes()) == (1.0, 5)


def test_without_control_groups_there_are_no_figures(tmp_path: Path) -> None:
    for group in (ControlGroup(tmp_path), ControlGroup(process(tmp_path, "", ""))):
        assert (group.cpu_seconds(), group.memory_bytes()) == (None, None)


def test_cpus_are_averaged_over_the_time_since_the_last_question() -> None:
    now, used = 100.0, 7.0
    gauge = CpuGauge(lambda: used, lambda: now)
    now, used = 110.0, 22.0
    assert gauge.read() == 1.5
    now, used = 110.5, 23.0
    assert gauge.read() == 1.5
    now, used = 120.0, 22.0
    assert gauge.read() == 0.0


@cases(st.text())
def test_no_text_can_harm_a_parser(text: str) -> None:
    assert parse_number(text) is None or text.strip().isdigit()
    assert all(name and value >= 0 for name, value in parse_table(text).items())
    assert all(path.startswith("/") for path in parse_groups(text).values())
    parse_mounts(text)


@cases(st.dictionaries(NAMES, NUMBERS))
def test_a_table_is_read_whole(table: dict[str, int]) -> None:
    assert parse_table("".join(f"{name} {value}\n" for name, value in table.items())) == table


@cases(st.dictionaries(NAMES, st.text("abc/:,-", max_size=20)))
def test_groups_are_read_whole(groups: dict[str, str]) -> None:
    text = "".join(f"{number}:{name}:/{path}\n" for number, (name, path) in enumerate(groups.items()))
    assert parse_groups(text) == {name: f"/{path}" for name, path in groups.items()}


@cases(NAMES, st.text("abc/-", max_size=20), st.lists(st.sampled_from(["shared:1", "master:2"]), max_size=2))
def test_a_mount_is_found_whatever_optional_fields_it_has(controller: str, root: str, optional: list[str]) -> None:
    fields = ["35", "31", "0:32", f"/{root}", "/sys/fs/cgroup/x", "rw", *optional]
    found = parse_mounts(f"{' '.join(fields)} - cgroup cgroup rw,{controller}\n")
    assert found[controller] == (f"/{root}", Path("/sys/fs/cgroup/x"))


def test_prometheus_is_told_what_the_kernel_tells(session_bridge: Bridge) -> None:
    page = HTTP.get(f"{session_bridge.url}/metrics").text
    group = ControlGroup()
    for name, known in (
        ("mcp_container_cpu_usage", group.cpu_seconds()),
        ("mcp_container_memory_usage", group.memory_bytes()),
    ):
        found = re.findall(rf'^{name}\{{server="[^"]+"\}} (\S+)$', page, re.MULTILINE)
        assert len(found) == (known is not None)
        assert all(float(value) >= 0 for value in found)
    assert "# TYPE mcp_container_memory_usage gauge" in page
