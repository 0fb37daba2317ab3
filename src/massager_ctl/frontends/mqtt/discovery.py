"""Discovery messages for Home Assistant: one for the device, or one for each entity (before 2024.11)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct

from massager_ctl.frontends.mqtt.choices import (
    DIRECTION_WORDS,
    DURATION_MAX,
    DURATION_MIN,
    HEAT_OFF,
    HEAT_STEPS,
    heat_word,
)
from massager_ctl.frontends.mqtt.state import PHASES, REASON_WORDS
from massager_ctl.frontends.mqtt.topics import COMMANDS, EventType, Leaf, Name, Topics
from massager_ctl.model.device import DeviceInfo
from massager_ctl.model.units import ZONES, Direction, Levels, Zone
from massager_ctl.safety.remote_start import STAMP_BEHIND_S, Need

COMMAND_TEMPLATE: Final = (
    '{"v":{{ value|tojson }},"n":"{{ this.attributes.nonce }}","t":{{ as_timestamp(utcnow()) }}}'
)
"""The template of a fresh command: the nonce from the entity's attributes, and the time of the press (R18)."""

_ADVICE_ATTRIBUTES: Final = (
    "{{ {'problem': value_json.problem_text, 'remedy': value_json.remedy, 'locked': value_json.locked,"
    " 'notes': value_json.notes} | tojson }}"
)

ORIGIN_NAME: Final = "massager-ctl"

Config = dict[str, Any]


class Entity(Struct, frozen=True):
    """One entity. `config` None: the device does not have it, so an earlier one is removed."""

    platform: str
    key: str
    config: Config | None


def entities(
    topics: Topics, info: DeviceInfo | None, caps: Levels, titles: Sequence[str]
) -> list[Entity]:
    """Every entity of a device. `info`: None before it was ever connected; `caps`: percent, in force now.

    `titles`: of the profiles that can be played.
    """
    maker = _Maker(topics)
    kneads = info is None or Direction.CW in info.directions
    warms = info is None or info.heat
    found = [
        *(maker.button(name, words, icon) for name, words, icon in _BUTTONS),
        *(maker.level(zone, caps[zone.index]) for zone in ZONES),
        maker.duration(),
        maker.select(Name.PROFILE, "Profile", list(titles), "mdi:playlist-music"),
        maker.select(
            Name.DIRECTION,
            "Direction",
            list(DIRECTION_WORDS.values()),
            "mdi:rotate-3d-variant",
            present=kneads,
        ),
        maker.select(
            Name.HEAT,
            "Heat",
            [HEAT_OFF, *map(heat_word, HEAT_STEPS)],
            "mdi:heat-wave",
            present=warms,
        ),
        *maker.sensors(),
        *(maker.actual(zone, caps[zone.index]) for zone in ZONES),
        *maker.binary_sensors(),
        maker.event(),
    ]
    return [
        Entity(platform, key, None if config is None else maker.common(platform, key, config))
        for platform, key, config in found
    ]


def device_message(
    topics: Topics, info: DeviceInfo | None, found: Sequence[Entity], version: str
) -> Config:
    """The content of `homeassistant/device/<id>/config`."""
    return {
        "dev": _device(topics, info),
        "o": {"name": ORIGIN_NAME, "sw": version},
        "cmps": {entity.key: {"p": entity.platform, **(entity.config or {})} for entity in found},
    }


def entity_message(
    topics: Topics, info: DeviceInfo | None, entity: Entity, version: str
) -> Config | None:
    """The content of an entity's own topic; None, an empty message, if it is removed."""
    if entity.config is None:
        return None
    origin = {"name": ORIGIN_NAME, "sw": version}
    return {"device": _device(topics, info), "origin": origin, **entity.config}


def _device(topics: Topics, info: DeviceInfo | None) -> Config:
    device: Config = {
        "identifiers": [f"massager_{topics.device}"],
        "name": f"Massager {topics.device}",
        "manufacturer": "massager-ctl",
        "model": "Neck and shoulder massager",
    }
    if info is not None:
        device |= {"serial_number": info.serial, "sw_version": info.firmware}
        if info.simulated:
            device["model"] = "Simulated massager"
    return device


_BUTTONS: Final = (
    (Name.STOP, "Stop", "mdi:stop-circle"),
    (Name.START, "Start", "mdi:play-circle"),
    (Name.PAUSE, "Pause", "mdi:pause-circle"),
    (Name.RESUME, "Resume", "mdi:play-pause"),
    (Name.EASE, "Ease", "mdi:minus-circle"),
    (Name.UNDO_EASE, "Undo an ease", "mdi:undo"),
    (Name.FADE, "Fade out", "mdi:arrow-bottom-right"),
    (Name.PAIN, "Something hurts", "mdi:alert-octagon"),
    (Name.PRESENCE, "I am here", "mdi:hand-wave"),
)

_Found = tuple[str, str, Config | None]


class _Maker:
    """Makes the configurations of one device's entities."""

    def __init__(self, topics: Topics) -> None:
        self._topics = topics
        self._service = {
            "topic": topics.of(Leaf.AVAILABILITY),
            "value_template": "{{ value_json.state }}",
        }
        self._link = {"topic": topics.of(Leaf.LINK)}
        self._settable = {
            "topic": topics.of(Leaf.STATE),
            "value_template": "{{ 'online' if value_json.settable else 'offline' }}",
        }

    def common(self, platform: str, key: str, config: Config) -> Config:
        name = f"{self._topics.device}_{key}"
        object_id = name.replace("-", "_")
        return {
            "unique_id": f"massager_{name}",
            # Releases before 2025.10 know only the first; later ones take the second and accept the first.
            "object_id": object_id,
            "default_entity_id": f"{platform}.{object_id}",
            "availability": [self._service, self._link],
            "availability_mode": "all",
            **config,
        }

    def _command(self, name: Name, rest: str = "") -> Config:
        form = COMMANDS[name]
        config: Config = {
            "command_topic": self._topics.command(name, rest),
            "command_template": COMMAND_TEMPLATE,
            "json_attributes_topic": self._topics.of(Leaf.NONCE),
            "retain": False,
            "qos": form.qos,
        }
        if form.need is not Need.FREE:
            # For newer releases on MQTT 5; older ones ignore it.
            config["message_expiry_interval"] = int(STAMP_BEHIND_S)
        return config

    def _state(self, template: str) -> Config:
        return {
            "state_topic": self._topics.of(Leaf.STATE),
            "value_template": f"{{{{ value_json.{template} }}}}",
        }

    def button(self, name: Name, words: str, icon: str) -> _Found:
        config: Config = {"name": words, "icon": icon, **self._command(name)}
        if name in (Name.STOP, Name.PAIN):
            # Sent even if the link seems to be down.
            config["availability"] = [self._service]
        return "button", name.value, config

    def level(self, zone: Zone, cap: float) -> _Found:
        key = f"intensity_{zone}"
        if cap <= 0:
            return "number", key, None
        config: Config = {
            "name": _words(zone),
            "icon": "mdi:vibrate",
            "min": 0,
            "max": math.floor(cap) if cap >= 1 else cap,
            "step": 1 if cap >= 1 else 0.1,
            # It follows the session while it can be set, and is unavailable otherwise.
            "availability": [self._service, self._link, self._settable],
            "unit_of_measurement": "%",
            "mode": "slider",
            "optimistic": False,
            **self._state(f"targets.{zone}"),
            **self._command(Name.LEVEL, zone.value),
        }
        return "number", key, config

    def duration(self) -> _Found:
        config: Config = {
            "name": "Duration by hand",
            "icon": "mdi:timer-outline",
            "min": DURATION_MIN,
            "max": DURATION_MAX,
            "step": 1,
            "unit_of_measurement": "min",
            "mode": "box",
            "optimistic": False,
            **self._state("duration_min"),
            **self._command(Name.DURATION),
        }
        return "number", "duration", config

    def select(
        self, name: Name, words: str, options: list[str], icon: str, *, present: bool = True
    ) -> _Found:
        if not present:
            return "select", name.value, None
        config: Config = {
            "name": words,
            "icon": icon,
            "options": options,
            "optimistic": False,
            **self._state("profile_title" if name is Name.PROFILE else name.value),
            **self._command(name),
        }
        return "select", name.value, config

    def sensors(self) -> list[_Found]:
        rows: list[tuple[str, str, str, Config]] = [
            ("battery", "Battery", "battery", {"device_class": "battery", **_measured("%")}),
            ("time_left", "Time left", "remaining_s", _seconds()),
            ("phase", "Phase", "phase", {"device_class": "enum", "options": list(PHASES)}),
            ("playing", "Playing", "title | default('nothing', true)", {"icon": "mdi:music-note"}),
            ("temperature", "Pad temperature", "pad_c", _temperature()),
            ("motor_temperature", "Motor temperature", "motor_c", _temperature()),
            ("dose_left", "Left today", "dose_left_s", _seconds()),
            (
                "stop_reason",
                "Last end",
                "stop_reason_text",
                {"device_class": "enum", "options": list(REASON_WORDS.values())},
            ),
        ]
        found: list[_Found] = [
            ("sensor", key, {"name": words, **self._state(path), **extra})
            for key, words, path, extra in rows
        ]
        return [*found, self._advice()]

    def _advice(self) -> _Found:
        """What to do, in an entity that is available while the service is."""
        config: Config = {
            "name": "What to do",
            "icon": "mdi:message-alert",
            **self._state("advice"),
            "json_attributes_topic": self._topics.of(Leaf.STATE),
            "json_attributes_template": _ADVICE_ATTRIBUTES,
            "availability": [self._service],
        }
        return "sensor", "advice", config

    def actual(self, zone: Zone, cap: float) -> _Found:
        key = f"actual_{zone}"
        if cap <= 0:
            return "sensor", key, None
        extra: Config = {"icon": "mdi:sine-wave", **_measured("%")}
        return (
            "sensor",
            key,
            {"name": f"{_words(zone)} now", **self._state(f"levels.{zone}"), **extra},
        )

    def binary_sensors(self) -> list[_Found]:
        service: Config = {"availability": [self._service]}
        rows: list[tuple[str, str, Config]] = [
            ("running", "Running", self._flag("running", device_class="running")),
            ("presence_due", "Presence due", self._flag("presence_due", icon="mdi:hand-wave")),
            ("ready", "Ready for a start from here", self._flag("ready", icon="mdi:account-check")),
            (
                "locked",
                "Locked until cleared at the machine",
                {**self._flag("locked", icon="mdi:lock-alert"), **_diagnostic(), **service},
            ),
            (
                "problem",
                "Problem",
                {**self._flag("problem", device_class="problem"), **_diagnostic(), **service},
            ),
            (
                "clock_problem",
                "Clocks differ",
                {**self._flag("clock_problem", device_class="problem"), **_diagnostic(), **service},
            ),
            (
                "connectivity",
                "Connected",
                {
                    "device_class": "connectivity",
                    "state_topic": self._topics.of(Leaf.LINK),
                    "payload_on": "online",
                    "payload_off": "offline",
                    **_diagnostic(),
                    **service,
                },
            ),
        ]
        return [("binary_sensor", key, {"name": words, **config}) for key, words, config in rows]

    def _flag(self, key: str, **extra: str) -> Config:
        return {
            "state_topic": self._topics.of(Leaf.STATE),
            "value_template": f"{{{{ 'ON' if value_json.{key} else 'OFF' }}}}",
            **extra,
        }

    def event(self) -> _Found:
        config: Config = {
            "name": "Event",
            "state_topic": self._topics.of(Leaf.EVENT),
            "event_types": [kind.value for kind in EventType],
            "availability": [self._service],
        }
        return "event", "event", config


def _measured(unit: str) -> Config:
    return {"unit_of_measurement": unit, "state_class": "measurement"}


def _seconds() -> Config:
    """Shown as hours, minutes and seconds."""
    return {"device_class": "duration", **_measured("s")}


def _temperature() -> Config:
    return {"device_class": "temperature", **_measured("°C")}


def _diagnostic() -> Config:
    return {"entity_category": "diagnostic"}


def _words(zone: Zone) -> str:
    """A name with the side first: a phone cuts names at their end."""
    muscle, _, side = zone.value.rpartition("_")
    return f"{side.capitalize()} {muscle}"
