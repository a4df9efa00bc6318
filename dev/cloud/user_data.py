"""Reads cloud-init's user data, as far as the fleet's hosts use it, and refuses everything else.

Source: https://cloudinit.readthedocs.io/en/latest/reference/modules.html
"""

import json
from typing import Annotated, Any, Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from dev.cloud.first_start import File, FirstStart
from dev.errors import EngineError

HEADER: Final = "#cloud-config\n"
ENGINE: Final = "/etc/docker/daemon.json"
Key = Annotated[str, Field(pattern=r"^(ssh-|ecdsa-|sk-)\S+ \S+")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _User(_Part):
    name: Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_-]{0,31}$")]
    groups: Literal["docker"]
    shell: str
    lock_passwd: Literal[True]
    ssh_authorized_keys: Annotated[list[Key], Field(min_length=1)]


class _File(_Part):
    path: Annotated[str, Field(pattern=r"^/")]
    permissions: Annotated[str, Field(pattern=r"^0[0-7]{3}$")] = "0644"
    content: str


class _Keys(_Part):
    ed25519_private: str = Field(repr=False)
    ed25519_public: Key


class _CloudConfig(_Part):
    """What a host's user data may say, which is what components.hosts.cloud_init writes."""

    hostname: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
    manage_etc_hosts: Literal[True]
    groups: list[Literal["docker"]]
    users: Annotated[list[_User], Field(min_length=1)]
    disable_root: Literal[True]
    ssh_pwauth: Literal[False]
    ssh_deletekeys: Literal[True]
    ssh_keys: _Keys
    write_files: list[_File]
    package_update: Literal[True]
    packages: Annotated[list[str], Field(min_length=1)]
    runcmd: list[Annotated[list[str], Field(min_length=1)]]

    @model_validator(mode="after")
    def _has_docker(self) -> "_CloudConfig":
        if "docker.io" not in self.packages:
            raise ValueError("packages: a host without docker.io is none")
        return self


def first_start(user_data: str) -> FirstStart:
    """Return what a machine with this user data makes of itself.

    Raises:
        EngineError: It is no cloud-config or asks for what this stand-in can't do. No value is told: some are keys.
    """
    if not user_data.startswith(HEADER):
        raise EngineError(f"user data: its first line is not {HEADER.strip()!r}, so cloud-init would not read it")
    try:
        told = _CloudConfig.model_validate(yaml.safe_load(user_data))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise EngineError(f"user data: no YAML{f', line {mark.line + 1}' if mark else ''}") from None
    except ValidationError as error:
        reasons = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise EngineError(f"user data: {reasons}") from None
    files = {file.path: File(content=file.content, mode=int(file.permissions, 8)) for file in told.write_files}
    return FirstStart(
        hostname=told.hostname,
        users={user.name: "".join(f"{key}\n" for key in user.ssh_authorized_keys) for user in told.users},
        host_key=told.ssh_keys.ed25519_private,
        files=files,
        commands=told.runcmd,
        engine=_engine(files),
    )


def _engine(files: dict[str, File]) -> dict[str, Any]:
    if ENGINE not in files:
        return {}
    try:
        settings = json.loads(files[ENGINE].content)
    except ValueError as error:
        raise EngineError(f"user data: {ENGINE}: {error}, so dockerd would not start") from error
    if not isinstance(settings, dict):
        raise EngineError(f"user data: {ENGINE}: expected an object")
    return settings
