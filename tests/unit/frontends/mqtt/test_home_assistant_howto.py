"""What the how-to shows works when pasted: the ids that it names are those that result, in every release."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
import yaml
from tests.devices import device_info

from massager_ctl import config as settings
from massager_ctl.cli.serve import named_devices
from massager_ctl.frontends.mqtt.choices import profile_titles
from massager_ctl.frontends.mqtt.discovery import (
    Entity,
    device_message,
    entities,
    entity_message,
)
from massager_ctl.frontends.mqtt.topics import Topics
from massager_ctl.model.units import Levels

ROOT = Path(__file__).resolve().parents[4]
HOWTO = ROOT / "docs" / "how-to" / "home-assistant.md"
BLUEPRINT = ROOT / "packaging" / "home-assistant" / "massager-presence.yaml"
GOLDEN = ROOT / "tests" / "golden"
CAPS: Levels = (40.0, 40.0, 40.0, 40.0, 35.0, 35.0)
INFO = device_info(
    serial="MS-1", firmware="1.2.3", caps=(70.0,) * 6, dead_man_s=0.5, simulated=False
)
PLATFORMS = "binary_sensor|button|event|number|select|sensor"
ACTIONS = {"button.press": "button", "number.set_value": "number", "select.select_option": "select"}


class _Loader(yaml.SafeLoader):
    """Knows the `!input` of a blueprint."""


_Loader.add_constructor("!input", lambda loader, node: f"!input {node.value}")


def blocks(language: str) -> list[str]:
    text = HOWTO.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def device_of_the_howto(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name in topics that the settings of the how-to give."""
    file = tmp_path / "config.toml"
    file.write_text(blocks("toml")[0])
    monkeypatch.setenv("MASSAGER_CTL_CONFIG", str(file))
    config = settings.load()
    ((name, _),) = asyncio.run(named_devices((), config))
    return name


def discovered(device: str) -> list[Entity]:
    titles = list(profile_titles().values())
    return entities(Topics(device, "massager", "homeassistant"), INFO, CAPS, titles)


def ids(device: str, *, before_2025_10: bool) -> set[str]:
    """The entity ids that Home Assistant makes: by `object_id`, later by `default_entity_id`."""
    found: set[str] = set()
    for entity in discovered(device):
        if entity.config is None:
            continue
        if before_2025_10:
            known = {k: v for k, v in entity.config.items() if k != "default_entity_id"}
            found.add(f"{entity.platform}.{known['object_id']}")
        else:
            known = {k: v for k, v in entity.config.items() if k != "object_id"}
            found.add(known["default_entity_id"])
    return found


def actions(node: Any) -> Iterator[dict[str, Any]]:
    """Every action with a target, however deep."""
    if isinstance(node, dict):
        node = cast("dict[str, Any]", node)
        if "target" in node:
            yield node
        for value in node.values():
            yield from actions(value)
    elif isinstance(node, list):
        for value in cast("list[Any]", node):
            yield from actions(value)


@pytest.mark.parametrize("before_2025_10", [True, False])
def test_every_id_of_the_howto_is_one_that_results(
    before_2025_10: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = device_of_the_howto(tmp_path, monkeypatch)
    there = ids(device, before_2025_10=before_2025_10)
    named = set(re.findall(rf"\b(?:{PLATFORMS})\.neck_\w+", HOWTO.read_text(encoding="utf-8")))
    assert len(named) > 20
    assert named <= there
    assert "button.neck_stop" in named


def test_what_is_pasted_is_yaml_whose_actions_fit_their_targets() -> None:
    found = [yaml.load(text, _Loader) for text in blocks("yaml")]  # noqa: S506  a SafeLoader
    automations = [one for one in found if "alias" in one]
    assert len(automations) == 6
    for automation in automations:
        assert automation.keys() <= {"alias", "mode", "triggers", "conditions", "actions"}
    targets = [action for one in found for action in actions(one)]
    assert len(targets) >= 8
    for action in targets:
        name = action["perform_action"] if "perform_action" in action else action["action"]
        wanted = action["target"]["entity_id"]
        for entity in [wanted] if isinstance(wanted, str) else wanted:
            assert entity.partition(".")[0] == ACTIONS[name]


def test_a_profile_that_the_howto_chooses_is_one_that_is_offered() -> None:
    options = [
        action["data"]["option"]
        for text in blocks("yaml")
        for action in actions(yaml.load(text, _Loader))  # noqa: S506  a SafeLoader
        if action.get("action") == "select.select_option"
    ]
    assert options
    assert set(options) <= set(profile_titles().values())


def test_the_blueprint_asks_for_all_that_it_uses() -> None:
    text = BLUEPRINT.read_text(encoding="utf-8")
    found = yaml.load(text, _Loader)  # noqa: S506  a SafeLoader
    asked = set(found["blueprint"]["input"])
    assert asked == set(re.findall(r"!input (\w+)", text))
    assert found["blueprint"]["domain"] == "automation"


def test_the_access_list_lets_home_assistant_read_discovery() -> None:
    page = (ROOT / "docs" / "reference" / "mqtt.md").read_text(encoding="utf-8")
    rules = page[page.index("user homeassistant") :]
    assert "topic readwrite homeassistant/#" in rules
    assert "topic write massager/+/cmd/#" in rules


@pytest.mark.parametrize("form", ["device", "entity"])
def test_discovery_is_what_was_tried_with_home_assistant(form: str) -> None:
    """The messages that were tried with a real one; `tools/check_home_assistant.py` tries them again."""
    topics = Topics("neck", "massager", "homeassistant")
    found = entities(topics, INFO, CAPS, ["By hand", "Gentle neck session"])
    messages: dict[str, Any] = {}
    if form == "device":
        messages[topics.device_config] = device_message(topics, INFO, found, "0.0.0")
    for entity in found if form == "entity" else ():
        topic = topics.entity_config(entity.platform, entity.key)
        messages[topic] = entity_message(topics, INFO, entity, "0.0.0")
    text = json.dumps(json.loads(msgspec.json.encode(messages)), indent=1, sort_keys=True) + "\n"
    assert text == (GOLDEN / f"discovery-{form}.json").read_text(encoding="utf-8")
