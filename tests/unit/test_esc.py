"""Secrets from Pulumi ESC, out of a server after its published description: what is read, and each way to fail."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from dev.esc import Esc as EscService
from dev.esc import Organization
from stacks.esc import Esc, EscError
from stacks.esc_config import EscConfig
from stacks.secret_values import SecretValues

TOKEN = "pul-canary-5c2d"
CANARY = "xoxb-canary-91"
NAME = "acme/mcp-fleet/prod"
DEFINITION = f"""
values:
  pulumiConfig:
    mcp-fleet:secrets:
      slack:
        SLACK_BOT_TOKEN: {{fn::secret: {CANARY}}}
        value: {{fn::secret: "a variable of this name"}}
"""


@pytest.fixture
def service() -> Iterator[EscService]:
    with EscService(Organization("acme"), TOKEN).serving() as service:
        service.organization.write("mcp-fleet/prod", DEFINITION)
        yield service


def environment(service: EscService, **more: str) -> EscConfig:
    keys = {"organization": "acme", "project": "mcp-fleet", "environment": "prod", "api": service.url, **more}
    return EscConfig.model_validate(keys)


def opened(service: EscService, **more: str) -> SecretValues:
    return Esc(environment(service, **more), {"PULUMI_ACCESS_TOKEN": TOKEN}).secrets()


def refusal(service: EscService, *, token: str = TOKEN, seconds: float = 30.0, **more: str) -> str:
    """Return what is said, which must not have a value or the token in it."""
    with pytest.raises(EscError) as refused:
        Esc(environment(service, **more), {"PULUMI_ACCESS_TOKEN": token}, seconds=seconds).secrets()
    said = str(refused.value)
    assert refused.value.__context__ is None or refused.value.__suppress_context__, "a traceback would show it"
    assert "canary" not in said
    assert "\n" not in said
    return said


def test_an_environment_gives_the_secrets_of_each_server(service: EscService) -> None:
    assert opened(service) == {"slack": {"SLACK_BOT_TOKEN": CANARY, "value": "a variable of this name"}}


def test_the_backend_of_the_state_is_not_taken_for_esc(service: EscService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", "file:///nowhere")
    assert "slack" in opened(service)


def test_values_of_other_types_and_scripts_come_as_they_are(service: EscService) -> None:
    values = 'a: {fn::secret: "über\\r\\nzwei\\n"}, b: 12, c: true, d: [x], e: null, f: {g: h}'
    service.organization.write(
        "mcp-fleet/prod", f"values: {{pulumiConfig: {{'mcp-fleet:secrets': {{slack: {{{values}}}}}}}}}"
    )
    found = opened(service)["slack"]
    assert [type(found[name]) for name in "bcdef"] == [int, bool, list, type(None), dict]
    assert found["a"] == "über\r\nzwei\n"


def test_a_revision_can_be_chosen_by_number_or_by_tag(service: EscService) -> None:
    service.organization.write("mcp-fleet/prod", DEFINITION.replace(CANARY, "newer"))
    service.organization.tags["mcp-fleet/prod", "stable"] = 1
    assert opened(service)["slack"]["SLACK_BOT_TOKEN"] == "newer"
    for version in ("1", "stable"):
        assert opened(service, version=version)["slack"]["SLACK_BOT_TOKEN"] == CANARY


def test_no_token_is_said_before_anything_is_asked(service: EscService) -> None:
    assert "PULUMI_ACCESS_TOKEN is not set" in refusal(service, token="")
    assert service.asked == []


def test_a_wrong_token_is_said(service: EscService) -> None:
    assert "refuses the token in PULUMI_ACCESS_TOKEN: it is wrong or expired" in refusal(service, token="canary-no")


def test_a_token_that_may_not_is_said(service: EscService) -> None:
    service.may_open = False
    assert f"may not open ESC's environment {NAME}" in refusal(service)


def test_a_missing_environment_or_revision_is_said(service: EscService) -> None:
    assert "there is no environment acme/mcp-fleet/stage in ESC" in refusal(service, environment="stage")
    for version in ("7", "blue"):
        assert f"{NAME}@{version} in ESC" in (said := refusal(service, version=version))
        assert f"no revision or tag {version!r}" in said


def test_an_esc_that_fails_is_named_with_its_status(service: EscService) -> None:
    service.failing = 503
    assert f"Pulumi ESC at {service.url} answers 503" in refusal(service)


def test_an_esc_that_does_not_answer_is_given_up(service: EscService) -> None:
    service.silent = True
    assert "did not answer within 0.5 s" in refusal(service, seconds=0.5)


def test_an_esc_that_is_away_is_named(service: EscService) -> None:
    assert "can't be reached at http://127.0.0.1:1 (" in refusal(service, api="http://127.0.0.1:1")


def test_a_definition_that_can_t_be_evaluated_is_named_by_its_place(service: EscService) -> None:
    service.organization.write("mcp-fleet/prod", f"values: {{aws: {{login: {{fn::open::nobody: {CANARY}}}}}}}")
    assert f"ESC can't evaluate the environment {NAME} (aws.login)" in refusal(service)


@pytest.mark.parametrize("definition", ["values: {}", "values: {pulumiConfig: {'aws:region': us-east-1}}"])
def test_an_environment_without_secrets_has_none(service: EscService, definition: str) -> None:
    service.organization.write("mcp-fleet/prod", definition)
    assert opened(service) == {}


@pytest.mark.parametrize(
    ("definition", "said"),
    [
        (f"values: {{pulumiConfig: {{'mcp-fleet:secrets': {CANARY}}}}}", "mcp-fleet:secrets of ESC's environment"),
        (f"values: {{pulumiConfig: {{'mcp-fleet:secrets': {{slack: {CANARY}}}}}}}", "mcp-fleet:secrets.slack of"),
    ],
)
def test_an_environment_of_another_form_is_refused(service: EscService, definition: str, said: str) -> None:
    service.organization.write("mcp-fleet/prod", definition)
    assert said in refusal(service)


def test_its_newest_revision_says_when_it_was_written(service: EscService) -> None:
    service.organization.write("mcp-fleet/prod", DEFINITION, created="2026-01-02T03:04:05.000Z")
    esc = Esc(environment(service), {"PULUMI_ACCESS_TOKEN": TOKEN})
    assert esc.changed() == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    service.organization.tags["mcp-fleet/prod", "stable"] = 1
    stable = Esc(environment(service, version="stable"), {"PULUMI_ACCESS_TOKEN": TOKEN})
    assert stable.changed() == datetime(2026, 11, 20, 8, tzinfo=UTC)


@pytest.mark.parametrize("more", ["imports: [mcp-fleet/base]", "other: {fn::open::aws-secrets: {}}"])
def test_a_revision_says_nothing_of_values_from_elsewhere(service: EscService, more: str) -> None:
    before = DEFINITION if more.startswith("imports") else DEFINITION.rstrip() + "\n  "
    service.organization.write("mcp-fleet/prod", before + more)
    assert Esc(environment(service), {"PULUMI_ACCESS_TOKEN": TOKEN}).changed() is None
