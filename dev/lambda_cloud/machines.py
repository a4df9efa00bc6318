"""A machine's life: booting, active, terminating, terminated, and out of sight; or unhealthy, or preempted."""

from dataclasses import dataclass
from typing import Any, Literal

from .requests import Launch

Status = Literal["booting", "active", "unhealthy", "terminated", "terminating", "preempted"]
Trouble = Literal["unhealthy", "preempted"]


@dataclass(frozen=True, kw_only=True)
class Times:
    """How long things take, in seconds.

    Arguments:
        boot: until a machine is active.
        appear: until a machine that was launched is in answers; the description doesn't say that it is at once.
        terminate: until one that is terminated is.
        forget: until a terminated one is unknown.
    """

    boot: float = 180.0
    appear: float = 0.0
    terminate: float = 30.0
    forget: float = 60.0


@dataclass
class Machine:
    """A machine that was launched at `since`, in seconds of the account's clock."""

    id: str
    request: Launch
    since: float
    times: Times
    ip: str
    name: str
    trouble: Trouble | None = None
    ended_at: float | None = None
    boots: bool = True

    def status(self, now: float) -> Status | None:
        """The state in which the API shows it, or None where it does not."""
        if self.ended_at is not None:
            age = now - self.ended_at
            if age < self.times.terminate:
                return "terminating"
            return "terminated" if age < self.times.terminate + self.times.forget else None
        if now - self.since < self.times.appear:
            return None
        if self.trouble is not None:
            return self.trouble
        return "active" if self.boots and now - self.since >= self.times.boot else "booting"

    def is_paid_for(self, now: float) -> bool:
        """Whether it costs money: it was launched, and its end is not over."""
        if self.ended_at is None:
            return self.trouble != "preempted"
        return now - self.ended_at < self.times.terminate

    def uses(self, file_system: str) -> bool:
        """Whether it mounts this file system, by id."""
        return any(mount.file_system_id == file_system for mount in self.request.file_system_mounts)

    def document(self, status: Status, region: dict[str, str], type_: dict[str, Any]) -> dict[str, Any]:
        """The machine as the API shows it. It has an address when it is active, and a token that nobody asked for."""
        request = self.request
        action = {"available": status == "active"}
        shown: dict[str, Any] = {
            "id": self.id,
            "name": self.name,
            "status": status,
            "ssh_key_names": request.ssh_key_names,
            "file_system_names": request.file_system_names,
            "region": region,
            "instance_type": type_,
            "hostname": request.hostname or self.id,
            "jupyter_token": f"jupyter-token-of-{self.id}",
            "jupyter_url": f"https://jupyter.invalid/?token=jupyter-token-of-{self.id}",
            "actions": dict.fromkeys(("migrate", "rebuild", "restart", "cold_reboot", "terminate"), action),
            "tags": [tag.model_dump() for tag in request.tags],
            "firewall_rulesets": [reference.model_dump() for reference in request.firewall_rulesets],
        }
        if request.file_system_mounts:
            shown["file_system_mounts"] = [mount.model_dump() for mount in request.file_system_mounts]
        if status in {"active", "unhealthy"}:
            shown |= {"ip": self.ip, "private_ip": "10.19.0.4"}
        return shown
