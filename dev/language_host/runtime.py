"""Run a Pulumi program, or a plugin written in Python, on the SDK's own language server."""

import os
import runpy
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import IO, cast

import grpc
from pulumi.automation._server import LanguageServer
from pulumi.runtime.proto import language_pb2, language_pb2_grpc

PLUGIN_MODULES = {"analyzer": "pulumi.policy"}
"""The SDK's runner of each kind of plugin that is itself a Python program."""
CHUNK_BYTES = 65536


class PythonLanguageHost(LanguageServer):
    """The SDK's language server, for a program in a folder instead of a function."""

    def __init__(self) -> None:
        super().__init__(lambda: None)

    def Run(  # noqa: N802 - named by the protocol
        self, request: language_pb2.RunRequest, context: grpc.ServicerContext
    ) -> language_pb2.RunResponse:
        """Run the project's `__main__.py` as the stack's program."""
        folder = Path(request.info.program_directory)
        program = folder / request.info.entry_point
        os.chdir(request.pwd)
        sys.argv = [str(program)]
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))

        def run_program() -> None:
            runpy.run_path(str(program), run_name="__main__")

        self.program = run_program
        result = cast("language_pb2.RunResponse", super().Run(request, context))  # type: ignore[no-untyped-call]
        if result.error:
            # The SDK's server has logged it. `bail` says so, as the official host does; else it would be told twice.
            return language_pb2.RunResponse(bail=True)
        return result

    def RunPlugin(  # noqa: N802
        self, request: language_pb2.RunPluginRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.RunPluginResponse]:
        """Run a plugin written in Python, such as a policy pack, and stream what it prints and its exit status."""
        module = PLUGIN_MODULES.get(request.kind)
        if module is None:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, f"plugins of kind {request.kind} don't run in this host")
            return
        process = subprocess.Popen(
            [sys.executable, "-u", "-m", module, *request.args, request.info.program_directory],
            cwd=request.pwd,
            env=dict(entry.split("=", 1) for entry in request.env),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        context.add_callback(process.terminate)
        output: SimpleQueue[language_pb2.RunPluginResponse | None] = SimpleQueue()

        def follow(stream: IO[bytes], response: Callable[[bytes], language_pb2.RunPluginResponse]) -> None:
            while data := os.read(stream.fileno(), CHUNK_BYTES):
                output.put(response(data))
            output.put(None)

        assert process.stdout is not None
        assert process.stderr is not None
        followers = (
            Thread(target=follow, args=(process.stdout, lambda data: language_pb2.RunPluginResponse(stdout=data))),
            Thread(target=follow, args=(process.stderr, lambda data: language_pb2.RunPluginResponse(stderr=data))),
        )
        for follower in followers:
            follower.start()
        for _ in followers:
            while (response := output.get()) is not None:
                yield response
        yield language_pb2.RunPluginResponse(exitcode=process.wait())


class _Registry:
    """Takes the place of a server in the generated code, to have its handlers without a server of its own."""

    def __init__(self) -> None:
        self.handlers: list[grpc.GenericRpcHandler] = []

    def add_generic_rpc_handlers(self, handlers: Sequence[grpc.GenericRpcHandler]) -> None:
        self.handlers += handlers

    def add_registered_method_handlers(self, service: str, handlers: object) -> None:
        """Only speeds up a server that knows its methods beforehand."""


def handlers() -> Sequence[grpc.GenericRpcHandler]:
    """The gRPC handlers of the language host."""
    registry = _Registry()
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(PythonLanguageHost(), cast("grpc.Server", registry))
    return registry.handlers
