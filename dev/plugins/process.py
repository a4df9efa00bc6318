"""The process around a plugin: the handshake on stdout, the server, the end with the engine."""

import importlib.util
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from dev.plugins.resource import Provider

WORKERS: Final = 64  # operations mostly wait for Docker; the engine has at most 4 per core under way


def load_only_the_protocol() -> None:
    """Makes `pulumi.runtime.proto` importable without running `pulumi/__init__.py`.

    A plugin needs the generated protocol alone, and starts with each command: this saves 0.6 s of them.
    """
    if "pulumi" in sys.modules:
        return
    spec = importlib.util.find_spec("pulumi")
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError("the Pulumi SDK is not installed in this Python", name="pulumi")
    root = spec.submodule_search_locations[0]
    for name, directory in (("pulumi", root), ("pulumi.runtime", f"{root}/runtime")):
        module = ModuleType(name)
        module.__path__ = [directory]
        sys.modules[name] = module


def serve(provider: "Provider") -> None:
    """Serves the provider until the engine interrupts this process, or is gone (its end of stdin closes)."""
    import grpc
    from pulumi.runtime.proto import provider_pb2_grpc

    from dev.plugins.servicer import Servicer

    signal.signal(signal.SIGINT, signal.SIG_DFL)  # from the engine alone, once nothing is under way
    server = grpc.server(
        ThreadPoolExecutor(WORKERS, thread_name_prefix="operation"),
        options=[("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)],
    )
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Servicer(provider), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    sys.stdin.buffer.read()
    server.stop(grace=None)
