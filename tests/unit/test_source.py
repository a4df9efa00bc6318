import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stacks.image_reference import ImageReference
from stacks.source import EXAMPLES, PATTERN, NpmSource, OciSource, PypiSource, SourceError, parse_source

PYPI_NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,20}[a-z0-9]", fullmatch=True)
NPM_NAMES = st.from_regex(r"(@[a-z][a-z0-9-]{0,8}/)?[a-z][a-z0-9.-]{0,20}", fullmatch=True)
NUMBERS = st.integers(min_value=0, max_value=99_999)
VERSIONS = st.builds("{}.{}.{}".format, NUMBERS, NUMBERS, NUMBERS)
DIGEST = "sha256:" + "0" * 64
COMMANDS = st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True)


@given(PYPI_NAMES, VERSIONS, COMMANDS)
def test_a_pypi_source_is_read_back_as_written(name: str, version: str, command: str) -> None:
    assert parse_source(f"pypi:{name}@{version}") == PypiSource(package=name, version=version, command=name)
    with_command = parse_source(f"pypi:{name}@{version}#{command}")
    assert with_command == PypiSource(package=name, version=version, command=command)
    assert str(with_command) == f"pypi:{name}@{version}"


@given(NPM_NAMES, VERSIONS, COMMANDS)
def test_an_npm_source_is_read_back_as_written(name: str, version: str, command: str) -> None:
    bare = name.rsplit("/", 1)[-1]
    assert parse_source(f"npm:{name}@{version}") == NpmSource(package=name, version=version, command=bare)
    assert parse_source(f"npm:{name}@{version}#{command}") == NpmSource(package=name, version=version, command=command)


HOSTS = st.from_regex(r"localhost|[a-z][a-z0-9-]{0,8}\.[a-z]{2,5}(:[0-9]{1,5})?", fullmatch=True)
FOLDERS = st.from_regex(r"(/[a-z0-9]{1,8}((_|__|-{1,3}|\.)[a-z0-9]{1,8})?){1,3}", fullmatch=True)
TAGS = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,20}", fullmatch=True) | st.just("")
DIGESTS = st.from_regex(r"sha256:[0-9a-f]{64}", fullmatch=True)
PROGRAMS = st.from_regex(r"(/[A-Za-z0-9_.+-]{1,8}){1,3}|[a-z][a-z0-9_.+-]{0,20}", fullmatch=True)


@given(HOSTS, FOLDERS, TAGS, DIGESTS, PROGRAMS)
def test_an_image_is_read_back_as_written(host: str, folder: str, tag: str, digest: str, program: str) -> None:
    image = ImageReference(repository=host + folder, tag=tag, digest=digest)
    source = parse_source(f"oci:{image}#{program}")
    assert source == OciSource(image=image, command=program)
    assert str(source) == f"oci:{image}"
    assert re.search(PATTERN, f"oci:{image}#{program}")


def test_an_image_is_called_by_its_tag_or_else_by_the_beginning_of_its_digest() -> None:
    digest = "sha256:" + "0123456789abcdef" * 4
    versions = [parse_source(f"oci:ghcr.io/a/b{tag}@{digest}#c") for tag in (":v1", "")]
    assert [source.version for source in versions if isinstance(source, OciSource)] == ["v1", "0123456789ab"]


def read(text: str) -> bool:
    try:
        parse_source(text)
    except SourceError as error:
        return not str(error)
    return True


@given(st.text() | st.from_regex(PATTERN))
def test_whatever_is_read_passes_the_pattern_for_editors(text: str) -> None:
    assert not read(text) or re.search(PATTERN, text)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_are_good(example: str) -> None:
    assert str(parse_source(example)) == example
    assert re.search(PATTERN, example)


@pytest.mark.parametrize("version", ["1.0", "2026.10.19", "1!2.0", "1.0rc1", "1.0.post2", "1.0.dev3", "1.0+local.1"])
def test_versions_of_the_python_index(version: str) -> None:
    assert parse_source(f"pypi:x@{version}") == PypiSource(package="x", version=version, command="x")


@pytest.mark.parametrize(
    ("source", "remedy"),
    [
        ("pypi:mcp-server-time", "fleet add pypi:mcp-server-time"),
        ("npm:@scope/name", "fleet add npm:@scope/name"),
        ("pypi:mcp-server-time@latest", "fleet add pypi:mcp-server-time"),
        ("pypi:mcp-server-time@>=1", "not one exact version"),
        ("pypi:mcp-server-time@1.*", "not one exact version"),
        ("npm:name@^1.0.0", "not one exact version"),
        ("npm:name@1.0", "not one exact version"),
        ("npm:Name@1.0.0", "no name of a npm package"),
        ("pypi:-x@1.0", "no name of a pypi package"),
        ("pypi:x@1.0#", "no command name"),
        ("pypi:x@1.0#a b", "no command name"),
        ("pypi:x@1.0#../../bin/sh", "no command name"),
        ("mcp-server-time", "pypi:NAME@VERSION"),
        ("pipy:x@1", "pypi:NAME@VERSION"),
        ("oci:ghcr.io/a/b:v1", "let `fleet add oci:ghcr.io/a/b:v1` look it up"),
        ("oci:ghcr.io/a/b:v1#/server", "has no digest"),
        ("oci:ghcr.io/a/b@sha256:0#/server", "64 hexadecimal digits last"),
        (f"oci:mcp/time@{DIGEST}#/server", "the registry's host first, such as ghcr.io or docker.io"),
        (f"oci:ghcr.io/A/b@{DIGEST}#/server", "the registry's host first"),
        (f"oci:ghcr.io/a/b@{DIGEST}", "which program of the image to run"),
        (f"oci:ghcr.io/a/b@{DIGEST}#", "after # stands a path in the image"),
        (f"oci:ghcr.io/a/b@{DIGEST}#sh -c", "after # stands a path in the image"),
        ("http://mcp.linear.app/mcp", "by TLS alone; write https://"),
        ("https://me:hush@mcp.linear.app/mcp", "no user and password"),
        ("https://mcp.linear.app/mcp#x", "is no URL of a remote server"),
        ("https:///mcp", "is no URL of a remote server"),
        ("", "pypi:NAME@VERSION"),
        (7, "must be a text"),
        (None, "must be a text"),
    ],
)
def test_a_bad_source_is_refused_with_a_remedy(source: object, remedy: str) -> None:
    with pytest.raises(SourceError, match=re.escape(remedy)):
        parse_source(source)
