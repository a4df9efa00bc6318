"""The Service resource: created, read, updated and removed as the real provider does it.

Source: terraform-provider-docker 4.5.0, internal/provider/resource_docker_service_funcs.go.
"""

from collections.abc import Mapping
from typing import Any, Final

from dev.plugins.docker import durations
from dev.plugins.docker.access import Credentials, encoded_login
from dev.plugins.docker.convergence import Convergence, wait_created, wait_updated
from dev.plugins.docker.engine import NOT_FOUND, Engine, EngineError, ignoring
from dev.plugins.docker.image_digest import with_digest_and_platforms
from dev.plugins.docker.service_spec import service_spec
from dev.plugins.docker.service_state import service_state
from dev.plugins.docker.waiting import until
from dev.plugins.planning import State
from dev.plugins.resource import Found, OperationError, PartialFailureError

READ_TIMEOUT: Final = 30.0  # seconds for Swarm to decide how a new service is reached


class Service:
    """A Swarm service."""

    def __init__(self, engine: Engine, credentials: Credentials) -> None:
        self._engine = engine
        self._credentials = credentials

    def create(self, planned: State) -> Found:
        """Creates the service; one that does not converge in time is removed again."""
        auth = self._registry_auth(planned)
        spec = with_digest_and_platforms(self._engine, service_spec(planned), auth)
        id_ = self._engine.post("/services/create", spec, headers={"X-Registry-Auth": auth})["ID"]
        convergence = Convergence.of(planned)
        if convergence:
            try:
                wait_created(self._engine, id_, convergence)
            except OperationError:
                self.delete(id_, planned)
                raise
        return Found(id_, self._report(id_, planned))

    def read(self, id_: str, state: State) -> Found | None:
        """Reports the service of this ID, or of this name."""
        for service in self._engine.get("/services"):
            if service["ID"] == id_ or service["Spec"]["Name"] == state.get("name"):
                return Found(service["ID"], self._report(service["ID"], state))
        return None

    def update(self, id_: str, state: State, planned: State) -> State:
        """Gives the service its new specification; what Swarm makes of it decides whether that succeeds."""
        try:
            self._send_update(id_, planned)
            convergence = Convergence.of(planned)
            if convergence:
                wait_updated(self._engine, id_, convergence)
        except OperationError as error:
            raise PartialFailureError(str(error), id_, planned) from error
        return self._report(id_, planned)

    def delete(self, id_: str, state: State) -> None:
        """Removes the service and waits for its containers, for each at most the stop grace period."""
        grace = state["taskSpec"]["containerSpec"].get("stopGracePeriod") or "0s"
        containers = self._containers(state["name"]) if grace != "0s" else []
        try:
            self._engine.delete(f"/services/{id_}")
        except EngineError as error:
            raise OperationError(f"Error deleting service with ID '{id_}': {error}") from error
        for container in containers:
            self._wait_for_end(container, grace)

    def _send_update(self, id_: str, planned: State) -> None:
        service = self._engine.get(f"/services/{id_}")
        self._engine.post(
            f"/services/{id_}/update",
            service_spec(planned),
            params={"version": service["Version"]["Index"]},
            headers={"X-Registry-Auth": self._registry_auth(planned)},
        )

    def _registry_auth(self, planned: State) -> str:
        auth = planned.get("auth")
        if auth is None:
            return self._credentials.header(planned["taskSpec"]["containerSpec"]["image"])
        login = {
            "username": auth.get("username") or "",
            "password": auth.get("password") or "",
            "serveraddress": auth["serverAddress"],
        }
        return encoded_login(login if login["username"] and login["password"] else {})

    def _report(self, id_: str, state: State) -> State:
        """The service as it is, with what only the program knows taken from the state."""
        reported = until(lambda: service_state(self._engine.get(f"/services/{id_}")), READ_TIMEOUT)
        if reported is None:
            raise OperationError(f"service {id_} did not report how it is reached within {READ_TIMEOUT:g} s")
        kept: State = {name: state[name] for name in ("auth", "convergeConfig") if name in state}
        return {**reported, **kept}

    def _containers(self, service: str) -> list[str]:
        tasks: list[Mapping[str, Any]] = self._engine.get("/tasks", {"filters": {"service": [service]}})
        containers = (
            (task["Status"].get("ContainerStatus") or {}).get("ContainerID")
            for task in tasks
            if task["Status"]["State"] != "shutdown"
        )
        return [container for container in containers if container]

    def _wait_for_end(self, container: str, grace: str) -> None:
        try:
            self._engine.wait_removed(container, durations.seconds(grace))
        except TimeoutError as error:
            raise OperationError(
                f"error on wait for container with ID '{container}': context deadline exceeded "
                f"(it needed its whole stop grace period of {grace})"
            ) from error
        except EngineError as error:
            if error.status != NOT_FOUND:
                raise OperationError(f"failed to wait for container with ID '{container}': {error}") from error
        ignoring(
            "No such container",
            "is already in progress",
            action=lambda: self._engine.delete(f"/containers/{container}", {"v": True, "force": True}),
        )
