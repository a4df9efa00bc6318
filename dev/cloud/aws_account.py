"""An account of AWS on this machine: moto's, with addresses that can be reached and a registry behind ECR."""

import http.client
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any, Final
from unittest.mock import patch
from urllib.parse import urlsplit

import boto3
from moto import settings
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

CREDENTIALS: Final = "test"
ACCOUNT: Final = "123456789012"
"""moto's own: https://docs.getmoto.org/en/latest/docs/multi_account.html"""
DOMAIN: Final = "example.com"
"""The one hosted zone."""


class AwsAccount:
    """An account behind a moto server at `url`."""

    def __init__(self, url: str, region: str) -> None:
        self.url = url
        self.region = region

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes its clients' types at run time
        """boto3's client of a service."""
        session = boto3.session.Session(CREDENTIALS, CREDENTIALS, region_name=self.region)
        return session.client(service, endpoint_url=self.url)  # type: ignore[call-overload]

    def environment(self) -> dict[str, str]:
        """The variables by which AWS' tools, and pulumi-aws with them, find this account instead of AWS."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": CREDENTIALS,
            "AWS_SECRET_ACCESS_KEY": CREDENTIALS,
            "AWS_REGION": self.region,
        }

    def left(self) -> dict[str, list[Any]]:
        """What is in the account, by kind, that a fleet may have made; kinds of which there is nothing are left out."""
        ec2, iam, balancing = self.client("ec2"), self.client("iam"), self.client("elbv2")
        number = self.client("sts").get_caller_identity()["Account"]
        found: dict[str, list[Any]] = {
            "instances": [
                instance["InstanceId"]
                for reservation in ec2.describe_instances()["Reservations"]
                for instance in reservation["Instances"]
                if instance["State"]["Name"] != "terminated"
            ],
            "volumes": ec2.describe_volumes()["Volumes"],
            "networks": [vpc for vpc in ec2.describe_vpcs()["Vpcs"] if not vpc["IsDefault"]],
            "groups": [it for it in ec2.describe_security_groups()["SecurityGroups"] if it["GroupName"] != "default"],
            "gateways": ec2.describe_internet_gateways()["InternetGateways"],
            "roles": iam.list_roles()["Roles"],
            "profiles": iam.list_instance_profiles()["InstanceProfiles"],
            "repositories": self.client("ecr").describe_repositories()["repositories"],
            "buckets": self.client("s3").list_buckets()["Buckets"],
            "balancers": balancing.describe_load_balancers()["LoadBalancers"],
            "target groups": balancing.describe_target_groups()["TargetGroups"],
            "certificates": self.client("acm").list_certificates()["CertificateSummaryList"],
            "budgets": self.client("budgets").describe_budgets(AccountId=number)["Budgets"],
            "records": self._records(),
            "keys": self._keys(),
        }
        return {kind: things for kind, things in found.items() if things}

    def _records(self) -> list[str]:
        route53 = self.client("route53")
        return [
            record["Name"]
            for zone in route53.list_hosted_zones()["HostedZones"]
            for record in route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]
            if record["Type"] not in {"NS", "SOA"}
        ]

    def _keys(self) -> list[str]:
        """Of the customer's; those that are about to be deleted don't count."""
        kms = self.client("kms")
        described = [kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"] for key in kms.list_keys()["Keys"]]
        ours = [key for key in described if key["KeyManager"] == "CUSTOMER"]
        return [key["KeyId"] for key in ours if key["KeyState"] != "PendingDeletion"]


def furnished(client: Callable[[str], Any]) -> Mapping[str, Any]:
    """Put in what a fleet finds in an account: an image for each architecture, and a hosted zone. Return their ids."""
    images = {
        kind: client("ec2").register_image(Name=f"debian-{kind}", Architecture=kind, RootDeviceName="/dev/xvda")
        for kind in ("x86_64", "arm64")
    }
    zone = client("route53").create_hosted_zone(Name=DOMAIN, CallerReference="test")["HostedZone"]["Id"]
    return {
        "images": {kind: image["ImageId"] for kind, image in images.items()},
        "hosted_zone": zone.rpartition("/")[2],
    }


class Door:
    """What stands before moto: lets requests in one at a time, and says when there was one.

    moto keeps an account in its memory, which is not made for several requests at once. Who reads that memory beside it
    does so with `turn`.

    Arguments:
        registry: host and port that are told in place of ECR's, which nothing answers at; empty to leave those.
        asked: set after each request to the service of that name.
    """

    def __init__(self, registry: str = "", asked: Mapping[str, threading.Event] | None = None) -> None:
        self.turn = threading.Lock()
        self._registry = registry.encode()
        self._asked = asked or {}
        self._moto = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        service = _service(environ)
        with self.turn:
            answer = Response.from_app(self._moto, environ, buffered=True)
        if self._registry and service == "ecr":
            region = environ["HTTP_AUTHORIZATION"].split("/")[2]
            answer.set_data(
                answer.get_data().replace(f"{ACCOUNT}.dkr.ecr.{region}.amazonaws.com".encode(), self._registry)
            )
        if service in self._asked:
            self._asked[service].set()
        return answer(environ, start_response)


def _service(environ: Mapping[str, Any]) -> str:
    # Authorization: AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, …
    parts = environ.get("HTTP_AUTHORIZATION", "").partition(",")[0].split("/")
    return parts[3] if len(parts) > 3 else ""


def _empty(url: str) -> None:
    """All servers of a process have one account: https://docs.getmoto.org/en/latest/docs/server_mode.html#reset-api."""
    with closing(http.client.HTTPConnection(urlsplit(url).netloc)) as connection:
        connection.request("POST", "/moto-api/reset")
        connection.getresponse().read()


class _Quiet(MotoRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: there are thousands."""


@contextmanager
def account(region: str, door: Door, public_address: Callable[[], str] | None = None) -> Iterator[AwsAccount]:
    """An empty account on a server of its own, in which certificates are issued at once.

    Arguments:
        public_address: gives each instance its own; moto's pretended ones if None.
    """
    server = make_server("127.0.0.1", 0, door, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    addresses = patch("moto.ec2.models.elastic_network_interfaces.random_public_ip", public_address)
    with patch.object(settings, "ACM_VALIDATION_WAIT", 0):
        if public_address is not None:
            addresses.start()
        thread.start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            _empty(url)
            yield AwsAccount(url, region)
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
            if public_address is not None:
                addresses.stop()
