"""What the stand-in offers: some of Lambda's types and regions, with prices of 2026."""

from typing import Any

REGIONS = {
    "us-east-1": "Virginia, USA",
    "us-south-1": "Texas, USA",
    "us-west-1": "California, USA",
    "us-west-2": "Arizona, USA",
    "europe-central-1": "Germany",
}
TYPES: dict[str, tuple[str, int, int, int, int]] = {
    # name: GPU, cents an hour, vCPUs, GiB of memory, GiB of storage
    "gpu_1x_a10": ("A10 (24 GB PCIe)", 75, 30, 200, 1400),
    "gpu_1x_a100": ("A100 (40 GB PCIe)", 129, 30, 200, 512),
    "gpu_1x_h100_pcie": ("H100 (80 GB PCIe)", 249, 26, 200, 1024),
}
FAMILIES = frozenset({"lambda-stack-22-04", "lambda-stack-24-04", "ubuntu-22-04"})


def region(name: str) -> dict[str, str]:
    """A region as the API shows it."""
    return {"name": name, "description": REGIONS[name]}


def instance_type(name: str) -> dict[str, Any]:
    """A type as the API shows it."""
    gpu, cents, vcpus, memory, storage = TYPES[name]
    return {
        "name": name,
        "description": f"1x {gpu}",
        "gpu_description": gpu,
        "price_cents_per_hour": cents,
        "specs": {"vcpus": vcpus, "memory_gib": memory, "storage_gib": storage, "gpus": 1},
    }
