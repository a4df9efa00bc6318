"""The Docker engine's API: which engine, how it is reached, and requests to it.

Source: https://docs.docker.com/reference/api/engine/
"""

import json
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from dev.plugins.docker.access import Access
from dev.plugins.docker.ssh import forwarded_socket
from dev.plugins.resource import OperationError

if TYPE_CHECKING:
    import docker
    from docker.tls import TLSConfig

Json: TypeAlias = Any
NOT_FOUND: Final = 404
CONNECTIONS: Final = 64  # kept open; one for each operation that can be under way


class EngineError(OperationError):
    """The Docker engine refused a request.

    Attributes:
        status: the HTTP status, e.g. 404 for what does not exist.
    """

    def __init__(self, message: str, status: int) -> None:
        super().__init__(f"Error response from daemon: {message}")
        self.status = status


class Engine:
    """A connection to one Docker engine, made when it is first needed; safe to use from several threads."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._lock = threading.Lock()
        self._client: docker.APIClient | None = None

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Json:
        """Reads, e.g. `get("/services/abc")`. `filters` among the parameters are encoded as the API wants them."""
        return self._request("GET", path, params=params)

    def post(
        self,
        path: str,
        body: Json = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Json:
        """Creates or changes something."""
        return self._request("POST", path, body=body, params=params, headers=headers)

    def delete(self, path: str, params: Mapping[str, Any] | None = None) -> None:
        """Removes something."""
        self._request("DELETE", path, params=params)

    def inspect(self, path: str, registry_auth: str) -> Json:
        """Reads something that the engine has to ask a registry for."""
        return self._request("GET", path, headers={"X-Registry-Auth": registry_auth})

    def wait_removed(self, container: str, seconds: float) -> None:
        """Waits until a container has been removed.

        Raises:
            TimeoutError: it was not, within the given time.
            EngineError: it does not exist (status 404), or waiting failed.
        """
        import requests

        try:
            result = self._request(
                "POST", f"/containers/{container}/wait", params={"condition": "removed"}, timeout=seconds
            )
        except requests.exceptions.RequestException as error:
            raise TimeoutError(f"container {container} was not removed within {seconds:g} s") from error
        if failure := (result.get("Error") or {}).get("Message"):
            raise EngineError(failure, NOT_FOUND if "No such container" in failure else 0)

    def _request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Json = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Json:
        import requests

        client = self._connected()
        url = f"{client.base_url}/v{client.api_version}{path}"
        try:
            response = client.request(
                method,
                url,
                params=_encoded(params),
                json=body,
                headers=headers,
                timeout=timeout or client.timeout,
            )
        except requests.exceptions.RequestException as error:
            if timeout is not None:
                raise
            raise OperationError(f"cannot talk to the Docker engine at {self._access.host}: {error}") from error
        with response:
            if not response.ok:
                raise EngineError(_message(response.text), response.status_code)
            return response.json() if response.content else None

    def _connected(self) -> "docker.APIClient":
        with self._lock:
            if self._client is None:
                self._client = self._connect()
            return self._client

    def _connect(self) -> "docker.APIClient":
        import docker

        host, tls = self._access.host, _tls(self._access.cert_path)
        try:
            url = host
            if host.startswith("ssh://") and not tls:
                url = f"unix://{forwarded_socket(host, self._access.ssh_options)}"
            return docker.APIClient(base_url=url, version="auto", tls=tls, max_pool_size=CONNECTIONS)
        except (docker.errors.DockerException, OSError, ValueError) as error:
            reason = f"cannot talk to the Docker engine at {host}: {error}"
            if not self._access.skip_check:
                reason = (
                    f"Error pinging Docker server, please make sure that {host} is reachable "
                    f"and has a '_ping' endpoint. Error: {error}"
                )
            raise OperationError(f"failed to create Docker client: {reason}") from error


def ignoring(*texts: str, action: Callable[[], None]) -> None:
    """Runs the action; an error whose message holds one of the texts (in any case) counts as success."""
    try:
        action()
    except EngineError as error:
        if not any(text.lower() in str(error).lower() for text in texts):
            raise


def _encoded(params: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: json.dumps(value) if name == "filters" else value for name, value in (params or {}).items()}


def _message(text: str) -> str:
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text.strip()


def _tls(cert_path: str | None) -> "TLSConfig | bool":
    if not cert_path:
        return False
    from docker.tls import TLSConfig

    return TLSConfig(
        client_cert=(f"{cert_path}/cert.pem", f"{cert_path}/key.pem"),
        ca_cert=f"{cert_path}/ca.pem",
        verify=True,
    )
