"""An account of AWS, as boto3 reaches it."""

import threading
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from dev.plugins.resource import OperationError

Answer = Mapping[str, Any]


class AwsError(OperationError):
    """A request was refused, with a code of AWS's."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class Account:
    """Sends requests one at a time: a moto server's memory is not made for several at once.

    Arguments:
        region: of all services that have one.
        access_key, secret_key: credentials.
        endpoints: address of each service; those of AWS for services that are not named (or of moto in this process).
    """

    def __init__(
        self, region: str, access_key: str, secret_key: str, endpoints: Mapping[str, str] | None = None
    ) -> None:
        self.region = region
        self._endpoints = endpoints or {}
        self._session = boto3.session.Session(access_key, secret_key, region_name=region)
        self._clients: dict[str, BaseClient] = {}
        self._turn = threading.Lock()

    def ask(self, service: str, operation: str, /, **parameters: object) -> Answer:
        """Send one request, named as boto3 names it.

        Raises:
            AwsError: It was refused.
            OperationError: boto3 could not send it.
        """
        with self._turn:
            try:
                answer: Answer = getattr(self._client(service), operation)(**parameters)
            except ClientError as error:
                code = error.response.get("Error", {}).get("Code", "")
                raise AwsError(f"{service} {operation}: {error}", code) from error
            except BotoCoreError as error:
                raise OperationError(f"{service} {operation}: {error}") from error
        return answer

    def number(self) -> str:
        """The account's number."""
        return str(self.ask("sts", "get_caller_identity")["Account"])

    def _client(self, service: str) -> BaseClient:
        if service not in self._clients:
            self._clients[service] = self._session.client(  # type: ignore[call-overload] # by name
                service,
                endpoint_url=self._endpoints.get(service),
                config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
            )
        return self._clients[service]
