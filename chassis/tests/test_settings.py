import asyncio
import itertools
import json
from pathlib import Path

import pytest
from mcp_chassis import ChassisSettings, LiveSettings, StartError
from mcp_chassis.settings import FILE_VARIABLE, read_settings
from pydantic import Field, SecretStr


class Settings(ChassisSettings):
    api_key: SecretStr
    page_size: int = Field(default=20, ge=1, le=100)
    folder: Path = Field(default=Path("data"), validation_alias="MY_FOLDER")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MCP_API_KEY", "key-7f3a")


def write(path: Path, **settings: object) -> None:
    """As an orchestrator does: a new file in the place of the old one."""
    new = path.with_suffix(".new")
    new.write_text(json.dumps(settings))
    new.replace(path)


def test_settings_are_variables_and_a_file_wins_over_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MCP_PAGE_SIZE", "30")
    monkeypatch.setenv("MY_FOLDER", "/data")
    monkeypatch.setenv("MCP_LOG_LEVEL", "")
    found = read_settings(Settings)
    assert (found.page_size, found.folder, found.log_level) == (30, Path("/data"), "info")
    assert found.api_key.get_secret_value() == "key-7f3a"

    monkeypatch.setenv(FILE_VARIABLE, str(tmp_path / "settings.json"))
    write(tmp_path / "settings.json", page_size=40, folder="/elsewhere")
    found = read_settings(Settings)
    assert (found.page_size, found.folder) == (40, Path("/elsewhere"))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("MCP_API_KEY", None, "MCP_API_KEY: Field required"),
        ("MCP_PAGE_SIZE", "many", "MCP_PAGE_SIZE: Input should be a valid integer"),
        ("MCP_PAGE_SIZE", "101", "MCP_PAGE_SIZE: Input should be less than or equal to 100"),
        ("MCP_LOG_LEVEL", "loud", "MCP_LOG_LEVEL: Input should be 'debug', 'info', 'warning' or 'error'"),
    ],
)
def test_what_is_wrong_is_named_by_its_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str | None, said: str
) -> None:
    monkeypatch.delenv(name, raising=False) if value is None else monkeypatch.setenv(name, value)
    with pytest.raises(StartError, match=said):
        read_settings(Settings)


def test_a_secret_is_in_no_message(monkeypatch: pytest.MonkeyPatch) -> None:
    class Strict(Settings):
        api_key: SecretStr = Field(min_length=20)

    with pytest.raises(StartError) as caught:
        read_settings(Strict)
    assert "MCP_API_KEY" in str(caught.value)
    assert "key-7f3a" not in str(caught.value)
    assert "key-7f3a" not in repr(read_settings(Settings))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "No such file"),
        ("{", "no valid JSON"),
        ("[1]", "no JSON object"),
        ('{"page_sise": 1}', "page_sise: Extra inputs"),
    ],
)
def test_a_file_that_will_not_do_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, said: str
) -> None:
    file = tmp_path / "settings.json"
    monkeypatch.setenv(FILE_VARIABLE, str(file))
    if text is not None:
        file.write_text(text)
    with pytest.raises(StartError, match=said):
        read_settings(Settings)


def test_a_changed_file_counts_at_once_and_a_bad_one_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "settings.json"
    write(file, page_size=1)
    monkeypatch.setenv(FILE_VARIABLE, str(file))
    live = LiveSettings(read_settings(Settings))
    told: asyncio.Queue[int] = asyncio.Queue()

    async def run() -> None:
        live.on_change(lambda settings: told.put_nowait(settings.page_size))
        watching, heard = asyncio.create_task(live.watch()), asyncio.create_task(told.get())
        async with asyncio.timeout(60):
            # The watch may begin after a change: so change it until one is noticed.
            for size in itertools.cycle(range(2, 100)):
                write(file, page_size=size)
                if (await asyncio.wait({heard}, timeout=0.5))[0]:
                    break
        watching.cancel()
        await asyncio.wait([watching])

    asyncio.run(run())
    assert live.current.page_size > 1
    before = live.current
    file.write_text("{")
    live.reload()
    assert live.current is before
