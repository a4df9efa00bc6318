"""What of this machine's pip, uv and npm settings gets into the stand-ins, and what doesn't."""

import base64
import configparser
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.errors import EngineError
from dev.mirror import clients


def pip_of(found: clients.Settings) -> dict[str, str]:
    parser = configparser.RawConfigParser()
    parser.read_string(found.files["/etc/pip.conf"])
    return dict(parser["global"])


def uv_of(found: clients.Settings) -> dict[str, object]:
    return tomllib.loads(found.files["/etc/uv/uv.toml"])


def npm_of(found: clients.Settings) -> dict[str, str]:
    return dict(line.split("=", 1) for line in found.files["/usr/local/etc/npmrc"].splitlines())


def test_a_machine_without_settings_leaves_only_the_certificates(tmp_path: Path) -> None:
    found = clients.settings({}, tmp_path, tmp_path)
    assert pip_of(found) == {"cert": clients.BUNDLE}
    assert uv_of(found) == {}
    assert npm_of(found) == {"cafile": clients.BUNDLE}
    assert found.uv_timeout == clients.UV_TIMEOUT_SECONDS


def test_files_and_environment_are_merged_as_pip_does(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/pip.conf").write_text(
        "[global]\nindex-url = https://all.example/simple\ntimeout = 20\ncert = /here.pem\n"
    )
    (tmp_path / "user/.config/pip").mkdir(parents=True)
    (tmp_path / "user/.config/pip/pip.conf").write_text(
        "[global]\nindex_url = https://user.example/simple\n"
        "[install]\nextra-index-url =\n    https://one.example\n    https://two.example\n"
    )
    environ = {"PIP_TRUSTED_HOST": "user.example", "PIP_FIND_LINKS": "/opt/wheels", "PIP_DEFAULT_TIMEOUT": "180"}
    found = clients.settings(environ, tmp_path, tmp_path / "user")
    assert pip_of(found) == {
        "cert": clients.BUNDLE,
        "index-url": "https://user.example/simple",
        "extra-index-url": "https://one.example https://two.example",
        "trusted-host": "user.example",
        "timeout": "20",
        "default-timeout": "180",
    }
    assert uv_of(found) == {
        "index-url": "https://user.example/simple",
        "extra-index-url": ["https://one.example", "https://two.example"],
        "allow-insecure-host": ["user.example"],
    }
    assert found.uv_timeout == "180"


def test_uvs_own_settings_win_over_pips(tmp_path: Path) -> None:
    environ = {
        "PIP_INDEX_URL": "https://pip.example/simple",
        "UV_DEFAULT_INDEX": "https://uv.example/simple",
        "PIP_DEFAULT_TIMEOUT": "180",
        "UV_HTTP_TIMEOUT": "90",
    }
    found = clients.settings(environ, tmp_path, tmp_path)
    assert uv_of(found) == {"index-url": "https://uv.example/simple"}
    assert pip_of(found)["index-url"] == "https://pip.example/simple"
    assert found.uv_timeout == "90"


def test_npm_registries_and_timeouts_are_kept_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / ".npmrc").write_text(
        "; a comment\nregistry=https://npm.example/\n@own:registry = https://own.example/\n"
        "cafile=/here.pem\nfund=false\nnodedir=/usr\n//npm.example/:_authToken=secret\n"
    )
    environ = {"npm_config_fetch_timeout": "9000", "NPM_CONFIG_STRICT_SSL": "true", "npm_config_cache": "/cache"}
    found = clients.settings(environ, tmp_path, tmp_path)
    assert npm_of(found) == {
        "cafile": clients.BUNDLE,
        "registry": "https://npm.example/",
        "@own:registry": "https://own.example/",
        "fetch-timeout": "9000",
        "strict-ssl": "true",
    }


@pytest.mark.parametrize(
    "environ",
    [
        {"PIP_INDEX_URL": "https://me:hunter2@pip.example/simple"},
        {"PIP_EXTRA_INDEX_URL": "https://ok.example https://me:hunter2@pip.example/simple"},
        {"UV_DEFAULT_INDEX": "https://me:hunter2@pip.example/simple"},
        {"npm_config_registry": "https://me:hunter2@pip.example/"},
    ],
)
def test_a_password_never_gets_into_an_image_or_the_error(tmp_path: Path, environ: dict[str, str]) -> None:
    with pytest.raises(EngineError, match=r"pip\.example") as raised:
        clients.settings(environ, tmp_path, tmp_path)
    assert "hunter2" not in str(raised.value)


def pem(content: bytes, width: int = 64) -> str:
    text = base64.b64encode(content).decode()
    lines = [text[at : at + width] for at in range(0, len(text), width)]
    return "\n".join(["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----"])


@given(
    theirs=st.lists(st.binary(min_size=1), unique=True, max_size=5),
    own=st.lists(st.binary(min_size=1), unique=True, max_size=5),
)
def test_only_certificates_that_debian_lacks_are_added_however_they_are_wrapped(
    theirs: list[bytes], own: list[bytes]
) -> None:
    ours = [pem(content, 76) for content in [*theirs, *own]]
    added = clients.additional(ours, [pem(content) for content in theirs])
    assert added == [pem(content, 76) for content in own if content not in theirs]


def test_the_bundle_that_the_environment_names_is_read(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.pem"
    bundle.write_text(f"# root one\n{pem(b'one')}\n\n# root two\n{pem(b'two')}\n")
    assert clients.certificates({"SSL_CERT_FILE": str(bundle)}) == [pem(b"one"), pem(b"two")]
    assert clients.certificates({"SSL_CERT_FILE": str(tmp_path / "missing")}) == []
