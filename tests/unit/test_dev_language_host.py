"""The language host: its handshake, its answers before the SDK is there, its end."""

import os
import subprocess
import sys
from collections.abc import Iterator

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import language_pb2, language_pb2_grpc

from dev.home import CHECKOUT


@pytest.fixture
def host() -> Iterator[subprocess.Popen[str]]:
    argv = [sys.executable, "-u", "-P", "-m", "dev.language_host", "127.0.0.1:1"]
    environ = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    with subprocess.Popen(argv, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


@pytest.fixture
def language(host: subprocess.Popen[str]) -> Iterator[language_pb2_grpc.LanguageRuntimeStub]:
    assert host.stdout is not None
    with grpc.insecure_channel(f"127.0.0.1:{int(host.stdout.readline())}") as channel:
        yield language_pb2_grpc.LanguageRuntimeStub(channel)


def test_it_answers_in_the_protocols_own_messages(language: language_pb2_grpc.LanguageRuntimeStub) -> None:
    assert language.GetPluginInfo(Empty()).version == "3.0.0"
    assert language.Handshake(language_pb2.LanguageHandshakeRequest()) == language_pb2.LanguageHandshakeResponse()
    assert not language.GetRequiredPackages(language_pb2.GetRequiredPackagesRequest()).packages
    assert language.About(language_pb2.AboutRequest()).executable == sys.executable


def test_a_plugin_of_an_unknown_kind_is_refused(language: language_pb2_grpc.LanguageRuntimeStub) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        list(language.RunPlugin(language_pb2.RunPluginRequest(kind="resource")))
    assert refused.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_it_ends_with_the_engine(host: subprocess.Popen[str], language: language_pb2_grpc.LanguageRuntimeStub) -> None:
    language.GetPluginInfo(Empty())
    assert host.stdin is not None
    host.stdin.close()
    assert host.wait(10) == 0
