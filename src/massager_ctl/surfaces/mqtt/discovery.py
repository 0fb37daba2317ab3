"""Home Assistant finds the device by itself: one message for the device, or one for each entity (before 2024.11)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct

from massager_ctl.device import DeviceInfo
from massager_ctl.safety.remote import BEHIND_S, Need
from massager_ctl.surfaces.mqtt.commands import (
    DURATION_MAX,
    DURATION_MIN,
    HEAT_OFF,
    HEAT_STEPS,
    MANUAL,
    TURNS,
)
from massager_ctl.surfaces.mqtt.state import PHASES, REASONS
from massager_ctl.surfaces.mqtt.topics import COMMANDS, EventType, Leaf, Name, Topics
from massager_ctl.units import ZONES, Direction, Levels, Zone

COMMAND_TEMPLATE: Final = (
    '{"v":{{ value|tojson }},"n":"{{ this.attributes.nonce }}","t":{{ as_timestamp(utcnow()) }}}'
)
"""What makes a command fresh: the nonce of the entity's own attributes, and the time of the press (R18)."""

ORIGIN_NAME: Final = "massager-ctl"

Config = dict[str, Any]


class Entity(Struct, frozen=True):
    """One entity. `config` None: this device has no such thing, so that an earlier one is taken away."""

    platform: str
    key: str
    config: Config | None


def entities(
    topics: Topics, info: DeviceInfo | None, caps: Levels, profiles: Sequence[str]
) -> list[Entity]:
    """Every entity of a device. `info`: None before it was ever connected; `caps`: percent, in force now."""
    maker = _Maker(topics)
    kneads = info is None or Direction.CW in info.directions
    warms = info is None or info.heat
    found = [
        *(maker.button(name, words, icon) for name, words, icon in _BUTTONS),
        *(maker.level(zone, caps[zone.index]) for zone in ZONES),
        maker.duration(),
        maker.select(Name.PROFILE, "Profile", [MANUAL, *profiles], "mdi:playlist-music"),
        maker.select(Name.DIRECTION, "Direction", list(TURNS), "mdi:rotate-3d-variant", kneads),
        maker.select(Name.HEAT, "Heat", [HEAT_OFF, *HEAT_STEPS], "mdi:heat-wave", warms),
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
    """The content of an entity's own topic; None, that is an empty message, where it is taken away."""
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
    (Name.SIGN_OF_LIFE, "I am here", "mdi:hand-wave"),
)

_Found = tuple[str, str, Config | None]


class _Maker:
    """Makes the configurations of one device's entities."""

    def __init__(self, topics: Topics) -> None:
        self._topics = topics
        self._service = {"topic": topics.of(Leaf.AVAILABILITY)}
        self._link = {"topic": topics.of(Leaf.LINK)}

    def common(self, platform: str, key: str, config: Config) -> Config:
        name = f"{self._topics.device}_{key}"
        return {
            "unique_id": f"massager_{name}",
            "default_entity_id": f"{platform}.{name.replace('-', '_')}",
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
            # Known to newer releases on MQTT 5; older ones leave it out.
            config["message_expiry_interval"] = int(BEHIND_S)
        return config

    def _state(self, template: str) -> Config:
        return {
            "state_topic": self._topics.of(Leaf.STATE),
            "value_template": f"{{{{ value_json.{template} }}}}",
        }

    def button(self, name: Name, words: str, icon: str) -> _Found:
        config: Config = {"name": words, "icon": icon, **self._command(name)}
        if name is Name.STOP:
            # A stop is worth sending even where the link seems to be down.
            config["availability"] = [self._service]
        return "button", name.value, config

    def level(self, zone: Zone, cap: float) -> _Found:
        key = f"intensity_{zone}"
        if cap <= 0:
            return "number", key, None
        config: Config = {
            "name": f"Intensity {_words(zone)}",
            "icon": "mdi:vibrate",
            "min": 0,
            "max": cap,
            "step": 1 if cap >= 1 else 0.1,
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
        self, name: Name, words: str, options: list[str], icon: str, present: bool = True
    ) -> _Found:
        if not present:
            return "select", name.value, None
        config: Config = {
            "name": words,
            "icon": icon,
            "options": options,
            "optimistic": False,
            **self._state(name.value),
            **self._command(name),
        }
        return "select", name.value, config

    def sensors(self) -> list[_Found]:
        rows: list[tuple[str, str, str, Config]] = [
            ("battery", "Battery", "battery", {"device_class": "battery", **_measured("%")}),
            (
                "time_left",
                "Time left",
                "remaining_s",
                {"device_class": "duration", **_measured("s")},
            ),
            ("phase", "Phase", "phase", {"device_class": "enum", "options": list(PHASES)}),
            ("playing", "Playing", "title", {"icon": "mdi:information-outline"}),
            ("temperature", "Pad temperature", "pad_c", _temperature()),
            ("motor_temperature", "Motor temperature", "motor_c", _temperature()),
            (
                "dose_left",
                "Dose left today",
                "dose_left_min",
                {"device_class": "duration", **_measured("min")},
            ),
            (
                "stop_reason",
                "Stop reason",
                "stop_reason",
                {"device_class": "enum", "options": list(REASONS)},
            ),
        ]
        return [
            ("sensor", key, {"name": words, **self._state(path), **extra})
            for key, words, path, extra in rows
        ]

    def actual(self, zone: Zone, cap: float) -> _Found:
        key = f"actual_{zone}"
        if cap <= 0:
            return "sensor", key, None
        extra: Config = {"icon": "mdi:sine-wave", **_measured("%")}
        return (
            "sensor",
            key,
            {"name": f"Actual {_words(zone)}", **self._state(f"levels.{zone}"), **extra},
        )

    def binary_sensors(self) -> list[_Found]:
        service: Config = {"availability": [self._service]}
        rows: list[tuple[str, str, Config]] = [
            ("running", "Running", self._flag("running", device_class="running")),
            ("attention", "Sign of life wanted", self._flag("attention", icon="mdi:hand-wave")),
            ("ready", "Ready for a start from here", self._flag("ready", icon="mdi:account-check")),
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


def _temperature() -> Config:
    return {"device_class": "temperature", **_measured("°C")}


def _diagnostic() -> Config:
    return {"entity_category": "diagnostic"}


def _words(zone: Zone) -> str:
    return zone.value.replace("_", " ")
