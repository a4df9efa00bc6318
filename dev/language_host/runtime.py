"""Run a Pulumi program, or a plugin written in Python, on the SDK's own language server."""

import os
import runpy
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import IO, Any

import grpc
from pulumi.automation._server import LanguageServer
from pulumi.runtime.proto import language_pb2, language_pb2_grpc

PLUGIN_MODULES = {"analyzer": "pulumi.policy"}
"""The SDK's runner of each kind of plugin that is itself a Python program."""


class PythonLanguageHost(LanguageServer):
    """The SDK's language server, for a program in a folder instead of a function."""

    def __init__(self) -> None:
        super().__init__(lambda: None)

    def Run(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802 - named by the protocol
        """Run the project's `__main__.py` as the stack's program."""
        folder = Path(request.info.program_directory)
        program = folder / request.info.entry_point
        os.chdir(request.pwd)
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))

        def run_program() -> None:
            runpy.run_path(str(program), run_name="__main__")

        self.program = run_program
        return super().Run(request, context)

    def RunPlugin(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:  # noqa: N802
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
        output: SimpleQueue[Any] = SimpleQueue()

        def follow(stream: IO[bytes], name: str) -> None:
            while data := os.read(stream.fileno(), 65536):
                output.put(language_pb2.RunPluginResponse(**{name: data}))
            output.put(None)

        assert process.stdout is not None
        assert process.stderr is not None
        followers = [(process.stdout, "stdout"), (process.stderr, "stderr")]
        for stream, name in followers:
            Thread(target=follow, args=(stream, name), daemon=True).start()
        for _ in followers:
            yield from iter(output.get, None)
        yield language_pb2.RunPluginResponse(exitcode=process.wait())


class _Registry:
    """Takes the place of a server in the generated code, to have its handlers without a server of its own."""

    def __init__(self) -> None:
        self.handlers: list[Any] = []

    def add_generic_rpc_handlers(self, handlers: Sequence[Any]) -> None:
        self.handlers += handlers

    def add_registered_method_handlers(self, service: str, handlers: Any) -> None:
        """Only speeds up a server that knows its methods beforehand."""


def handlers() -> Sequence[Any]:
    """The gRPC handlers of the language host."""
    registry = _Registry()
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(PythonLanguageHost(), registry)
    return registry.handlers
