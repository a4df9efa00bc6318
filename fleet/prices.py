"""The price table, `prices.json`: what clouds publish for what a fleet is made of, with source and date."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from fleet.errors import FleetError

FILE = Path(__file__).with_name("prices.json")
FRESH = timedelta(days=180)
"""How old a price may be before whoever reads it is told so."""


class _Section(BaseModel):
    """Prices of one source, in US dollars without taxes; `date` is None where nobody has compared them with it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    date: date | None
    source: str


class Instances(_Section):
    """Machines of EC2: dollars an hour by type and region."""

    hourly: Mapping[str, Mapping[str, float]]


class Disks(_Section):
    """Disks of EBS: dollars for a GiB a month by region."""

    gp3: Mapping[str, float]


class Network(_Section):
    """Dollars an hour of a network load balancer by region, and of a public IPv4 address anywhere."""

    load_balancer: Mapping[str, float]
    address: float


class Keys(_Section):
    """Dollars a month of a key of KMS."""

    key: float


class Machines(_Section):
    """Machines of Lambda Labs: dollars an hour by type, in every region."""

    hourly: Mapping[str, float]


class Prices(BaseModel):
    """The whole table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ec2: Instances
    ebs: Disks
    network: Network
    keys: Keys
    lambda_labs: Machines

    def old(self, today: date, *used: str) -> Iterator[str]:
        """Yield a sentence for each of these parts of the table that is older than FRESH, or of no known date."""
        for name in used:
            section: _Section = getattr(self, name)
            if section.date is None:
                yield f"the prices of {name} were not compared with their source: check them"
            elif today - section.date > FRESH:
                yield f"the prices of {name} are of {section.date}, {(today - section.date).days} days ago"


def read(file: Path = FILE) -> Prices:
    """Return the table. Raises FleetError where it is none."""
    try:
        return Prices.model_validate_json(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        raise FleetError(f"{file}: is no price table: {error}", hint="restore it: `git checkout`") from error
