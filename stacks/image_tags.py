"""Tags that say what is in an image, for registries that take one image under each tag and never another."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from docker.utils.build import exclude_paths

from components.gateway import CONTEXTS
from components.image import CONTEXT, server_contexts
from components.remote_image import CONTEXTS as REMOTE_CONTEXTS

from .config import ServerConfig
from .own_code import read_own_code
from .package_locks import existing_lock
from .server_image import REMOTE, image_names
from .source import NpmSource, OciSource, PathSource, PypiSource

if TYPE_CHECKING:
    from .load import Stack

DIGEST_CHARACTERS = 12
IGNORED = ".dockerignore"


def image_tags(stack: "Stack", images: Mapping[str, str]) -> dict[str, str]:
    """Return the tag of each image that `stack` builds, by the server's name, `gateway` or `remote`.

    Arguments:
        images: what they are built from, with digests.
    """
    servers = stack.config.servers
    return {name: _tag(stack.root, name, servers, images) for name in image_names(stack.config)}


def _tag(root: Path, name: str, servers: Mapping[str, ServerConfig], images: Mapping[str, str]) -> str:
    if name in servers:
        return _server_tag(root, servers[name], images)
    contexts = REMOTE_CONTEXTS if name == REMOTE else CONTEXTS
    return content_tag(root, name, contexts, [images["python"]])


def _server_tag(root: Path, server: ServerConfig, images: Mapping[str, str]) -> str:
    source = server.source
    told = [
        images["python"],
        *([images["node"], str(server.install_scripts)] if isinstance(source, NpmSource) else []),
        *sorted(server.constraints),
        *sorted(server.packages),
    ]
    if isinstance(source, PathSource):
        own = read_own_code(root / source.path)
        return f"{own.version}-{content_tag(root, 'path', server_contexts(source.path), [own.command, *told])}"
    if isinstance(source, OciSource):
        return f"{source.version}-{content_tag(root, 'oci', server_contexts(''), [str(source), *told])}"
    if not isinstance(source, PypiSource | NpmSource):
        raise TypeError(f"{source} has no image of its own")
    kind = "python" if isinstance(source, PypiSource) else "node"
    contexts = server_contexts("", existing_lock(source, root))
    return f"{source.version}-{content_tag(root, kind, contexts, [str(source), source.command, *told])}"


def content_tag(root: Path, dockerfile: str, contexts: Mapping[str, str], told: Sequence[str]) -> str:
    """Return a digest of all that decides what an image is, the same on every machine.

    Arguments:
        root: the folder of Pulumi.yaml.
        dockerfile: name of the Dockerfile without its ending.
        contexts: folders in `root` that the Dockerfile reads, by their names there.
        told: what it is told besides.
    """
    found = hashlib.sha256(json.dumps([dockerfile, *told]).encode())
    found.update((root / CONTEXT / f"{dockerfile}.Dockerfile").read_bytes())
    for name, folder in sorted({CONTEXT: CONTEXT, **contexts}.items()):
        for part in _content(root, name, folder):
            found.update(part)
    return found.hexdigest()[:DIGEST_CHARACTERS]


def own_code_digest(root: Path, path: str) -> str:
    """Return a digest of what an image gets of the folder `path` of a server of ours, and of the chassis beside it.

    It is the same on every machine.
    """
    found = hashlib.sha256()
    for name, folder in sorted(server_contexts(path).items() - server_contexts("").items()):
        for part in _content(root, name, folder):
            found.update(part)
    return found.hexdigest()[:DIGEST_CHARACTERS]


def _content(root: Path, name: str, folder: str) -> Iterator[bytes]:
    """Yield what tells a folder's content from any other."""
    # As Pulumi's provider does: one list of what is ignored, for every folder.
    ignored = (root / CONTEXT / IGNORED).read_text(encoding="utf-8").splitlines()
    patterns = [line for line in ignored if line and not line.startswith("#")]
    for path in sorted(exclude_paths(str(root / folder), patterns)):
        file = root / folder / path
        if file.is_file():
            yield json.dumps([name, path, file.stat().st_mode & 0o100]).encode()
            yield hashlib.sha256(file.read_bytes()).digest()
