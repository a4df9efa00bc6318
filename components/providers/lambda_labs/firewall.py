"""A set of firewall rules of one region.

Rules only allow; what no rule allows is closed, but for what the account's global rule set allows, which holds for all
its machines. Neither holds in us-south-1, where no machine may be launched for that reason (see instance_inputs).
"""

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi import dynamic
from pulumi.runtime import rpc

from components.providers.plain_errors import in_one_sentence

from .base import Provider, plain, unknown
from .models import Ruleset
from .once import made_once

NAME_CHARACTERS = 64
DESCRIPTION_CHARACTERS = 128
PROTOCOLS = ("tcp", "udp", "icmp", "all")


class RulesetProvider(Provider):
    """Makes rule sets, and changes their rules in place."""

    @in_one_sentence
    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.CheckResult:
        """Refuse what the API would refuse."""
        inputs = plain(news)
        rules, name = inputs["rules"], inputs["name"]
        known = [] if rules == rpc.UNKNOWN else [rule for rule in rules if not unknown(rule)]
        found = [problem for rule in known for problem in rule_problems(rule)]
        if not unknown(name) and len(name) > NAME_CHARACTERS:
            found.append(f"name {name!r} has more than {NAME_CHARACTERS} characters")
        return self.checked(news, found)

    @in_one_sentence
    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """Make the rule set, unless an interrupted run did; then give it the rules of today."""
        api, inputs = self.account(), plain(props)
        name, region, rules = inputs["name"], inputs["region"], inputs["rules"]
        ruleset = made_once(
            api,
            lambda: next((item for item in api.rulesets() if (item.name, item.region.name) == (name, region)), None),
            lambda: api.add_ruleset(name, region, rules),
        )
        if rules_of(ruleset) != rules:
            api.change_ruleset(ruleset.id, rules)
        return dynamic.CreateResult(ruleset.id, inputs)

    def diff(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.DiffResult:
        """Replace a rule set whose region differs; rules change in place."""
        old, new = plain(olds), plain(news)
        replaces = [key for key in ("name", "region") if old.get(key) != new[key]]
        return dynamic.DiffResult(bool(replaces) or old.get("rules") != new["rules"], replaces)

    @in_one_sentence
    def read(self, id_: str, props: dict[str, Any]) -> dynamic.ReadResult:
        """Look the rule set up. Rules that were changed by hand are a difference, which the next `up` mends."""
        ruleset = next((item for item in self.account().rulesets() if item.id == id_), None)
        if ruleset is None:
            return dynamic.ReadResult("", {})
        return dynamic.ReadResult(id_, {**plain(props), "rules": rules_of(ruleset)})

    @in_one_sentence
    def update(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.UpdateResult:
        """Replace the rules; machines that use the set follow."""
        inputs = plain(news)
        self.account().change_ruleset(id_, inputs["rules"])
        return dynamic.UpdateResult(inputs)

    @in_one_sentence
    def delete(self, id_: str, props: dict[str, Any]) -> None:
        """Delete the rule set. No machine uses it any more: Pulumi deleted those first."""
        self.account().delete_ruleset(id_)


class RulesetResource(dynamic.Resource, module="lambda-labs", name="FirewallRuleset"):
    """Firewall rules for machines in `region`. `name` has the mark of a claim."""

    def __init__(
        self,
        resource: str,
        *,
        name: pulumi.Input[str],
        region: pulumi.Input[str],
        rules: Sequence[Mapping[str, pulumi.Input[Any]]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(RulesetProvider(), resource, {"name": name, "region": region, "rules": rules}, opts)


def rules_of(ruleset: Ruleset) -> list[dict[str, Any]]:
    """Return the rules of a set as inputs are written: without a port range where there is none."""
    return [
        {
            key: list(value) if key == "port_range" else value
            for key, value in rule.model_dump(exclude_none=True).items()
        }
        for rule in ruleset.rules
    ]


def rule_problems(rule: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with a rule (FirewallRule in Lambda's OpenAPI description 1.10.0)."""
    protocol, ports, text = rule["protocol"], rule.get("port_range"), rule["description"]
    where = f"firewall rule {text!r}"
    problems = []
    if protocol not in PROTOCOLS:
        problems.append(f"{where}: there is no protocol {protocol!r}; there is {', '.join(PROTOCOLS)}")
    if (ports is None) != (protocol == "icmp"):
        problems.append(f"{where}: ports are for every protocol but icmp, which has none")
    if ports is not None and not 1 <= ports[0] <= ports[1] <= 65535:
        problems.append(f"{where}: ports {ports[0]} to {ports[1]} are no range from 1 to 65535")
    if len(text) > DESCRIPTION_CHARACTERS:
        problems.append(f"{where}: the description has more than {DESCRIPTION_CHARACTERS} characters")
    source = rule["source_network"]
    try:
        ipaddress.IPv4Network(source)
    except ValueError as error:
        problems.append(f"{where}: source {source!r} is no IPv4 network: {error}")
    else:
        if "/" not in source:  # the API adds it, and what it shows would differ for ever
            problems.append(f"{where}: write the source with its mask: {source}/32")
    return problems
