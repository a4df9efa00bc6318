import json
import stat

from mcp_gateway.envoy.files import DiscoveryFile, replace

TYPE = "type.googleapis.com/envoy.config.cluster.v3.Cluster"


def test_a_file_is_a_discovery_response_of_typed_resources(tmp_path):
    file = DiscoveryFile(tmp_path / "cds.json", TYPE)
    version = file.write([{"name": "time"}])
    assert json.loads(file.path.read_text()) == {
        "version_info": version,
        "resources": [{"@type": TYPE, "name": "time"}],
    }


def test_the_version_is_that_of_the_content(tmp_path):
    file = DiscoveryFile(tmp_path / "cds.json", TYPE)
    versions = [file.write([{"name": name, "type": "STATIC"}]) for name in ("time", "notes")]
    assert versions[0] != versions[1]
    assert file.write([{"type": "STATIC", "name": "time"}]) == versions[0]


def test_what_is_there_already_is_not_written_again(tmp_path):
    file = DiscoveryFile(tmp_path / "cds.json", TYPE)
    file.write([{"name": "time"}])
    before = file.path.stat().st_ino
    file.write([{"name": "time"}])
    assert file.path.stat().st_ino == before


def test_a_change_replaces_the_file_whole(tmp_path):
    # Envoy's watch sees a rename, and not a write in place.
    file = DiscoveryFile(tmp_path / "cds.json", TYPE)
    file.write([{"name": "time"}])
    before = file.path.open()
    file.write([{"name": "notes"}])
    with before:
        assert "time" in before.read()
    assert "notes" in file.path.read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["cds.json"]


def test_only_the_owner_may_read_them(tmp_path):
    (tmp_path / ".keys.json.new").write_text("left behind by a crash")
    (tmp_path / ".keys.json.new").chmod(0o644)
    replace(tmp_path / "keys.json", b"{}")
    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600
