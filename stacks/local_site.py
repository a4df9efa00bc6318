"""This machine as the place where a fleet runs."""

from typing import Final

import pulumi
import pulumi_docker as docker

from components.fleet import Fleet
from components.hosts.local import LocalHost, LocalHostArgs
from components.image import RegistryAccount
from components.registry import Registry, RegistryArgs

from .load import Stack
from .server_image import image_names
from .site import Site, password

ADDRESS: Final = "localhost"


def local_site(stack: Stack, engine: str, image: str, name_key: pulumi.Output[str]) -> Site:
    """Make network and registry on the Docker engine at the address `engine`.

    Arguments:
        image: the registry's.
        name_key: see Fleet.
    """
    account = RegistryAccount(
        address=f"{ADDRESS}:{stack.config.registry_port}",
        namespace=stack.name,
        username=stack.name,
        password=password("registry", length=32).result,
    )
    provider = docker.Provider(
        "docker",
        docker.ProviderArgs(
            host=engine,
            registry_auth=[
                docker.ProviderRegistryAuthArgs(
                    address=account.address, username=account.username, password=account.password
                )
            ],
        ),
    )
    opts = pulumi.ResourceOptions(providers=[provider])
    host = LocalHost(stack.name, LocalHostArgs(network=stack.name), opts=opts).outputs
    fleet = Fleet(name=stack.name, network=host.network, name_key=name_key)
    registry = Registry(
        "registry",
        RegistryArgs(
            fleet=fleet,
            image=image,
            host=ADDRESS,
            port=stack.config.registry_port,
            username=account.username,
            password=account.password,
        ),
        opts=opts,
    )
    return Site(
        fleet=fleet,
        provider=provider,
        registries=dict.fromkeys(image_names(stack.config), account),
        first=(registry,),
        url=f"http://{ADDRESS}:{stack.config.port}",
    )
