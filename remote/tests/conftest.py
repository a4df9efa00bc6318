"""One certificate authority for all tests, trusted by what they start and by themselves."""

from collections.abc import Iterator

import pytest

from .remote_server import Authority


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.made(tmp_path_factory.mktemp("authority"))


@pytest.fixture(autouse=True)
def trusted(authority: Authority) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(authority.bundle))
        yield


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"
