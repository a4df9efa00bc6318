"""What this machine's package clients need to work here, put into the stand-ins, so that builds from them need nothing.

That is certificates, indexes and timeouts of pip, uv and npm, and no other setting.
"""

import configparser
import os
import re
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from dev.errors import EngineError

BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
"""Debian's bundle of certificate authorities, here and in every stand-in."""
CERTIFICATE = re.compile("-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
# https://pip.pypa.io/en/stable/topics/configuration/
PIP_OPTIONS = ("index-url", "extra-index-url", "trusted-host", "timeout", "default-timeout", "retries")
# npm help config
NPM_OPTIONS = re.compile(r"registry|@[^:]+:registry|strict-ssl|fetch-(timeout|retries|retry-\w+)", re.ASCII)
UV_TIMEOUT_SECONDS = "30"
"""uv's own default."""


@dataclass(frozen=True)
class Settings:
    """Settings of the package clients.

    Attributes:
        files: Configuration files, by absolute path inside an image.
        uv_timeout: Seconds; uv takes it from the environment only.
    """

    files: Mapping[str, str]
    uv_timeout: str


def settings(environ: Mapping[str, str] = os.environ, root: Path = Path("/"), user: Path | None = None) -> Settings:
    """The settings of this machine's package clients.

    Args:
        environ: Where PIP_*, UV_* and npm_config_* are taken from.
        root: The root of the file system that has the machine's configuration files.
        user: The user's home; by default that of whoever runs this.

    Raises:
        EngineError: An index's address holds a password, which must not get into an image.
    """
    user = Path.home() if user is None else user
    pip = _pip(environ, root, user)
    npm = _npm(environ, root, user)
    index = environ.get("UV_DEFAULT_INDEX") or environ.get("UV_INDEX_URL") or pip.get("index-url")
    uv: dict[str, str | list[str]] = {}
    if index:
        uv["index-url"] = index
    if extra := pip.get("extra-index-url", "").split():
        uv["extra-index-url"] = extra
    if hosts := pip.get("trusted-host", "").split():
        uv["allow-insecure-host"] = hosts
    timeout = environ.get("UV_HTTP_TIMEOUT") or pip.get("default-timeout") or pip.get("timeout") or UV_TIMEOUT_SECONDS
    files = {
        "/etc/pip.conf": _ini("global", {"cert": BUNDLE, **pip}),
        "/etc/uv/uv.toml": "".join(f"{key} = {_toml(value)}\n" for key, value in uv.items()),
        "/usr/local/etc/npmrc": "".join(f"{key}={value}\n" for key, value in {"cafile": BUNDLE, **npm}.items()),
    }
    for path, text in files.items():
        _refuse_passwords(path, text)
    return Settings(files, timeout)


def certificates(environ: Mapping[str, str] = os.environ) -> list[str]:
    """The certificate authorities that this machine trusts, in PEM."""
    bundle = Path(environ.get("SSL_CERT_FILE") or BUNDLE)
    return CERTIFICATE.findall(bundle.read_text()) if bundle.is_file() else []


def additional(ours: Iterable[str], theirs: Iterable[str]) -> list[str]:
    """Those of the certificates `ours` (PEM) that are not among `theirs`."""
    known = {ssl.PEM_cert_to_DER_cert(certificate) for certificate in theirs}
    return [certificate for certificate in ours if ssl.PEM_cert_to_DER_cert(certificate) not in known]


def _pip(environ: Mapping[str, str], root: Path, user: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    files = [root / "etc/pip.conf", user / ".pip/pip.conf", user / ".config/pip/pip.conf"]
    if "PIP_CONFIG_FILE" in environ:
        files.append(Path(environ["PIP_CONFIG_FILE"]))
    for path in files:
        parser = configparser.RawConfigParser()
        parser.read(path)
        for section in ("global", "install"):
            if parser.has_section(section):
                found |= {key.replace("_", "-"): value for key, value in parser.items(section)}
    for name, value in environ.items():
        if name.startswith("PIP_"):
            found[name.removeprefix("PIP_").lower().replace("_", "-")] = value
    # An option over several lines means several values, as several words do.
    return {key: " ".join(found[key].split()) for key in PIP_OPTIONS if found.get(key)}


def _npm(environ: Mapping[str, str], root: Path, user: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    own = environ.get("NPM_CONFIG_USERCONFIG") or environ.get("npm_config_userconfig")
    for path in (root / "usr/etc/npmrc", root / "usr/local/etc/npmrc", Path(own) if own else user / ".npmrc"):
        if not path.is_file():
            continue
        for line in path.read_text().splitlines():
            key, separator, value = line.partition("=")
            if separator and not line.lstrip().startswith(("#", ";")):
                found[key.strip()] = value.strip().strip("\"'")
    for name, value in environ.items():
        if name.lower().startswith("npm_config_"):
            found[name.lower().removeprefix("npm_config_").replace("_", "-")] = value
    return {key: value for key, value in sorted(found.items()) if NPM_OPTIONS.fullmatch(key)}


def _ini(section: str, options: Mapping[str, str]) -> str:
    return f"[{section}]\n" + "".join(f"{key} = {value}\n" for key, value in options.items())


def _toml(value: str | list[str]) -> str:
    return f'"{value}"' if isinstance(value, str) else f"[{', '.join(_toml(item) for item in value)}]"


def _refuse_passwords(path: str, text: str) -> None:
    for address in re.findall(r"https?://[^\s\"',\]]+", text):
        if urlsplit(address).password:
            raise EngineError(
                f"a package index's address holds a password, which would get into every image built here ({path})\n"
                f"  give {urlsplit(address).hostname} without one, by PIP_INDEX_URL or npm_config_registry"
            )
