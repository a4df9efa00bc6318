"""What changes while clients call: nobody notices, and what Envoy would refuse never reaches it."""

import asyncio
import json
from pathlib import Path

import pytest
from mcp_gateway.envoy.admin import AdminError
from mcp_gateway.envoy.instance import QUIET_SECONDS
from mcp_gateway.envoy.process import EnvoyError
from mcp_gateway.envoy.validation import RejectedError
from mcp_gateway.policy import Policy

from gateway.tests.policies import key, policy
from gateway.tests.rig import LIST, Load, Rig, rig, until

pytestmark = pytest.mark.anyio

POLICY = policy(codex={})


@pytest.fixture
async def gateway(tmp_path: Path):
    async with rig(tmp_path) as made:
        yield made


def url(gateway: Rig, server: str) -> str:
    return f"http://127.0.0.1:{gateway.port}/{server}/mcp"


async def test_the_port_is_closed_until_there_is_a_configuration(gateway: Rig):
    with pytest.raises(OSError, match="Connect call failed"):
        await asyncio.open_connection("127.0.0.1", gateway.port)
    await gateway.configure(POLICY)
    assert (await gateway.http.get("/healthz")).status_code == 200


async def test_servers_come_and_go_while_another_is_called(gateway: Rig):
    time, notes = await gateway.replica("time"), await gateway.replica("notes")
    await gateway.configure(POLICY, time=[time])
    async with Load(url(gateway, "time"), "codex") as load:
        for _ in range(2):
            await gateway.configure(POLICY, time=[time], notes=[notes])
            assert (await gateway.post("/notes/mcp", "codex")).json()["replica"] == "notes"
            await gateway.configure(POLICY, time=[time])
            assert (await gateway.post("/notes/mcp", "codex")).status_code == 404
        await load.goes_on()
    assert load.failed == {}


async def test_a_server_answers_from_the_moment_that_it_is_configured(gateway: Rig):
    replica = await gateway.replica("time")
    await gateway.configure(POLICY)
    for number in range(4):
        await gateway.configure(POLICY, **{f"time{number}": [replica]})
        assert (await gateway.post(f"/time{number}/mcp", "codex")).status_code == 200


async def test_replicas_are_exchanged_while_they_are_called(gateway: Rig):
    old, new = await gateway.replica("old"), await gateway.replica("new")
    await gateway.configure(POLICY, time=[old])
    async with Load(url(gateway, "time"), "codex") as load:
        await gateway.configure(POLICY, time=[old, new])
        await until(lambda: new.answered > 0)
        await gateway.configure(POLICY, time=[new])
        before = old.answered
        await load.goes_on()
    assert load.failed == {}
    assert old.answered <= before + load.clients  # calls that were under way
    assert (await gateway.post("/time/mcp", "codex")).json()["replica"] == "new"


async def test_keys_and_access_change_while_others_call(gateway: Rig):
    time = await gateway.replica("time")
    await gateway.configure(POLICY, time=[time])
    async with Load(url(gateway, "time"), "codex") as load:
        for _ in range(2):
            await gateway.configure(policy(codex={}, guest={"rpm": 60, "servers": {"time": ["echo"]}}), time=[time])
            assert (await gateway.post("/time/mcp", "guest")).status_code == 200
            await gateway.configure(policy(codex={}, guest={"servers": {}}), time=[time])
            assert (await gateway.post("/time/mcp", "guest")).status_code == 403
            await gateway.configure(POLICY, time=[time])
            assert (await gateway.post("/time/mcp", "guest")).status_code == 401
        await load.goes_on()
    assert load.failed == {}


async def test_a_limit_that_is_used_up_survives_other_changes(gateway: Rig):
    time = await gateway.replica("time")
    limited = policy(codex={}, slow={"rpm": 1})
    await gateway.configure(limited, time=[time])
    assert (await gateway.post("/time/mcp", "slow")).status_code == 200
    await gateway.configure(policy(codex={}, slow={"rpm": 1}, other={}), time=[time], notes=[time])
    assert (await gateway.post("/time/mcp", "slow")).status_code == 429


async def test_a_replica_that_is_not_ready_gets_nothing_and_its_return_is_seen(gateway: Rig):
    one, two = await gateway.replica("one"), await gateway.replica("two")
    await gateway.configure(POLICY, time=[one, two])
    async with Load(url(gateway, "time"), "codex") as load:
        one.ready = False
        await _gets_nothing(one, two)
        one.ready = True
        before = one.answered
        await until(lambda: one.answered > before)
    assert load.failed == {}


async def test_a_replica_that_dies_fails_no_call_but_those_it_was_answering(gateway: Rig):
    one, two = await gateway.replica("one"), await gateway.replica("two")
    await gateway.configure(POLICY, time=[one, two])
    async with Load(url(gateway, "time"), "codex") as load:
        await one.stop()
        await load.goes_on(load.clients)
        failed = load.failed
        await load.goes_on(100)
    assert load.failed == failed
    # A call that met the death itself can't be repeated safely: the replica may have begun with it.
    assert failed.keys() <= {"503"}
    assert sum(failed.values()) <= load.clients


async def test_a_running_stream_outlives_the_removal_of_its_server(gateway: Rig):
    replica = await gateway.replica("time")
    await gateway.configure(POLICY, time=[replica])
    replica.hold.clear()
    call = asyncio.create_task(gateway.post("/time/mcp", "codex"))
    await until(lambda: replica.waiting == 1)
    await gateway.configure(POLICY)
    replica.hold.set()
    assert (await call).status_code == 200


async def test_what_envoy_would_refuse_changes_nothing(gateway: Rig):
    time = await gateway.replica("time")
    await gateway.configure(POLICY, time=[time])
    twice = Policy.model_construct(clients=POLICY.clients, keys={"codex": {key("codex")}, "operator": {key("codex")}})
    with pytest.raises(RejectedError):
        await gateway.configure(twice, notes=[time])
    assert (await gateway.post("/time/mcp", "codex")).status_code == 200
    assert (await gateway.post("/notes/mcp", "codex")).status_code == 404


async def test_what_envoy_does_not_take_is_told_and_can_be_mended(gateway: Rig, tmp_path: Path):
    time = await gateway.replica("time")
    resources = await gateway.configure(POLICY, time=[time])
    bad = {**resources.clusters, "bad": {"name": "bad", "type": "NO_SUCH_TYPE"}}
    with pytest.raises(AdminError, match=r"refused cds\.json"):
        await gateway.envoy._applier.apply(type(resources)(**{**vars(resources), "clusters": bad}))
    assert (await gateway.post("/time/mcp", "codex")).status_code == 200
    await gateway.configure(POLICY, time=[time], notes=[time])
    assert (await gateway.post("/notes/mcp", "codex")).status_code == 200


async def test_files_that_hold_keys_are_the_owners_alone_and_no_file_holds_the_master(gateway: Rig, tmp_path: Path):
    time = await gateway.replica("time")
    await gateway.configure(policy(codex={}), time=[time])
    found = [path for path in tmp_path.iterdir() if path.is_file()]  # noqa: ASYNC240 - little and local
    assert found
    assert all(path.stat().st_mode & 0o077 == 0 for path in found)
    assert not [path for path in found if "the-master-secret" in path.read_text()]
    assert {path.name for path in found if key("codex") in path.read_text()} == {"ecds-keys.json"}


async def test_the_log_of_requests_holds_no_secret(gateway: Rig, capfd: pytest.CaptureFixture[str]):
    time = await gateway.replica("time")
    await gateway.configure(POLICY, time=[time])
    token = (await gateway.post("/time/mcp?password=hidden", "codex")).json()["headers"]["x-mcp-gateway-token"]
    await gateway.envoy.__aexit__(None, None, None)
    (line,) = [json.loads(line) for line in capfd.readouterr().out.splitlines() if '"request"' in line]
    assert (line["client"], line["server"], line["method"], line["status"]) == ("codex", "time", LIST["method"], 200)
    assert line["upstream"] == f"127.0.0.1:{time.port}"
    assert line["request_id"]
    assert not [secret for secret in (key("codex"), token, "hidden") if secret in json.dumps(line)]


async def test_the_end_of_envoy_is_an_error_with_its_exit_code(gateway: Rig):
    await gateway.configure(POLICY)
    process = gateway.envoy._process.result()
    process._process.kill()
    with pytest.raises(EnvoyError, match="exit code -9"):
        await gateway.envoy.ended()


async def test_draining_serves_to_the_end_and_waits_for_the_last_client(gateway: Rig):
    replica = await gateway.replica("time")
    await gateway.configure(POLICY, time=[replica])
    replica.hold.clear()
    calls = [asyncio.create_task(gateway.post("/time/mcp", "codex")) for _ in range(5)]
    await until(lambda: replica.waiting == 5)
    drained = asyncio.create_task(gateway.envoy.drain())
    await until(lambda: _is_failing(gateway))
    assert not drained.done()
    replica.hold.set()
    for answer in await asyncio.gather(*calls):
        assert answer.status_code == 200
        assert answer.headers["connection"] == "close"
    await drained


async def test_a_gateway_without_clients_serves_until_its_load_balancer_has_seen_that_it_ends(tmp_path: Path):
    async with rig(tmp_path, notice_seconds=60.0) as gateway:
        await gateway.configure(POLICY, time=[await gateway.replica("time")])
        drained = asyncio.create_task(gateway.envoy.drain())
        await until(lambda: _is_failing(gateway))
        done, _ = await asyncio.wait([drained], timeout=4 * QUIET_SECONDS)
        assert not done
        assert (await gateway.post("/time/mcp", "codex")).status_code == 200
        drained.cancel()


async def _gets_nothing(one, other) -> None:
    """Wait until 50 calls in a row went to the other."""
    async with asyncio.timeout(5):
        while True:
            before, target = one.answered, other.answered + 50
            await until(lambda target=target: other.answered >= target)
            if one.answered == before:
                return


async def _is_failing(gateway: Rig) -> bool:
    response = await gateway.http.get("/healthz")
    return response.status_code == 503 and response.json() == {"status": "draining"}
