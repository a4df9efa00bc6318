"""All rules of the policy pack."""

from pulumi_policy import Policy

from . import encryption, images, network, plain_secrets, protection, services, tags

RULES: tuple[Policy, ...] = (
    *images.RULES,
    *plain_secrets.RULES,
    *services.RULES,
    *network.RULES,
    *encryption.RULES,
    *tags.RULES,
    *protection.RULES,
)
