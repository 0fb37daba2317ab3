"""R1, fault 35: no file means defaults; a file that is named, damaged or wrong refuses, and says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from massager_ctl import config
from massager_ctl.config import (
    DEFAULT,
    ENV_CONFIG,
    ENV_DATA,
    ENV_DEVICE,
    ENV_MQTT_PASSWORD,
    SIZE_MAX,
    Config,
    load,
)
from massager_ctl.errors import ConfigError
from massager_ctl.safety import limits


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person's home with nothing in it."""
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    return tmp_path


def written(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


def rows(loaded: Config) -> dict[str, tuple[object, str]]:
    return {name: (value, source) for name, value, source in loaded.rows()}


def test_no_file_means_defaults(home: Path) -> None:
    loaded = load(env={})
    assert loaded.device == "sim:"
    assert loaded.limits.user_cap == 40.0
    assert {source for _, source in rows(loaded).values()} == {DEFAULT}
    assert loaded.path.name == "config.toml"
    assert str(loaded.path).startswith(str(home))
    assert str(loaded.data).startswith(str(home))


def test_the_numbers_are_those_of_the_rules() -> None:
    """R1."""
    assert (config.USER_CAP, config.USER_CAP_MAX) == (40.0, 70.0)
    assert max(limits.BOUNDS) == config.USER_CAP_MAX


def test_each_value_knows_where_it_comes_from(tmp_path: Path) -> None:
    path = written(tmp_path, 'device = "serial:/dev/ttyUSB0"\n[limits]\nuser_cap = 30\n')
    loaded = load(path, env={ENV_MQTT_PASSWORD: "secret"})
    found = rows(loaded)
    assert found["device"] == ("serial:/dev/ttyUSB0", str(path))
    assert found["limits.user_cap"] == (30.0, str(path))
    assert found["mqtt.host"] == (None, DEFAULT)
    assert found["mqtt.password"] == ("secret", f"environment {ENV_MQTT_PASSWORD}")
    assert loaded.user_cap_reason == "your own cap"


def test_the_environment_names_the_files_and_the_device(tmp_path: Path) -> None:
    path = written(tmp_path, 'device = "auto"\n')
    env = {ENV_CONFIG: str(path), ENV_DATA: str(tmp_path / "data"), ENV_DEVICE: "tcp:host:7"}
    loaded = load(env=env)
    assert (loaded.path, loaded.data) == (path, tmp_path / "data")
    assert rows(loaded)["device"] == ("tcp:host:7", f"environment {ENV_DEVICE}")


@pytest.mark.parametrize("how", ["environment", "argument"])
def test_fault_35_named_but_missing_refuses(tmp_path: Path, how: str) -> None:
    gone = tmp_path / "gone.toml"
    with pytest.raises(ConfigError, match=r"settings file not found") as caught:
        load(gone, env={}) if how == "argument" else load(env={ENV_CONFIG: str(gone)})
    assert "every cap is 0" in caught.value.remedy


def test_fault_35_unreadable_refuses(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path, env={})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[limits\nuser_cap = 30\n", "not valid TOML .*line 1"),
        ("[limits]\nuser_cap = 30\nuser_cap = 70\n", "not valid TOML .*line 3"),
        ("[limits]\nuser_cap = 71\n", "limits.user_cap: expected a number of at most 70"),
        ("[limits]\nuser_cap = -1\n", "limits.user_cap: expected a number of at least 0"),
        ("[limits]\nuser_cap = nan\n", "limits.user_cap"),
        ("[limits]\nuser_cap = inf\n", "limits.user_cap"),
        ("[limits]\nuser_cap = " + "1" * 5000, "not valid TOML .a number with too many digits"),
        ("device = " + "[" * 20_000, "not valid TOML .nested too deeply"),
        ("[limits]\nuser_cap = true\n", "limits.user_cap: expected a number, got true or false"),
        ('[limits]\nuser_cap = "30"\n', "limits.user_cap: expected a number, got text"),
        ("[limits]\nusercap = 30\n", "limits.usercap: unknown setting"),
        ("colour = 1\n", "colour: unknown setting"),
        ("limits = 3\n", "limits: expected a table, got a whole number"),
        ("[mqtt]\nport = 0\n", "mqtt.port"),
        ('[mqtt]\nprefix = "a/#"\n', "mqtt.prefix"),
        ("x" * (SIZE_MAX + 1), "larger than"),
    ],
)
def test_fault_35_a_wrong_file_refuses_and_names_the_place(
    tmp_path: Path, text: str, says: str
) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        load(written(tmp_path, text), env={})
    assert str(tmp_path) in caught.value.message
    assert "every cap is 0 and nothing starts" in caught.value.remedy


@pytest.mark.parametrize(
    "text",
    [
        '[devices]\n"neck\\n" = "sim:"\n',
        '[mqtt]\nprefix = "massager\\n"\n',
        '[mqtt]\ndiscovery_prefix = "home\\u0000"\n',
        '[mqtt]\nwebsocket_path = "/mqtt\\n"\n',
    ],
)
def test_a_name_or_topic_with_a_control_character_in_it_is_refused(
    tmp_path: Path, text: str
) -> None:
    with pytest.raises(ConfigError):
        load(written(tmp_path, text), env={})


def test_fault_35_bytes_that_are_no_text_refuse(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not valid TOML"):
        load(path, env={})


def test_fault_35_a_wrong_file_in_its_usual_place_refuses_as_well(home: Path) -> None:
    usual = load(env={}).path
    usual.parent.mkdir(parents=True)
    usual.write_text("[limits]\nuser_cap = 400\n")
    with pytest.raises(ConfigError):
        load(env={})


def test_zero_is_a_cap_like_any_other(tmp_path: Path) -> None:
    assert load(written(tmp_path, "[limits]\nuser_cap = 0\n"), env={}).limits.user_cap == 0.0


def test_a_whole_file(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """
        device = "ble:MS-1"
        [limits]
        user_cap = 55.5
        [mqtt]
        host = "broker.local"
        port = 8883
        username = "neck"
        tls = true
        prefix = "home/massager"
        discovery_prefix = "ha"
        """,
    )
    loaded = load(path, env={})
    assert loaded.limits.user_cap == 55.5
    assert (loaded.mqtt.host, loaded.mqtt.port, loaded.mqtt.tls) == ("broker.local", 8883, True)
    assert loaded.mqtt.password is None


def test_every_setting_and_variable_is_documented(repository: Path, tmp_path: Path) -> None:
    page = (repository / "docs" / "reference" / "config.md").read_text(encoding="utf-8")
    for name, _, _ in load(written(tmp_path, ""), env={}).rows():
        assert f"`{name}`" in page, name
    for variable in (ENV_CONFIG, ENV_DATA, ENV_DEVICE, ENV_MQTT_PASSWORD):
        assert f"`{variable}`" in page


def test_the_documented_example_is_right(repository: Path, tmp_path: Path) -> None:
    page = (repository / "docs" / "reference" / "config.md").read_text(encoding="utf-8")
    example = page.split("```toml\n")[1].split("```")[0]
    assert load(written(tmp_path, example), env={}).limits.user_cap == 30.0


@pytest.fixture
def repository() -> Path:
    return Path(__file__).parents[2]


def test_a_byte_order_mark_is_no_mistake(home: Path) -> None:
    path = home / "config.toml"
    path.write_bytes(b"\xef\xbb\xbf" + b'device = "tcp:127.0.0.1:7777"\n')
    assert load(path, env={}).device == "tcp:127.0.0.1:7777"
