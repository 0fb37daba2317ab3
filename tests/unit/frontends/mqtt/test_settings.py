"""Which broker: the settings, a URL, certificates; and a password that is never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from massager_ctl.config import MqttConfig
from massager_ctl.errors import ConfigError, InputError
from massager_ctl.frontends.mqtt.settings import (
    BrokerSettings,
    broker_settings,
    remedy_for,
    tls_context,
)
from massager_ctl.frontends.mqtt.topics import (
    Leaf,
    Name,
    Topics,
    check_id,
    commands_table,
    events_table,
    id_from_address,
    topics_table,
)


def test_without_a_host_there_is_no_broker() -> None:
    assert broker_settings(MqttConfig()) is None


@pytest.mark.parametrize("password", ["\udcff", "x" * 65_536])
def test_a_password_that_mqtt_cannot_carry_is_refused_before_anything_starts(password: str) -> None:
    with pytest.raises(ConfigError) as found:
        broker_settings(MqttConfig(host="hub", password=password))
    assert password not in str(found.value)


def test_the_settings_give_the_broker_and_its_usual_port() -> None:
    plain = broker_settings(MqttConfig(host="hub", username="u", password="p", protocol="3.1.1"))
    assert plain is not None
    assert (plain.host, plain.port, plain.tls, plain.protocol) == ("hub", 1883, False, "3.1.1")
    secure = broker_settings(MqttConfig(host="hub", tls=True))
    assert secure is not None
    assert secure.port == 8883


def test_a_url_goes_before_the_settings() -> None:
    config = MqttConfig(host="hub", port=1, username="u", password="p", prefix="base")
    found = broker_settings(config, "mqtts://me%40home:w%2Fd@[::1]:8884")
    assert found is not None
    assert (found.host, found.port, found.tls) == ("::1", 8884, True)
    assert (found.username, found.password, found.prefix) == ("me@home", "w/d", "base")
    kept = broker_settings(config, "mqtt://other")
    assert kept is not None
    assert (kept.host, kept.port, kept.username, kept.password) == ("other", 1883, "u", "p")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("ws://hub", "ws://hub:80/mqtt"),
        ("ws://hub:9001/", "ws://hub:9001/mqtt"),
        ("wss://u:p@hub/a/b", "wss://hub:443/a/b"),
        ("wss://[::1]:1", "wss://[::1]:1/mqtt"),
    ],
)
def test_a_websocket_has_its_usual_port_and_path(url: str, shown: str) -> None:
    found = broker_settings(MqttConfig(host="other", websocket_path="/old"), url)
    assert found is not None
    assert str(found) == shown
    kept = broker_settings(MqttConfig(host="hub", websocket_path="/mqtt"))
    assert str(kept) == "ws://hub:80/mqtt"
    plain = broker_settings(MqttConfig(host="hub", websocket_path="/mqtt"), "mqtt://hub")
    assert str(plain) == "mqtt://hub:1883"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1016)", "does not speak TLS"),
        ("certificate verify failed: Hostname mismatch, not valid for 'hub'", "another name"),
        ("certificate verify failed: self-signed certificate in chain", "`ca_file`"),
        ("certificate verify failed: unable to get local issuer certificate", "`ca_file`"),
        ("certificate verify failed: certificate has expired", "Renew"),
        ("[Errno 111] Connection refused", "host and port"),
        ("timed out", "firewall"),
        ("[Errno -2] Name or service not known", "not known here"),
        ("WebSocket handshake error, connection not upgraded", "websockets"),
        ("something else", "tried again"),
    ],
)
def test_each_failure_has_a_remedy(text: str, words: str) -> None:
    for tls in (False, True):
        assert words in remedy_for(text, BrokerSettings("hub", 1883, tls=tls))


@pytest.mark.parametrize(
    "url",
    [
        "hub",
        "http://hub",
        "mqtt://",
        "mqtt://hub:99999",
        "mqtt://hub/x",
        "mqtt://hub?x=1",
        "ws://hub?x=1",
        "ws://",
    ],
)
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(InputError) as error:
        broker_settings(MqttConfig(), url)
    assert "mqtt" in str(error.value)


def test_nothing_that_prints_it_shows_the_password() -> None:
    settings = BrokerSettings("hub", 1883, "somebody", "hush")
    assert (
        f"{settings} {settings!r} {[settings]}"
        == "mqtt://hub:1883 mqtt://hub:1883 [mqtt://hub:1883]"
    )
    assert str(BrokerSettings("hub", 8883, tls=True)) == "mqtts://hub:8883"


def test_a_certificate_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert tls_context(BrokerSettings("hub", 1883)) is None
    assert tls_context(BrokerSettings("hub", 8883, tls=True)) is not None
    with pytest.raises(ConfigError, match="certificate"):
        tls_context(BrokerSettings("hub", 8883, tls=True, ca_file=str(tmp_path / "none.pem")))
    with pytest.raises(ConfigError, match="certificate"):
        tls_context(BrokerSettings("hub", 8883, tls=True, cert_file=str(tmp_path / "none.pem")))


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("sim:", "sim"),
        ("sim:?battery=12", "sim"),
        ("serial:/dev/ttyUSB0", "serial_dev_ttyusb0"),
        ("ble:AA:BB:CC:DD:EE:FF", "ble_aa_bb_cc_dd_ee_ff"),
        ("???", "massager"),
    ],
)
def test_a_device_without_a_name_gets_the_same_one_each_time(address: str, name: str) -> None:
    assert id_from_address(address) == name
    assert check_id(name) == name


@pytest.mark.parametrize("name", ["", "Neck", "a b", "a/b", "#", "+", "-a", "x" * 65])
def test_a_name_that_topics_cannot_carry_is_refused(name: str) -> None:
    with pytest.raises(InputError):
        check_id(name)


def test_topics_are_below_the_base_and_commands_are_known_from_them() -> None:
    topics = Topics("neck", "home/massager", "ha")
    assert topics.of(Leaf.STATE) == "home/massager/neck/state"
    assert topics.commands == "home/massager/neck/cmd/#"
    assert topics.named(topics.command(Name.LEVEL, "all")) == "level/all"
    assert topics.named("home/massager/other/cmd/stop") is None
    assert topics.birth == "ha/status"
    assert topics.device_config == "ha/device/neck/config"


def test_the_tables_of_the_reference_name_everything() -> None:
    assert all(f"massager/<id>/{leaf}`" in topics_table() for leaf in Leaf)
    assert all(f"cmd/{name}`" in commands_table() for name in Name)
    assert "`rejected`" in events_table()
