"""What Home Assistant is sent: every entity, both forms, and nothing that could start on its own."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from tests.devices import device_info

from massager_ctl.frontends.mqtt.choices import BY_HAND, RemoteState
from massager_ctl.frontends.mqtt.discovery import (
    COMMAND_TEMPLATE,
    Entity,
    device_message,
    entities,
    entity_message,
)
from massager_ctl.frontends.mqtt.state import (
    PHASES,
    REASON_WORDS,
    Advice,
    Remote,
    state_document,
)
from massager_ctl.frontends.mqtt.topics import EventType, Topics
from massager_ctl.model.device import DeviceInfo
from massager_ctl.model.status import Status
from massager_ctl.model.units import ZERO, ZONES, Direction, Levels

TOPICS = Topics("neck", "massager", "homeassistant")
CAPS: Levels = (25.0, 25.0, 25.0, 25.0, 20.0, 0.0)
INFO = device_info(serial="MS-1", firmware="1.2.3", caps=CAPS, dead_man_s=0.5, simulated=False)


def found(info: DeviceInfo | None = INFO, caps: Levels = CAPS) -> dict[str, Entity]:
    return {
        entity.key: entity for entity in entities(TOPICS, info, caps, [BY_HAND, "A gentle one"])
    }


def config(key: str, **changes: Any) -> dict[str, Any]:
    entity = found(**changes)[key]
    assert entity.config is not None
    return entity.config


def test_every_entity_is_there() -> None:
    by_platform: dict[str, set[str]] = {}
    for entity in found().values():
        by_platform.setdefault(entity.platform, set()).add(entity.key)
    assert by_platform["button"] >= {"start", "stop", "pause", "resume", "ease", "pain"}
    assert by_platform["number"] == {"duration", *(f"intensity_{zone}" for zone in ZONES)}
    assert by_platform["select"] == {"profile", "direction", "heat"}
    assert by_platform["sensor"] >= {
        "battery",
        "time_left",
        "phase",
        "temperature",
        "dose_left",
        "stop_reason",
        *(f"actual_{zone}" for zone in ZONES),
    }
    assert by_platform["binary_sensor"] >= {"connectivity", "problem", "running", "clock_problem"}
    assert by_platform["event"] == {"event"}
    assert by_platform.keys().isdisjoint({"switch", "light", "fan", "climate"})


def test_the_devices_message_has_its_parts() -> None:
    message = device_message(TOPICS, INFO, list(found().values()), "0.1.0")
    assert message["dev"]["identifiers"] == ["massager_neck"]
    assert message["dev"]["serial_number"] == "MS-1"
    assert message["o"] == {"name": "massager-ctl", "sw": "0.1.0"}
    assert all("p" in component for component in message["cmps"].values())
    assert message["cmps"]["intensity_suboccipital_right"] == {"p": "number"}  # cap 0: taken away
    json.loads(msgspec.json.encode(message))


def test_an_entitys_own_message_says_the_same() -> None:
    for entity in found().values():
        message = entity_message(TOPICS, INFO, entity, "0.1.0")
        if entity.config is None:
            assert message is None
        else:
            assert message is not None
            assert message["device"]["identifiers"] == ["massager_neck"]
            assert message["origin"]["name"] == "massager-ctl"
            assert entity.config.items() <= message.items()
    assert TOPICS.entity_config("button", "stop") == "homeassistant/button/neck/stop/config"


def test_whatever_commands_carries_the_template_and_is_never_retained() -> None:
    commanding = [
        entity for entity in found().values() if entity.config and "command_topic" in entity.config
    ]
    assert len(commanding) == 18
    for entity in commanding:
        wanted = entity.config
        assert wanted is not None
        assert wanted["command_template"] == COMMAND_TEMPLATE
        assert wanted["json_attributes_topic"] == "massager/neck/nonce"
        assert wanted["retain"] is False
        assert wanted["command_topic"].startswith("massager/neck/cmd/")
        assert ("message_expiry_interval" in wanted) == (wanted["qos"] == 0)
        if entity.platform in ("number", "select"):
            assert wanted["optimistic"] is False


def test_ids_are_unique_and_say_the_domain() -> None:
    configs = [entity.config for entity in found().values() if entity.config]
    assert len({wanted["unique_id"] for wanted in configs}) == len(configs)
    for entity in found().values():
        if entity.config:
            assert entity.config["object_id"] == f"neck_{entity.key}"  # before 2025.10
            assert entity.config["default_entity_id"] == f"{entity.platform}.neck_{entity.key}"


def test_stop_and_pain_hang_on_the_service_alone_and_everything_else_on_the_link_as_well() -> None:
    service = {
        "topic": "massager/neck/availability",
        "value_template": "{{ value_json.state }}",
    }
    link = {"topic": "massager/neck/link"}
    always = {"stop", "pain", "connectivity", "problem", "locked", "advice", "event"}
    always |= {"clock_problem"}
    for key, entity in found().items():
        if entity.config is None:
            continue
        assert entity.config["availability_mode"] == "all"
        wanted = entity.config["availability"]
        assert wanted[0] == service
        assert wanted[1:2] == ([] if key in always else [link])
        can_be_set = [item for item in wanted if item["topic"] == "massager/neck/state"]
        assert bool(can_be_set) == key.startswith("intensity_")


def test_left_and_right_can_be_told_apart_where_a_phone_cuts_a_name() -> None:
    names = [config(f"intensity_{zone}", caps=(40.0,) * 6)["name"] for zone in ZONES]
    assert names[:2] == ["Left trapezius", "Right trapezius"]
    assert len({name[:12] for name in names}) == len(names)


def test_no_option_means_unknown_to_home_assistant() -> None:
    for entity in found().values():
        options = (entity.config or {}).get("options", [])
        assert "none" not in [option.lower() for option in options]
        assert len(set(options)) == len(options)


def test_a_time_is_a_duration_in_seconds() -> None:
    for key in ("time_left", "dose_left"):
        wanted = config(key)
        assert (wanted["device_class"], wanted["unit_of_measurement"]) == ("duration", "s")


def test_a_numbers_end_is_the_cap_in_force() -> None:
    wanted = config("intensity_trapezius_left")
    assert (wanted["min"], wanted["max"], wanted["step"]) == (0, 25.0, 1)
    assert wanted["command_topic"] == "massager/neck/cmd/level/trapezius_left"
    small = config("intensity_neck_left", caps=(0.5,) * 6)
    assert small["step"] == 0.1


@pytest.mark.parametrize("info", [None, INFO])
def test_before_the_first_connection_all_is_offered(info: DeviceInfo | None) -> None:
    assert config("direction", info=info)["options"] == [
        "vibration",
        "clockwise",
        "counterclockwise",
        "alternating",
    ]
    assert "off" in config("heat", info=info)["options"]
    assert config("profile", info=info)["options"] == ["By hand", "A gentle one"]


def test_what_the_device_has_not_is_not_offered() -> None:
    plain = msgspec.structs.replace(INFO, heat=False, directions=frozenset({Direction.NONE}))
    assert found(info=plain)["heat"].config is None
    assert found(info=plain)["direction"].config is None
    simulated = msgspec.structs.replace(INFO, simulated=True)
    assert device_message(TOPICS, simulated, [], "0")["dev"]["model"] == "Simulated massager"


def test_states_that_are_shown_are_in_the_state() -> None:
    document = state_document(Status(), RemoteState(), Remote(), Advice(), ZERO)
    for entity in found().values():
        template = (entity.config or {}).get("value_template")
        if template is None:
            continue
        path = template.partition("value_json.")[2].split()[0].split(".")
        value: Any = document
        for key in path:
            value = value[key]
    assert document["phase"] in config("phase")["options"]
    assert document["stop_reason_text"] in config("stop_reason")["options"]
    assert document["direction"] in config("direction")["options"]
    assert document["heat"] in config("heat")["options"]
    assert document["profile_title"] in config("profile")["options"]
    assert config("event")["event_types"] == [kind.value for kind in EventType]
    assert set(PHASES) >= {"idle", "running", "latched", "fault"}
    assert "dead_man" in REASON_WORDS
