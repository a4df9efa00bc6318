"""A bill of materials that is being written: components, what each has in it, and the text.

Source: CycloneDX 1.6, https://cyclonedx.org/docs/1.6/json/, with package URLs, https://github.com/package-url/purl-spec.
"""

import json
from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.model import HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.bom_ref import BomRef
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.dependency import Dependency
from cyclonedx.model.lifecycle import LifecyclePhase, PredefinedLifecycle
from cyclonedx.model.service import Service
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from stacks.config import PROJECT
from stacks.image_reference import ImageReference
from stacks.package_locks import LockedPackage, PackageLockError

_ALGORITHMS = {
    "sha1": (HashAlgorithm.SHA_1, 20),
    "sha256": (HashAlgorithm.SHA_256, 32),
    "sha384": (HashAlgorithm.SHA_384, 48),
    "sha512": (HashAlgorithm.SHA_512, 64),
}
"""Of hashes: what they are called, and how many bytes they have."""


@dataclass
class Bill:
    """A bill of materials. A component that is added twice stands in it once, with the hashes of both.

    Parts go by their references, which `add_…` and `package` return.
    """

    _components: dict[str, Component] = field(default_factory=dict)
    _services: dict[str, Service] = field(default_factory=dict)
    _parts: dict[str, set[str]] = field(default_factory=dict)

    def add_pypi(self, package: LockedPackage) -> str:
        """Add a package of the Python index. Raises PackageLockError where a hash is none."""
        return self._package(package, PackageURL(type="pypi", name=package.name, version=package.version))

    def add_npm(self, package: LockedPackage) -> str:
        """Add a package of the npm registry. Raises PackageLockError where a hash is none."""
        scope, _, name = package.name.rpartition("/")
        return self._package(package, PackageURL("npm", scope or None, name, package.version))

    def add_debian(self, name: str) -> str:
        """Add a Debian package: an image gets the version that Debian has when it is built."""
        purl = PackageURL(type="deb", namespace="debian", name=name)
        return self._add(Component(bom_ref=purl.to_string(), purl=purl, name=name))

    def add_image(self, image: ImageReference) -> str:
        """Add an image that others start from."""
        qualifiers = {"repository_url": image.repository, **({"tag": image.tag} if image.tag else {})}
        purl = PackageURL(type="oci", name=image.name, version=image.digest, qualifiers=qualifiers)
        return self._add(
            Component(
                type=ComponentType.CONTAINER,
                bom_ref=purl.to_string(),
                purl=purl,
                name=image.repository,
                version=image.tag or image.digest,
                hashes=[_hash(image.digest)],
            )
        )

    def add_own_code(self, path: str, name: str, version: str) -> str:
        """Add code of this repository, in the folder `path`."""
        return self._add(
            Component(
                bom_ref=f"path:{path}", group=PROJECT, name=name, version=version, properties=[_property("path", path)]
            )
        )

    def add_server(self, name: str, version: str, source: str) -> str:
        """Add the image of a server, which is built from its source; `version` is empty where nobody says it."""
        return self._add(
            Component(
                type=ComponentType.CONTAINER,
                bom_ref=f"server:{name}",
                name=name,
                version=version or None,
                properties=[_property("source", source)],
            )
        )

    def add_remote(self, name: str, url: str) -> str:
        """Add what a server speaks to, and what runs elsewhere."""
        service = Service(name=name, bom_ref=f"remote:{name}", endpoints=[XsUri(url)])
        self._services[f"remote:{name}"] = service
        return f"remote:{name}"

    def put(self, parts: Iterable[str], whole: str) -> None:
        """Say that `whole` has `parts` in it."""
        self._parts.setdefault(whole, set()).update(parts)

    def text(self, stack: str, servers: Iterable[str]) -> str:
        """Return the bill of a stack, with the references of its servers, as JSON that ends with a new line."""
        self.put(servers, "stack")
        bom = Bom(
            components=self._components.values(),
            services=self._services.values(),
            dependencies=[
                Dependency(BomRef(ref), map(Dependency, map(BomRef, sorted(self._parts.get(ref, ())))))
                for ref in ("stack", *self._components, *self._services)
            ],
        )
        bom.metadata.component = Component(type=ComponentType.APPLICATION, name=stack, group=PROJECT, bom_ref="stack")
        bom.metadata.lifecycles.add(PredefinedLifecycle(phase=LifecyclePhase.PRE_BUILD))
        document = json.loads(JsonV1Dot6(bom).output_as_string())
        # When it was written is no part of it, and its serial number follows from the rest.
        del document["metadata"]["timestamp"], document["serialNumber"]
        document["serialNumber"] = uuid5(NAMESPACE_URL, json.dumps(document, sort_keys=True)).urn
        return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"

    def _package(self, package: LockedPackage, purl: PackageURL) -> str:
        return self._add(
            Component(
                bom_ref=purl.to_string(),
                purl=purl,
                group=purl.namespace,
                name=purl.name,
                version=package.version,
                hashes=map(_hash, package.hashes),
            )
        )

    def _add(self, component: Component) -> str:
        reference = str(component.bom_ref.value)
        self._components.setdefault(reference, component).hashes.update(component.hashes)
        return reference


def _property(name: str, value: str) -> Property:
    return Property(name=f"{PROJECT}:{name}", value=value)


def _hash(text: str) -> HashType:
    """Return a hash that is written as in requirements and digests (sha256:HEX), or as in npm's locks (sha512-BASE64).

    https://www.w3.org/TR/SRI/
    """
    algorithm, sign, content = text.partition(":" if ":" in text else "-")
    try:
        digest = bytes.fromhex(content) if sign == ":" else b64decode(content, validate=True)
    except ValueError as error:
        raise PackageLockError(f"{text!r} is no hash: {error}") from error
    known, size = _ALGORITHMS.get(algorithm, (None, 0))
    if known is None or len(digest) != size:
        raise PackageLockError(f"{text!r} is no hash that is known here")
    return HashType(alg=known, content=digest.hex())
