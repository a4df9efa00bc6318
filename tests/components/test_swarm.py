"""In which order hosts become a Swarm, and what each of them is told."""

import pulumi
import pytest

from components.swarm import Swarm, SwarmArgs, SwarmHost

from .examples import swarm
from .recording_engine import deploy

NODE = ":SwarmNode"


def test_the_first_manager_makes_it_and_every_node_knows_all_managers() -> None:
    engine, _ = deploy(swarm)
    nodes = engine.of_type(NODE)
    order = list(nodes)
    assert (order[0], sorted(order[1:3]), order[3]) == ("m1", ["m2", "m3"], "w1")
    assert [name for name, node in nodes.items() if node.inputs["founder"]] == ["m1"]
    for node in nodes.values():
        assert [manager["address"] for manager in node.inputs["managers"]] == [
            "m1.example",
            "m2.example",
            "m3.example",
        ]


@pytest.mark.parametrize("managers", [0, 2, 4])
def test_an_even_number_of_managers_is_refused(managers: int) -> None:
    hosts = [
        SwarmHost(
            name=f"m{number}",
            machine="i",
            address="a",
            host_key="ssh-ed25519 AAAA",
            advertise_address="a",
            role="manager",
        )
        for number in range(managers)
    ]
    with pytest.raises(ValueError, match="give it 1, 3 or 5"):
        deploy(lambda: Swarm("swarm", SwarmArgs(swarm="test", hosts=hosts, private_key=pulumi.Output.secret("k"))))
