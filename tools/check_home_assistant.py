"""Tries the discovery messages of tests/golden with Home Assistant's own schemas.

    python -m venv ha && ha/bin/pip install homeassistant==2025.4.4 paho-mqtt==2.1.0   # Python 3.13
    ha/bin/python tools/check_home_assistant.py

It runs with the Python of that environment, which need not have this package.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).resolve().parent.parent / "tests" / "golden"


def schema(platform: str) -> Any:
    """Home Assistant's schema for a discovered entity of this platform."""
    return importlib.import_module(f"homeassistant.components.mqtt.{platform}").DISCOVERY_SCHEMA


def check_device(message: dict[str, Any]) -> list[str]:
    """The entity ids of a message of the form `device`."""
    short = importlib.import_module("homeassistant.components.mqtt.abbreviations")
    schemas = importlib.import_module("homeassistant.components.mqtt.schemas")
    message = {short.ABBREVIATIONS.get(key, key): value for key, value in message.items()}
    origin = message["origin"].items()
    message["origin"] = {short.ORIGIN_ABBREVIATIONS.get(key, key): value for key, value in origin}
    for component in message["components"].values():
        component["platform"] = component.pop("p")
    schemas.DEVICE_DISCOVERY_SCHEMA(message)
    found: list[str] = []
    for component in message["components"].values():
        platform = component.pop("platform")
        if component:
            found.append(check_entity(platform, {**component, "device": message["device"]}))
    return found


def check_entity(platform: str, config: dict[str, Any]) -> str:
    """The entity id of one entity, by the option that this release knows."""
    config.pop("origin", None)
    taken: dict[str, Any] = schema(platform)(config)
    default = taken.get("default_entity_id")
    return default or f"{platform}.{taken['object_id']}"


async def main() -> int:
    """Check both forms; returns 1 if they give other ids."""
    core = importlib.import_module("homeassistant.core")
    home = core.HomeAssistant(str(GOLDEN))  # templates are compiled for one
    importlib.import_module("homeassistant.helpers.frame").async_setup(home)
    constants = importlib.import_module("homeassistant.const")
    forms: list[list[str]] = []
    for form in ("device", "entity"):
        messages = json.loads((GOLDEN / f"discovery-{form}.json").read_text(encoding="utf-8"))
        found: list[str] = []
        for topic, message in messages.items():
            platform = topic.split("/")[1]
            found += (
                check_device(message) if platform == "device" else [check_entity(platform, message)]
            )
        forms.append(sorted(found))
        print(f"Home Assistant {constants.__version__}: {form}, {len(found)} entities taken")
    if forms[0] != forms[1]:
        print("the two forms give different ids")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
