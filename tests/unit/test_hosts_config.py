"""A stack's machines in a cloud: what is read of them, and what is refused and how."""

import re
import subprocess
import sys
import textwrap

import pytest

from stacks.hosts_config import CloudHosts

from .stack_files import ROOT, TIME, parse_text, refusal

AWS = """
hosts:
  aws:
    region: eu-west-1
    zones: [eu-west-1a, eu-west-1b, eu-west-1c]
    groups:
      manager: {role: manager, count: 3, type: t3.large}
      arm: {role: worker, count: 2, type: t4g.large, disk-gibibytes: 100}
    images: {x86_64: ami-0123456789abcdef0, arm64: ami-0123456789abcdef1}
    domain: {name: mcp.example.com, hosted-zone: Z0123456789}
    bucket: example-backups
    ssh-from: [203.0.113.0/24]
"""


def changed(old: str, new: str) -> str:
    """Return what is said of AWS with `old` replaced."""
    assert old in AWS
    return refusal(AWS.replace(old, new))


def test_machines_stand_under_their_cloud() -> None:
    hosts = parse_text(AWS).hosts
    assert isinstance(hosts, CloudHosts)
    assert hosts.aws.groups["manager"].disk_gibibytes == 50
    assert (hosts.aws.groups["arm"].role, hosts.aws.groups["arm"].disk_gibibytes) == ("worker", 100)


def test_without_them_a_stack_is_on_this_machine() -> None:
    assert parse_text("port: 8080").hosts == parse_text("hosts: local").hosts == "local"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("    zones:", "    zone: x\n    zones:", "hosts.aws.zone: unknown key; did you mean 'zones'?"),
        ("count: 3,", "count: 3, typ: x,", "hosts.aws.groups.manager.typ: unknown key; did you mean 'type'?"),
        ("name: mcp", "nam: x, name: mcp", "hosts.aws.domain.nam: unknown key; did you mean 'name'?"),
        ("  aws:\n", "  aw: {}\n  aws:\n", "hosts.aw: unknown key; did you mean 'aws'?"),
        ("    bucket: example-backups\n", "", "hosts.aws: needs the key 'bucket'"),
        ("[203.0.113.0/24]", "[]", "hosts.aws.ssh-from: "),
        ("[203.0.113.0/24]", "[0.0.0.0/0]", "as good as anywhere"),
        ("[203.0.113.0/24]", "[203.0.113.7/24]", "hosts.aws.ssh-from: ssh: 203.0.113.7/24 has host bits set"),
        ("count: 3", "count: 2", "hosts.aws.groups: there are 2 managers; give 1, 3 or 5, all of them in one group"),
        ("role: worker, count: 2", "role: manager, count: 2", "there are 5 managers; give 1, 3 or 5, all of them in"),
        (", eu-west-1c]", "]", "hosts.aws.zones: 3 managers need 3 zones"),
        ("eu-west-1c]", "us-east-1c]", "'us-east-1c' is not in eu-west-1; write for example eu-west-1a"),
        ("t4g.large", "m.huge", "hosts.aws.groups.arm.type: 'm.huge' is no instance type"),
        (", arm64: ami-0123456789abcdef1", "", "t4g.large of group 'arm' needs an image for arm64; add arm64: ami-…"),
        ("      arm:", "      aws:", "hosts.aws.groups.aws: this name is the whole cloud's; choose another one"),
        ("    bucket", "    network: 8.0.0.0/16\n    bucket", "hosts.aws.network: network 8.0.0.0/16 is not a private"),
        (
            "    bucket",
            "    overlay-network: 10.80.0.0/20\n    bucket",
            "10.80.0.0/20 overlaps the machines' 10.80.0.0/16",
        ),
        ("    bucket", "    overlay-network: 10.1.2.0/24\n    bucket", "is not a private network of /23 or larger"),
        ("    bucket", "    overlay-network: x\n    bucket", "hosts.aws.overlay-network: "),
        (
            "hosts:\n",
            "grafana-port: 3000\nhosts:\n",
            "grafana-port: there is no such port on hosts in a cloud; remove it",
        ),
        ("hosts:\n", "port: 2377\nhosts:\n", "mcp-fleet:port: hosts use 2377 themselves; choose another one"),
        ("hosts:\n", "registry-port: 5001\nhosts:\n", "registry-port: there is no such port on hosts in a cloud"),
    ],
)
def test_what_does_not_go_together_is_refused_by_its_key(old: str, new: str, expected: str) -> None:
    assert expected in changed(old, new)


def test_a_refusal_says_where_it_is() -> None:
    assert re.search(r"Pulumi\.dev\.yaml:\d+: mcp-fleet:hosts\.aws\.zones: 3 managers", changed(", eu-west-1c]", "]"))


def test_what_is_no_place_is_told_what_is() -> None:
    assert "hosts: 'clouds' is no place for a stack; write local" in refusal("hosts: clouds")


LAMBDA_LABS = "  lambda_labs: {regions: [us-east-1], types: [gpu_1x_a10], count: 2}\n"


def test_machines_of_lambda_labs_come_with_a_tunnel() -> None:
    hosts = parse_text(AWS + LAMBDA_LABS).hosts
    assert isinstance(hosts, CloudHosts)
    assert hosts.lambda_labs is not None
    assert hosts.lambda_labs.count == 2
    assert hosts.tunnelled is not None
    assert hosts.tunnelled.network == "100.64.0.0/10"


def test_a_stack_on_aws_alone_has_a_tunnel_where_one_is_asked_for() -> None:
    without, with_one = parse_text(AWS).hosts, parse_text(AWS + "  tunnel: {keys: 2}\n").hosts
    assert isinstance(without, CloudHosts)
    assert isinstance(with_one, CloudHosts)
    assert without.tunnelled is None
    assert with_one.tunnelled is not None
    assert with_one.tunnelled.keys == 2


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (LAMBDA_LABS.replace("count: 2", "count: 0"), "hosts.lambda_labs.count: 0 won't do"),
        (LAMBDA_LABS.replace("regions", "region"), "lambda_labs.region: unknown key; did you mean 'regions'?"),
        (
            LAMBDA_LABS.replace("lambda_labs", "lambda-labs"),
            "lambda-labs: unknown key; did you mean 'lambda_labs'?",
        ),
        (LAMBDA_LABS.replace("us-east-1", "us-south-1"), "Lambda's firewall does not work in us-south-1; remove it"),
        (LAMBDA_LABS.replace("a10]", "a10, cpu_4x_general]"), "lambda_labs.types: some have GPUs and some have not"),
        ("  tunnel: {port: 4789}\n", "hosts.tunnel.port: Swarm uses 4789 itself; choose another one"),
        ("  tunnel: {key: 2}\n", "hosts.tunnel.key: unknown key; did you mean 'keys'?"),
        ("  tunnel: {network: 10.0.0.0/8}\n", "hosts.tunnel.network: 10.0.0.0/8 overlaps the machines' 10.80.0.0/16"),
        ("  tunnel: {network: 10.200.0.0/16}\n", "overlaps the containers' 10.200.0.0/16; choose another one"),
        ("  tunnel: {network: 100.64.0.0/24}\n", "100.64.0.0/24 is not a private network of /16 or larger"),
        ("  tunnel: {network: 8.0.0.0/8}\n", "8.0.0.0/8 is not a private network"),
        ("  tunnel: {network: all}\n", "hosts.tunnel.network: "),
    ],
)
def test_what_the_other_cloud_and_the_tunnel_can_t_be_is_refused(more: str, expected: str) -> None:
    assert expected in refusal(AWS + more)


@pytest.mark.parametrize("name", ["aws", "gpu", "lambda"])
def test_a_group_has_a_name_of_its_own(name: str) -> None:
    assert f"hosts.aws.groups.{name}: this name is" in changed("      arm:", f"      {name}:")


def test_names_on_aws_have_less_room_than_names_of_stacks() -> None:
    parse_text(AWS, stack="s" * 18)
    assert "the stack's name has 19 characters, and 18 fit into names on AWS" in refusal(AWS, stack="s" * 19)
    said = refusal(AWS + LAMBDA_LABS, stack="s" * 15)
    assert "the stack's name has 15 characters, and 14 fit into names at Lambda Labs" in said


def server(place: str, more: str = "") -> str:
    return f"servers: {{time: {{source: '{TIME}', place: {place}{more}}}}}\n"


@pytest.mark.parametrize("place", ["aws", "arm", "manager", "lambda_labs", "gpu"])
def test_a_server_s_place_is_a_cloud_or_a_group_or_where_there_are_gpus(place: str) -> None:
    assert parse_text(server(place) + textwrap.dedent(AWS) + LAMBDA_LABS).servers["time"].place == place


def test_a_wrong_place_is_refused() -> None:
    assert "servers.time.place: no place 'amr'; did you mean 'arm'?" in refusal(server("amr") + AWS)
    assert "no place 'lambda_lab'; did you mean 'lambda_labs'?" in refusal(server("lambda_lab") + AWS + LAMBDA_LABS)
    assert "no place 'lambda_labs'; there is arm, aws, manager" in refusal(server("lambda_labs") + AWS)
    assert "no machine of this stack has a GPU" in refusal(server("gpu") + AWS)
    parse_text(server("gpu") + textwrap.dedent(AWS).replace("t3.large", "g6.xlarge"))
    assert "servers.time.place: all of this stack runs on this machine; remove it" in refusal(server("arm"))
    assert "runs on the machine that has the volume; remove one key" in refusal(server("arm", ", volume: true") + AWS)


def test_a_stack_on_this_machine_does_not_wait_for_the_sdk_of_aws() -> None:
    code = "import sys, stacks.load, stacks.fleet; sys.exit('pulumi_aws' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
